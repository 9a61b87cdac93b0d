"""Become another program that ends when its supervisor ends, however that happens (Linux).

Run as a file, before the program itself: `python -I -S child.py SUPERVISOR SIGNAL PROGRAM...`.
The wish survives the exec, so no process of ours stays in between.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    """Ask the kernel for a signal at the supervisor's death, then become the program."""
    supervisor, number, program = int(arguments[0]), int(arguments[1]), arguments[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)
    if os.getppid() != supervisor:  # it died before we asked
        sys.exit(1)
    os.execvp(program[0], program)  # noqa: S606 - the supervisor's own fixed argument list


if __name__ == "__main__":
    main(sys.argv[1:])
