"""An installation of its own for a measurement, with the processes of ``truckroll up``, and their killer."""

from __future__ import annotations

import os
import random
import signal
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

from benchmarks.demo_under_fire import victims
from dispatch import bootstrap, migrating
from dispatch.cli.up import children_of
from dispatch.embedded import services
from dispatch.embedded.processes import ProcessGroup
from dispatch.settings import Settings

ALONE = {
    "TRUCKROLL_ENV": "demo",
    "TRUCKROLL_MFA": "off",
    "TRUCKROLL_HASH_COST": "quick",
    "TRUCKROLL_REQUESTS_PER_MINUTE_USER": "1000000",
    "TRUCKROLL_REQUESTS_PER_MINUTE_DEVICE": "1000000",
    "TRUCKROLL_REQUESTS_PER_MINUTE_ADDRESS": "1000000",
    "TRUCKROLL_LOGIN_ATTEMPTS_PER_ADDRESS": "100000",
}
"""One program plays every phone, from one address."""


@contextmanager
def installation(room: Path) -> Iterator[str]:
    """An installation of its own in a folder, as ``truckroll up`` starts it; yields its address."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    os.environ.update(ALONE | {"TRUCKROLL_HOME": str(room / "home"), "TRUCKROLL_PORT": str(port)})
    settings = Settings.from_environment()
    with services.start(settings) as running:
        os.environ.update(running.environment())
        migrating.upgrade(running.database_url)
        bootstrap.start(Settings.from_environment())
        with ProcessGroup(children_of(settings), logs=settings.logs, running=running) as group:
            group.start()
            group.watch_in_background()
            url = f"http://{settings.host}:{settings.port}"
            _await_ready(url)
            yield url
        bootstrap.stop()


def _await_ready(url: str) -> None:
    end = time.monotonic() + 120
    while time.monotonic() < end:
        try:
            if httpx.get(f"{url}/readyz", timeout=2).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    raise SystemExit("the server did not come up")


@contextmanager
def killing(
    room: Path,
    *,
    seed: int,
    every: float,
    kinds: Sequence[str] = ("worker", "worker", "scheduler"),
    calm: threading.Event | None = None,
) -> Iterator[list[str]]:
    """
    Kill processes of some kinds by SIGKILL at intervals; the supervisor starts them again.

    While ``calm`` is set nothing is killed.
    """
    over, chance, killed = threading.Event(), random.Random(seed), []  # type: ignore[var-annotated]

    def kill() -> None:
        while not over.wait(every):
            kind = chance.choice(kinds)
            if calm is not None and calm.is_set():
                continue
            if pids := victims(str(room), kind):
                os.kill(chance.choice(pids), signal.SIGKILL)
                killed.append(kind)

    hunter = threading.Thread(target=kill, daemon=True)
    hunter.start()
    try:
        yield killed
    finally:
        over.set()
        hunter.join()
