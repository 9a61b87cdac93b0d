"""Bodies made to fill a server's memory: refused, and the server's own process hardly grows (row 30)."""

from __future__ import annotations

import gzip
import json
import os
import select
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.api.company import Company
from tests.api.in_the_field import signed_in

MOST_GROWTH_KB = 50 * 1024
GIGABYTE = 2**30
PIECE = b"x" * 65_536
LOGIN = "/v1/auth/login"
JSON = "Content-Type: application/json"
BOMB = gzip.compress(bytes(200 * 2**20), compresslevel=1)


def children(pid: int) -> list[int]:
    """Processes started by a process."""
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(one) for one in listed.read_text(encoding="ascii").split()]


class Memory:
    """The resident memory of the web server's worker, asked from the kernel."""

    def __init__(self) -> None:
        [master] = [pid for pid in children(os.getpid()) if b"gunicorn" in self._of(pid, "cmdline")]
        [self.worker] = children(master)
        self.before = self._kb("VmRSS")
        self._forget_peak()

    @staticmethod
    def _of(pid: int, name: str) -> bytes:
        return Path(f"/proc/{pid}/{name}").read_bytes()

    def _kb(self, name: str) -> int:
        lines = self._of(self.worker, "status").decode().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(name))

    def _forget_peak(self) -> None:
        Path(f"/proc/{self.worker}/clear_refs").write_text("5", encoding="ascii")

    def grown_kb(self) -> int:
        """How much more than before it held at its worst."""
        return self._kb("VmHWM") - self.before


@pytest.fixture
def memory(address: str) -> Memory:
    """Of a server that has answered before, so that what every request needs is there."""
    for _ in range(3):
        httpx.post(f"{address}{LOGIN}", json={"username": "nobody", "password": "x" * 20}, timeout=60)
    return Memory()


def told(address: str, head: list[str], body: Iterator[bytes]) -> int:
    """Send a request piece by piece until it is sent or answered; return the status."""
    with socket.create_connection(_place(address), timeout=30) as line:
        line.sendall(
            "\r\n".join([*head, f"Host: {urlsplit(address).netloc}", "Connection: close", "", ""]).encode()
        )
        with suppress(BrokenPipeError, ConnectionResetError):
            for piece in body:
                if select.select([line], [], [], 0)[0]:
                    break
                line.sendall(piece)
        answer = line.recv(4096)
    return int(answer.split(b" ", 2)[1])


def announced(address: str, company: Company) -> int:
    """A gigabyte, announced."""
    head = [f"POST {LOGIN} HTTP/1.1", JSON, f"Content-Length: {GIGABYTE}"]
    return told(address, head, iter([PIECE] * (GIGABYTE // len(PIECE))))


def unannounced(address: str, company: Company) -> int:
    """A gigabyte in chunks, its length not told."""
    chunk = f"{len(PIECE):x}\r\n".encode() + PIECE + b"\r\n"
    head = [f"POST {LOGIN} HTTP/1.1", JSON, "Transfer-Encoding: chunked"]
    return told(address, head, iter([chunk] * (GIGABYTE // len(PIECE))))


def deep(address: str, company: Company) -> int:
    """Ten thousand levels."""
    return httpx.post(f"{address}{LOGIN}", content=b"[" * 10_000, headers=_json(), timeout=60).status_code


def bomb(address: str, company: Company) -> int:
    """Two hundred megabytes, packed."""
    return _pushed(address, company, BOMB)


def values(address: str, company: Company) -> int:
    """Eight megabytes of lists with nothing in them, packed."""
    return _pushed(address, company, gzip.compress(b'{"ops": [' + b"[]," * 2_700_000 + b"1]}"))


def figures(address: str, company: Company) -> int:
    """Eight megabytes of numbers, packed."""
    return _pushed(address, company, gzip.compress(b'{"ops": [' + b"0.5," * 2_000_000 + b"1]}"))


def _pushed(address: str, company: Company, packed: bytes) -> int:
    assert len(packed) < 2**20
    phone = signed_in(company)
    token = phone.store.setting("access_token")
    phone.close()
    headers = _json() | {"Content-Encoding": "gzip", "Authorization": f"Bearer {token}"}
    return httpx.post(f"{address}/v1/sync/push", content=packed, headers=headers, timeout=60).status_code


def names(address: str, company: Company) -> int:
    """As many names in an object as a body can hold."""
    body = json.dumps(dict.fromkeys(map(str, range(180_000)), 0), separators=(",", ":")).encode()
    assert len(body) < 2 * 2**20
    return httpx.post(f"{address}{LOGIN}", content=body, headers=_json(), timeout=60).status_code


def fields(address: str, company: Company) -> int:
    """A million fields of a form."""
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    return httpx.post(
        f"{address}{LOGIN}", content=b"&".join([b"a="] * 10**6), headers=form, timeout=60
    ).status_code


def parameters(address: str, company: Company) -> int:
    """A million parameters in the address."""
    return told(address, ["GET /v1/users?" + "a&" * 10**6 + " HTTP/1.1"], iter(()))


def _place(address: str) -> tuple[str, int]:
    parts = urlsplit(address)
    return parts.hostname or "", parts.port or 0


def _json() -> dict[str, str]:
    return {"Content-Type": "application/json"}


FLOODS: list[tuple[Callable[[str, Company], int], set[int]]] = [
    (announced, {413}),
    (unannounced, {400, 413}),
    (deep, {400}),
    (bomb, {413}),
    (values, {400}),
    (figures, {400}),
    (names, {400}),
    (fields, {413, 415}),
    (parameters, {400, 414}),
]


def test_floods_are_refused_and_the_server_grows_by_less_than_fifty_megabytes(
    company: Company, address: str, memory: Memory
) -> None:
    """Row 30: 4xx, and the worst of them, sent twice, takes less than 50 MB more than the server had."""
    for flood, statuses in FLOODS * 2:
        assert flood(address, company) in statuses, flood.__doc__
        assert memory.grown_kb() < MOST_GROWTH_KB, flood.__doc__
    with ExitStack() as slow:  # three of four threads wait for slow senders, the fourth serves everybody else
        for _ in range(3):
            line = slow.enter_context(socket.create_connection(_place(address)))
            line.sendall(b"POST /v1/auth/login HTTP/1.1\r\nHost: x\r\nX-Slow: " + b"a" * 100)
        for _ in range(5):
            assert httpx.get(f"{address}/healthz", timeout=10).status_code == 200
        assert memory.grown_kb() < MOST_GROWTH_KB
