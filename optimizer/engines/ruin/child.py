"""A process that searches for ``together``: ``python -m optimizer.engines.ruin.child``."""

import os
import pickle
import sys

from optimizer.engines.ruin.together import Task, searched


def main() -> None:
    """Read a task, search, write what was found."""
    task: Task = pickle.load(sys.stdin.buffer)  # noqa: S301 - from the process that started this one
    sys.stdout.buffer.write(pickle.dumps(searched(task), protocol=pickle.HIGHEST_PROTOCOL))
    sys.stdout.buffer.flush()
    os._exit(0)  # the libraries take their time to close, and somebody waits


if __name__ == "__main__":
    main()
