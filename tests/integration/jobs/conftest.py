"""Real workers in processes of their own, and a Valkey that a test may kill."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from dispatch.embedded.find import find_valkey
from dispatch.settings import Settings
from tests.integration.jobs.nursery import Nursery, Worker, nursery
from tests.integration.jobs.workers import environment_of
from tests.job_stage import Stage, make_tables, staged, wait_for
from tests.services import TestServices

Start = Callable[..., Worker]


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


@pytest.fixture(scope="module")
def programs() -> Iterator[Nursery]:
    """Where workers and schedulers with the test's job handlers come from."""
    with nursery("tests.integration.jobs.program") as ready:
        yield ready


@pytest.fixture
def start(jobs_url: str, valkey: MortalValkey, programs: Nursery, tmp_path: Path) -> Iterator[Start]:
    """Starts workers (`start("default")`) and waits until they serve; all are killed in the end."""
    running: list[Worker] = []

    def start_one(*words: str, redis_url: str | None = valkey.url) -> Worker:
        settings = {"DATABASE_URL": jobs_url} | ({"REDIS_URL": redis_url} if redis_url else {})
        worker = programs.start(environment_of(tmp_path, settings), *words, log=tmp_path / "workers.log")
        running.append(worker)
        assert words[0] == "scheduler" or worker.is_ready()
        return worker

    yield start_one
    for worker in running:
        worker.close()


@pytest.fixture
def worker_log(tmp_path: Path) -> Callable[[], str]:
    """What all workers of the test have logged so far."""
    return (tmp_path / "workers.log").read_text
