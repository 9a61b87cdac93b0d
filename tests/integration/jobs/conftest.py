"""Real workers in processes of their own, and a Valkey that a test may kill."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from dispatch.embedded.find import find_valkey
from dispatch.settings import Settings
from tests.architecture.tree import ROOT
from tests.job_stage import Stage, make_tables, staged, wait_for
from tests.services import TestServices

Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture(scope="module")
def jobs_url(services: TestServices) -> Iterator[str]:
    """Address of a migrated database with the test handlers' tables."""
    url = services.new_database()
    make_tables(url)
    yield url
    services.drop_database(url)


class MortalValkey:
    """A Valkey of the test's own: nothing on disk, killed and started again at will."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.url = f"unix://{directory}/v.sock"
        self.child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server and wait until it answers."""
        program = str(find_valkey(Settings()))
        options = ["--port", "0", "--unixsocket", f"{self.directory}/v.sock", "--save", "", "--dir", "."]
        self.child = subprocess.Popen(
            [program, *options], cwd=self.directory, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wait_for(self._answers)

    def kill(self) -> None:
        """Kill the server without a warning."""
        if self.child is not None:
            self.child.kill()
            self.child.wait()

    def call(self, command: str) -> None:
        """Send one command."""
        with redis.Redis.from_url(self.url) as client:
            client.execute_command(command)

    def _answers(self) -> bool:
        try:
            with redis.Redis.from_url(self.url) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[MortalValkey]:
    """A running Valkey that a test may kill."""
    server = MortalValkey(tmp_path)
    server.start()
    yield server
    server.kill()


@pytest.fixture
def stage(jobs_url: str, valkey: MortalValkey) -> Iterator[Stage]:
    """The test's own empty database, and a queue that may die."""
    with staged(jobs_url, valkey.url) as ready:
        ready.clear()
        yield ready


@pytest.fixture
def start(jobs_url: str, valkey: MortalValkey, tmp_path: Path) -> Iterator[Start]:
    """Starts workers (`start("default")`) and waits until they serve; all are killed in the end."""
    children: list[subprocess.Popen[bytes]] = []
    logs = (tmp_path / "workers.log").open("wb")

    def start_one(*words: str, redis_url: str | None = valkey.url) -> subprocess.Popen[bytes]:
        environment = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        environment |= {"DATABASE_URL": jobs_url, "TRUCKROLL_ENV": "test", "TRUCKROLL_HOME": str(tmp_path)}
        if redis_url:
            environment["REDIS_URL"] = redis_url
        child = subprocess.Popen(
            [sys.executable, "-m", "tests.integration.jobs.program", *words],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=logs,
        )
        children.append(child)
        if words[0] != "scheduler":
            assert child.stdout is not None
            assert child.stdout.readline() == b"ready\n"
        return child

    yield start_one
    for child in children:
        child.kill()
        child.wait()
        if child.stdout is not None:
            child.stdout.close()
    logs.close()


@pytest.fixture
def worker_log(tmp_path: Path) -> Callable[[], str]:
    """What all workers of the test have logged so far."""
    return (tmp_path / "workers.log").read_text
