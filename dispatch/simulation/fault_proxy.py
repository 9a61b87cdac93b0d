"""
A bad network between phones and the API: a small HTTP proxy that loses, repeats, delays and cuts, by seed.

What becomes of the n-th request is drawn from the seed and n alone. Whoever is told of the traffic sees what
leaves the phones and what the server answers to it, also where the answer never arrives.
"""

from __future__ import annotations

import http.client
import random
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Protocol, Self
from urllib.parse import urlsplit

GOOD, DROPPED, LOST, REPEATED, CUT, DARK = "good", "dropped", "lost", "repeated", "cut", "dark"
"""Passed on; never arrives; answered, but nobody hears it; arrives twice; breaks off within the body; no
network at all."""
SHORTEST_CUT = 1024
"""Bodies of fewer bytes travel in one piece and are not cut."""
PATIENCE_SECONDS = 60.0
NOT_PASSED_ON = frozenset({"connection", "host", "keep-alive", "transfer-encoding", "content-length"})


@dataclass(frozen=True, slots=True)
class Lot:
    """What a request draws, each from 0 to 1; the same number of draws whatever becomes of it."""

    cut: float
    fate: float
    late: float
    wait: float
    where: float
    """How much of the body is sent before it breaks off."""

    @classmethod
    def drawn(cls, seed: int, serial: int) -> Self:
        """Draw the lot of a request by its number."""
        chance = random.Random(f"{seed}:{serial}")
        return cls(*(chance.random() for _ in range(5)))


@dataclass(frozen=True, slots=True)
class Weather:
    """How bad the network is: shares of requests, and the way's length and width."""

    dropped: float = 0.0
    lost: float = 0.0
    repeated: float = 0.0
    cut: float = 0.0
    """Share of requests with a body that is long enough."""
    late: float = 0.0
    """Share of requests that are late."""
    late_seconds: tuple[float, float] = (0.0, 0.0)
    bytes_per_second: float = 0.0
    """Of what a phone sends; 0 is as fast as it goes."""

    def fate(self, lot: Lot, size: int) -> str:
        """Return what becomes of a request with a body of so many bytes."""
        if size >= SHORTEST_CUT and lot.cut < self.cut:
            return CUT
        drawn = lot.fate
        for fate, share in ((DROPPED, self.dropped), (LOST, self.lost), (REPEATED, self.repeated)):
            if drawn < share:
                return fate
            drawn -= share
        return GOOD

    def delay(self, lot: Lot, size: int) -> float:
        """Return how many seconds the way takes."""
        soonest, latest = self.late_seconds
        waited = soonest + lot.wait * (latest - soonest) if lot.late < self.late else 0.0
        return waited + (size / self.bytes_per_second if self.bytes_per_second else 0.0)


CLEAR = Weather()


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request as a phone sent it."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server answered, and after how long."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    seconds: float


class Traffic(Protocol):
    """Who is told of everything that passes; called from many threads."""

    def left(self, request: Exchange) -> None:
        """A phone sent this; nobody knows yet whether it arrives."""

    def answered(self, request: Exchange, answer: Answer) -> None:
        """The server answered this; nobody knows yet whether the phone hears it."""


class FaultProxy:
    """Stands between phones and a server for as long as the block lasts."""

    def __init__(self, target: str, weather: Weather, *, seed: int, traffic: Traffic | None = None) -> None:
        self.weather = weather
        self.fates: Counter[str] = Counter()
        self._target = urlsplit(target)
        self._traffic = traffic
        self._seed, self._serial = seed, 0
        self._lock = threading.Lock()
        self._dark_until = 0.0
        self._server = _Server(self)

    @property
    def url(self) -> str:
        """Where phones find it."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def darken(self, seconds: float) -> None:
        """No request arrives for so long."""
        self._dark_until = time.monotonic() + seconds

    def pass_on(self, request: Exchange) -> Answer | None:
        """Let a request meet its fate; return the answer that the phone hears, if any."""
        lot = self._next_lot()
        fate = self.weather.fate(lot, len(request.body))
        if time.monotonic() < self._dark_until:
            fate = DARK
        with self._lock:
            self.fates[fate] += 1
        if self._traffic is not None:
            self._traffic.left(request)
        time.sleep(self.weather.delay(lot, len(request.body)))
        if fate in {DROPPED, DARK}:
            return None
        if fate == CUT:
            self._cut(request, 1 + int(lot.where * (len(request.body) - 1)))
            return None
        if fate == REPEATED:
            self._ask(request)
        answer = self._ask(request)
        return None if fate == LOST else answer

    def _next_lot(self) -> Lot:
        with self._lock:
            self._serial += 1
            return Lot.drawn(self._seed, self._serial)

    def _ask(self, request: Exchange) -> Answer | None:
        """Ask the server; None when it is not there or dies over it."""
        began = time.perf_counter()
        line = self._connection()
        try:
            line.request(request.method, request.path, request.body, dict(request.headers))
            found = line.getresponse()
            headers = [(name, text) for name, text in found.getheaders() if _is_passed_on(name)]
            answer = Answer(found.status, headers, found.read(), time.perf_counter() - began)
        except (OSError, http.client.HTTPException):
            return None
        finally:
            line.close()
        if self._traffic is not None:
            self._traffic.answered(request, answer)
        return answer

    def _cut(self, request: Exchange, most: int) -> None:
        """Send the head and a part of the body, and hang up."""
        line = self._connection()
        try:
            line.putrequest(request.method, request.path)
            for name, text in request.headers.items():
                line.putheader(name, text)
            line.putheader("Content-Length", str(len(request.body)))
            line.endheaders(request.body[:most])
        except (OSError, http.client.HTTPException):
            return
        finally:
            line.close()

    def _connection(self) -> http.client.HTTPConnection:
        host, port = self._target.hostname or "127.0.0.1", self._target.port
        return http.client.HTTPConnection(host, port, timeout=PATIENCE_SECONDS)


def _is_passed_on(name: str) -> bool:
    return name.lower() not in NOT_PASSED_ON


class _Server(ThreadingHTTPServer):
    """Serves each connection in a thread of its own, which ends with the connection or the program."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 512

    def __init__(self, proxy: FaultProxy) -> None:
        self.proxy = proxy
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """A phone that hung up is no news."""


class _Handler(BaseHTTPRequestHandler):
    """One connection of a phone."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name: text for name, text in self.headers.items() if _is_passed_on(name)}
        answer = self.server.proxy.pass_on(Exchange(self.command, self.path, headers, body))
        if answer is None:
            self.close_connection = True
            return
        self.send_response_only(answer.status)
        for name, text in answer.headers:
            self.send_header(name, text)
        if answer.status != 204:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    do_GET = do_HEAD = do_POST = do_PATCH = do_PUT = do_DELETE = _serve  # noqa: N815 - the library's names
