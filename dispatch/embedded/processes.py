"""Children of a supervisor: started, watched, started again, and stopped in order.

`truckroll up` and `truckroll demo` both use this. A child opens its own session, so that Ctrl-C on
the terminal reaches the supervisor alone, and receives SIGTERM when the supervisor is killed.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from types import TracebackType
from typing import Self

from dispatch.embedded import child as child_file
from dispatch.embedded.identity import Identity, identify, is_alive, send, session_of, wait_until
from dispatch.embedded.logs import open_log, tail, trim
from dispatch.embedded.services import Running
from dispatch.errors import DispatchError

LOOK_SECONDS = 0.2
TRIM_SECONDS = 10.0
STEADY_SECONDS = 30.0  # a child that lived so long is started again at once
PAUSES_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)


@dataclass(frozen=True)
class Child:
    """A program to keep running; lower stop orders are stopped first."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    stop_order: int = 0
    stop_seconds: float = 15.0


class _Kept:
    """One child and what became of its runs."""

    def __init__(self, child: Child) -> None:
        self.child = child
        self.run: subprocess.Popen[bytes] | None = None
        self.who: Identity | None = None
        self.started = 0.0
        self.due = 0.0
        self.quick_deaths = 0

    def is_alive(self) -> bool:
        return is_alive(self.who)

    def bury(self) -> int | None:
        """Kill what the dead child left in its session and collect its exit status.

        Until its status is collected the number stays taken, so the session is surely the child's.
        """
        if self.run is None:
            return None
        for member in session_of(self.run.pid):
            send(member, signal.SIGKILL)
        status = self.run.wait()
        self.run = self.who = None
        return status


class ProcessGroup:
    """The children of one supervisor, and the embedded services they need."""

    def __init__(
        self,
        children: Iterable[Child],
        *,
        logs: Path,
        running: Running | None = None,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._kept = [_Kept(child) for child in children]
        self._logs = logs
        self._running = running
        self._tell = tell
        self._lock = threading.RLock()
        self._stopping = threading.Event()
        self._over = threading.Event()
        self._watcher: threading.Thread | None = None
        self._trimmed = time.monotonic()
        self.hurry = threading.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start every child; call this and `watch` from a thread that outlives the children."""
        with self._lock:
            for kept in self._kept:
                self._launch(kept)

    def pids(self) -> dict[str, int]:
        """Numbers of the children and services that are running now, by name."""
        with self._lock:
            found = {kept.child.name: kept.who.pid for kept in self._kept if kept.who and kept.is_alive()}
            for service in self._running.services if self._running else ():
                if (pid := service.pid) is not None:
                    found[service.name] = pid
            return found

    def tick(self) -> None:
        """Look once: start again what has died, services first, and keep the logs short."""
        with self._lock:
            if self._stopping.is_set():
                return
            for service in self._running.services if self._running else ():
                if not service.is_alive():
                    self._revive(service.name)
            for kept in self._kept:
                self._look_after(kept)
            if time.monotonic() - self._trimmed > TRIM_SECONDS:
                self._trimmed = time.monotonic()
                for log in self._logs.glob("*.log"):
                    trim(log)

    def watch(self, until: threading.Event) -> None:
        """Keep everything running until the event is set."""
        while not until.wait(LOOK_SECONDS):
            self.tick()

    def watch_in_background(self) -> None:
        """Keep everything running from a thread of our own until `stop`."""

        def look() -> None:
            self.watch(self._stopping)
            self._over.wait()  # children it started would be told to end if this thread ended first

        self._watcher = threading.Thread(target=look, name="supervisor", daemon=True)
        self._watcher.start()

    def stop(self) -> None:
        """Stop the children, one stop order after the other; `hurry` cuts the waiting short."""
        self._stopping.set()
        with self._lock:
            ordered = sorted(self._kept, key=lambda kept: kept.child.stop_order)
            for _, together in groupby(ordered, key=lambda kept: kept.child.stop_order):
                self._stop_together(list(together))
        self._over.set()
        if self._watcher is not None:
            self._watcher.join()

    def _stop_together(self, group: list[_Kept]) -> None:
        for kept in group:
            if kept.who is not None:
                send(kept.who, signal.SIGTERM)
        for kept in group:
            self._see_off(kept)

    def _see_off(self, kept: _Kept) -> None:
        """Wait for a child that was asked to end, and end it when its time is over."""
        if kept.run is None:
            return
        wait_until(lambda: not kept.is_alive() or self.hurry.is_set(), seconds=kept.child.stop_seconds)
        kept.bury()
        self._tell(f"{kept.child.name} stopped")

    def _launch(self, kept: _Kept) -> None:
        wrapper = [
            sys.executable,
            "-I",
            "-S",
            child_file.__file__,
            str(os.getpid()),
            str(int(signal.SIGTERM)),
        ]
        services = self._running.environment() if self._running else {}
        with open_log(self._logs, kept.child.name) as log:
            kept.run = subprocess.Popen(
                [*wrapper, *kept.child.argv],
                env={**os.environ, **services, **kept.child.env},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        kept.who = identify(kept.run.pid)
        kept.started = time.monotonic()

    def _look_after(self, kept: _Kept) -> None:
        if kept.run is not None and not kept.is_alive():
            status = kept.bury()
            lived = time.monotonic() - kept.started
            kept.quick_deaths = 0 if lived > STEADY_SECONDS else kept.quick_deaths + 1
            pause = PAUSES_SECONDS[min(max(kept.quick_deaths - 1, 0), len(PAUSES_SECONDS) - 1)]
            kept.due = time.monotonic() + pause
            self._tell(f"{kept.child.name} ended ({_words(status)}); it is started again in {pause:g} s")
            if kept.quick_deaths > 2:
                self._tell(tail(self._logs / f"{kept.child.name}.log", longest=800))
        if kept.run is None and time.monotonic() >= kept.due:
            try:
                self._launch(kept)
            except OSError as error:  # no process or memory left; that may pass
                kept.due = time.monotonic() + PAUSES_SECONDS[-1]
                self._tell(f"{kept.child.name} cannot be started: {error}")

    def _revive(self, name: str) -> None:
        if self._running is None:
            return
        self._tell(f"{name} is gone; it is started again")
        try:
            self._running.service(name).start()
        except (DispatchError, OSError) as error:
            self._tell(f"{name}: {error}")  # the next look tries again


def _words(status: int | None) -> str:
    if status is not None and status < 0:
        return f"killed by signal {-status}"
    return f"exit status {status}"
