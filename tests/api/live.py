"""The web server of an installation, as a process of its own, on the database of a test."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.api.company import variables_of_tests

ROOT = Path(__file__).parents[2]
QUEUED_CONNECTIONS = 64
CRASH_POINTS = (
    "sync.push.decided", "sync.push.before_commit", "sync.push.after_commit", "sync.upload.written"
)  # fmt: skip
"""Where a web server may die while it serves a phone."""


@dataclass(frozen=True)
class Dying:
    """A server that dies once at each crash point."""

    address: str
    home: Path

    def died_at(self) -> set[str]:
        """Where it has died so far."""
        return {file.name.partition(".")[2] for file in self.home.glob("died.*")}


@contextmanager
def serving(database_url: str, redis_url: str, home: Path, *options: str, **variables: str) -> Iterator[str]:
    """
    Serve the API with gunicorn, with more options and variables if told; yield its address.

    The socket listens before the server starts: the first request waits in it, nobody polls.
    """
    with socket.create_server(("127.0.0.1", 0), backlog=QUEUED_CONNECTIONS) as listening:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("TRUCKROLL_")}
        environment |= variables_of_tests(**variables)
        environment |= {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "TRUCKROLL_HOME": str(home)}
        command = [
            sys.executable,
            "-m",
            "gunicorn",
            "wsgi:app",
            "--worker-class",
            "gthread",
            "--threads",
            "4",
        ]
        command += [
            "--bind",
            f"fd://{listening.fileno()}",
            "--no-control-socket",
            "--graceful-timeout",
            "5",
            *options,
        ]
        with (home / "web.log").open("wb") as log:
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=[listening.fileno()],
            )
            try:
                yield f"http://127.0.0.1:{listening.getsockname()[1]}"
            finally:
                process.terminate()
                process.wait(timeout=20)
