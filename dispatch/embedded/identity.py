"""Who runs under a number: a pid is only believed together with the moment it was started.

Numbers are used again. Nothing is signalled here on the word of a pid file alone: a server is
recognised by its program and by its directory in its own argument list, and the signal goes
through a file descriptor of exactly that one (pidfd), so it cannot hit an innocent successor.
"""

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
_STATE, _SESSION, _THREADS, _STARTED = 0, 3, 17, 19


@dataclass(frozen=True)
class Identity:
    """A running program: its number and the clock tick of its start, which no successor shares."""

    pid: int
    started: int


def identify(pid: int) -> Identity | None:
    """The program now running under `pid`; None if nobody does, or only its unread exit status is left."""
    status = _status(pid)
    if status is None or _is_over(status):
        return None
    return Identity(pid, int(status[_STARTED]))


def is_alive(who: Identity | None) -> bool:
    """Whether exactly this program is still running."""
    return who is not None and identify(who.pid) == who


def find_running(programs: frozenset[str], argument: str) -> list[Identity]:
    """Programs of one of these names with exactly this argument, oldest first."""
    found = []
    for pid in _pids():
        words = _arguments(pid)
        if words and Path(words[0]).name in programs and argument in words[1:]:
            who = identify(pid)
            if who is not None:
                found.append(who)
    return sorted(found, key=lambda who: (who.started, who.pid))


def working_in(directory: Path) -> list[Identity]:
    """Programs whose working directory is this one: what is left of a server that was killed."""
    found = []
    for pid in _pids():
        try:
            here = (PROC / str(pid) / "cwd").readlink()
        except OSError:
            continue
        who = identify(pid) if here == directory else None
        if who is not None:
            found.append(who)
    return found


def session_of(leader: int) -> list[Identity]:
    """Everything that runs in the session which `leader` opened, the leader included."""
    members = []
    for pid in _pids():
        status = _status(pid)
        if status is not None and int(status[_SESSION]) == leader and not _is_over(status):
            members.append(Identity(pid, int(status[_STARTED])))
    return members


def send(who: Identity, number: signal.Signals) -> bool:
    """Signal exactly this program; False if it is gone already."""
    try:
        descriptor = os.pidfd_open(who.pid)
    except ProcessLookupError:
        return False
    try:
        if not is_alive(who):
            return False
        signal.pidfd_send_signal(descriptor, number)
    except ProcessLookupError:
        return False
    finally:
        os.close(descriptor)
    return True


def wait_until(condition: Callable[[], bool], *, seconds: float, step_seconds: float = 0.02) -> bool:
    """Ask again and again until the condition holds or the time is over."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(step_seconds)
    return True


def _pids() -> list[int]:
    return [int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit()]


def _status(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat after the program's name, which may itself hold spaces and brackets."""
    try:
        text = (PROC / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return None
    return text.rpartition(")")[2].split()


def _is_over(status: list[str]) -> bool:
    """Whether only an exit status is left; a server's other threads may outlive its first one a moment."""
    return status[_STATE] in "ZX" and int(status[_THREADS]) <= 1


def _arguments(pid: int) -> list[str]:
    try:
        raw = (PROC / str(pid) / "cmdline").read_bytes()
    except OSError:
        return []
    return [os.fsdecode(word) for word in raw.split(b"\0")[:-1]]
