"""Worker programs that tests start, arm and kill."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

from tests.architecture.tree import ROOT

Worker: TypeAlias = "subprocess.Popen[bytes]"
Start: TypeAlias = Callable[..., Worker]


@contextmanager
def workers(program: str, home: Path, settings: Mapping[str, str], *, each_dies: bool) -> Iterator[Start]:
    """
    Starts workers of a program; none outlives the test.

    ``crash_at`` arms one place, to go off once in all, or with ``each_dies`` once for each worker so armed.
    """
    running: list[Worker] = []
    known = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    known |= {"TRUCKROLL_ENV": "test", "TRUCKROLL_HOME": str(home), **settings}
    log = (home / "workers.log").open("wb")

    def start(crash_at: str | None = None) -> Worker:
        environment = dict(known)
        if crash_at:
            once = home / f"{crash_at}.{len(running) if each_dies else 'once'}"
            environment |= {"TRUCKROLL_CRASH_AT": crash_at, "TRUCKROLL_CRASH_ONCE": str(once)}
        worker = subprocess.Popen(
            [sys.executable, "-m", program], cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=log
        )
        running.append(worker)
        assert worker.stdout is not None
        assert worker.stdout.readline() == b"ready\n"
        return worker

    yield start
    for worker in running:
        worker.kill()
        worker.wait()
        if worker.stdout is not None:
            worker.stdout.close()
    log.close()
