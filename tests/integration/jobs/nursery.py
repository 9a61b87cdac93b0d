"""
Worker processes without the seconds that each needs to load its libraries.

A nursery is a process that has loaded a program with all that it works with, and forks a worker of it
whenever a test asks. The worker is a process of its own with a start of its own (settings, connections,
queue); what it inherits is what a work-horse inherits from its worker. That workers start from nothing is
shown by the demo day.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import random
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.architecture.tree import ROOT

LONGEST_ORDER = 65536


class Worker:
    """A worker of a nursery; asked and signalled like a ``subprocess.Popen``."""

    def __init__(self, told: int, heard: int) -> None:
        self._told, self._heard = os.fdopen(told, "rb", buffering=0), os.fdopen(heard, "rb")
        self.pid = int(self._line())
        self.returncode: int | None = None

    def is_ready(self) -> bool:
        """Wait until the worker says that it serves."""
        return self._heard.readline() == b"ready\n"

    def poll(self) -> int | None:
        """How the worker has ended, if it has."""
        if self.returncode is None and select.select([self._told], [], [], 0)[0]:
            self.returncode = int(self._line())
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the worker's end and return how it ended."""
        if self.returncode is None:
            if not select.select([self._told], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(f"worker {self.pid}", timeout or 0.0)
            self.returncode = int(self._line())
        return self.returncode

    def terminate(self) -> None:
        """Ask the worker to stop."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """Kill the worker without a warning."""
        self._signal(signal.SIGKILL)

    def close(self) -> None:
        """Let nobody be left: kill, wait, close."""
        self.kill()
        self.wait()
        self._told.close()
        self._heard.close()

    def _signal(self, number: signal.Signals) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def _line(self) -> bytes:
        found = b""
        while not found.endswith(b"\n"):
            found += self._told.read(1) or b"-1\n"
        return found


class Nursery:
    """The asking side."""

    def __init__(self, orders: socket.socket) -> None:
        self._orders = orders

    def start(self, environment: Mapping[str, str], *words: str, log: Path) -> Worker:
        """Fork a worker with this environment and these arguments; what it logs is added to a file."""
        (told, telling), (heard, saying) = os.pipe(), os.pipe()
        with log.open("ab") as written:
            order = json.dumps({"environment": dict(environment), "words": words}).encode()
            socket.send_fds(self._orders, [order], [telling, saying, written.fileno()])
        os.close(telling)
        os.close(saying)
        return Worker(told, heard)


@contextmanager
def nursery(program: str) -> Iterator[Nursery]:
    """A nursery of one program, which has ``load()`` and ``main(*words)``."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours:
        with theirs:
            command = [sys.executable, "-m", "tests.integration.jobs.nursery", program, str(theirs.fileno())]
            process = subprocess.Popen(command, cwd=ROOT, pass_fds=[theirs.fileno()])
        yield Nursery(ours)
    process.wait(timeout=30)


def serve(program: str, orders: socket.socket) -> None:
    """Load a program and fork a worker for each order, until nobody can order any more."""
    module = importlib.import_module(program)
    module.load()
    gc.collect()
    gc.freeze()  # what is loaded stays: neither this process nor a worker walks through it again
    nurses: list[int] = []
    while True:
        order, descriptors, _, _ = socket.recv_fds(orders, LONGEST_ORDER, 3)
        if not order:
            break
        nurse = os.fork()
        if nurse == 0:
            orders.close()
            _nurse(module, json.loads(order), *descriptors)
        nurses.append(nurse)
        for descriptor in descriptors:
            os.close(descriptor)
    for nurse in nurses:
        os.waitpid(nurse, 0)


def _nurse(module: Any, order: dict[str, Any], telling: int, saying: int, log: int) -> None:
    """Fork the worker, tell its number and in the end how it ended."""
    pid = os.fork()
    if pid == 0:
        os.close(telling)
        os.dup2(saying, 1)
        os.dup2(log, 2)
        os.close(saying)
        os.close(log)
        os._exit(_live(module, order))
    os.close(saying)
    os.write(telling, f"{pid}\n".encode())
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.write(telling, f"{code}\n".encode())
    os._exit(0)


def _live(module: Any, order: dict[str, Any]) -> int:
    """Be the worker."""
    os.environ.clear()
    os.environ.update(order["environment"])
    random.seed()
    try:
        return int(module.main(*order["words"]))
    except BaseException:  # noqa: BLE001 - a forked process must never return into its parent's code
        sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[2])) as taken:
        serve(sys.argv[1], taken)
