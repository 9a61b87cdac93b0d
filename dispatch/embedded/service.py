"""What PostgreSQL and Valkey have in common as services of ours: attach or start, watch, stop."""

import os
import signal
import subprocess
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

from dispatch.embedded.failures import ServiceFailed
from dispatch.embedded.identity import Identity, identify, is_alive, send, wait_until
from dispatch.embedded.logs import open_log, tail
from dispatch.embedded.place import Place

START_ATTEMPTS = 8
ATTACH_SECONDS = 10.0
ANSWER_SECONDS = 180.0  # recovery after a crash replays the log first


class Service(ABC):
    """A server that outlives its supervisor and is found again by the next one."""

    name: ClassVar[str]
    stop_signals: ClassVar[tuple[tuple[signal.Signals, float], ...]]

    def __init__(self, place: Place) -> None:
        self.place = place
        self._who: Identity | None = None
        self._ours: subprocess.Popen[bytes] | None = None
        self._log_start = 0

    @property
    def log(self) -> Path:
        """The log of this service."""
        return self.place.logs / f"{self.name}.log"

    @property
    def pid(self) -> int | None:
        """Number of the running server; None while it is down."""
        return self._who.pid if self._who is not None and self.is_alive() else None

    def is_alive(self) -> bool:
        """Whether the server that was started or found is still running."""
        ours = self._ours
        if ours is not None and (self._who is None or self._who.pid == ours.pid):
            return ours.poll() is None
        return is_alive(self._who)

    def attach(self) -> bool:
        """Find the running server and make sure that it answers; nothing is started or stopped."""
        return self.adopt() and self.answers()

    def adopt(self) -> bool:
        """Take the running server, answering or not, for the one to watch and stop."""
        self._who = self.find()
        return self._who is not None

    def start(self) -> bool:
        """Attach to the running server, or start it; True if it was running already."""
        if self.adopt():
            if wait_until(lambda: self.answers() or not is_alive(self._who), seconds=ATTACH_SECONDS):
                if is_alive(self._who):
                    return True
            else:
                self.stop()
        self._start_again()
        return False

    def _start_again(self) -> None:
        """Start, and try again while what was killed before is still letting go (pre-existing block)."""
        self.prepare()
        said = ""
        for attempt in range(START_ATTEMPTS):
            self._launch()
            wait_until(lambda: self.answers() or not self.is_alive(), seconds=ANSWER_SECONDS)
            if self.is_alive() and self.answers():
                return
            said = tail(self.log, after=self._log_start)
            if self.is_alive():
                self.stop()
                break
            if not self.may_try_again(said):
                break
            wait_until(lambda: False, seconds=0.1 * 2 ** min(attempt, 5))
        raise ServiceFailed(
            f"{self.name} did not start; its log ends: {said or '(nothing)'}", log=str(self.log)
        )

    def _launch(self) -> None:
        with open_log(self.place.logs, self.name) as log:
            self._log_start = os.fstat(log.fileno()).st_size
            self._ours = subprocess.Popen(
                self.command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                **self.place.account.popen(),
            )
        self._who = identify(self._ours.pid)

    def stop(self) -> None:
        """Stop the server in order, with more force only if it does not obey."""
        who = self._who
        if who is None or not self.is_alive():
            return
        for number, seconds in (*self.stop_signals, (signal.SIGKILL, 10.0)):
            send(who, number)
            if wait_until(lambda: not self.is_alive(), seconds=seconds):
                return
        raise ServiceFailed(f"{self.name} (process {who.pid}) does not stop", pid=who.pid)

    @abstractmethod
    def url(self) -> str:
        """Address of the service for its clients."""

    @abstractmethod
    def find(self) -> Identity | None:
        """The server of this place that is running now, whoever started it."""

    @abstractmethod
    def prepare(self) -> None:
        """Make what the server needs on disk."""

    @abstractmethod
    def command(self) -> list[str]:
        """The server's program and arguments; they hold no secret."""

    @abstractmethod
    def answers(self) -> bool:
        """Whether our server accepts connections on our socket."""

    @abstractmethod
    def may_try_again(self, said: str) -> bool:
        """Whether a start that ended with these words may succeed a moment later."""
