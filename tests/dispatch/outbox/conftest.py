"""One database for the tests of jobs of a module, emptied before each, with handlers that leave traces."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.job_stage import Stage, make_tables, staged
from tests.services import TestServices


@pytest.fixture(scope="module")
def jobs_url(services: TestServices) -> Iterator[str]:
    """Address of a migrated database with the test handlers' tables."""
    url = services.new_database()
    make_tables(url)
    yield url
    services.drop_database(url)


@pytest.fixture
def stage(jobs_url: str, redis_url: str) -> Iterator[Stage]:
    """The test's own empty database and queue, wired to the test handlers."""
    with staged(jobs_url, redis_url) as ready:
        ready.clear()
        yield ready


@pytest.fixture
def deaf_server(tmp_path: Path) -> Iterator[str]:
    """Address of a server that accepts connections and never answers."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "deaf.sock"))
        listening.listen(64)
        yield f"unix://{tmp_path}/deaf.sock"
