"""Worker programs that tests start, arm and kill."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

from tests.integration.jobs.nursery import Nursery, Worker

Start: TypeAlias = Callable[..., Worker]


@contextmanager
def workers(nursery: Nursery, home: Path, settings: Mapping[str, str], *, each_dies: bool) -> Iterator[Start]:
    """
    Starts workers of a nursery; none outlives the test.

    ``crash_at`` arms one place, to go off once in all, or with ``each_dies`` once for each worker so armed.
    """
    running: list[Worker] = []
    known = environment_of(home, settings)

    def start(crash_at: str | None = None) -> Worker:
        environment = dict(known)
        if crash_at:
            once = home / (str(len(running)) if each_dies else "once")
            environment |= {"TRUCKROLL_CRASH_AT": crash_at, "TRUCKROLL_CRASH_ONCE": str(once)}
        worker = nursery.start(environment, log=home / "workers.log")
        running.append(worker)
        assert worker.is_ready()
        return worker

    yield start
    for worker in running:
        worker.close()


def environment_of(home: Path, settings: Mapping[str, str]) -> dict[str, str]:
    """What a worker of a test finds in its environment."""
    known = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return known | {"TRUCKROLL_ENV": "test", "TRUCKROLL_HOME": str(home), **settings}
