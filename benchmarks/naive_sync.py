"""
What phones are often built on, under the same faults: a REST service where the last write wins.

Each fact is one POST without an identity, each state one PUT of the whole visit, each photograph one POST of
all its bytes, which plain RQ puts away. The phone tries three times, tells the technician that it failed, and
forgets. The server believes whatever comes. Markers that only the count looks at show what was lost, doubled
or overwritten. Of the faults 2, 16, 18 and 29 of reliability.md §7 it meets the same: answers lost, bodies
cut, workers killed, a slow and broken link with blackouts.
"""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import httpx
import psycopg

from benchmarks.blackouts import blackouts
from benchmarks.naive_queue import Background, background
from dispatch.simulation.fault_proxy import FaultProxy

if TYPE_CHECKING:
    from benchmarks.runs import Row
    from benchmarks.sync import Load

TRIES = 3
SCHEMA = """
drop schema if exists naive cascade;
create schema naive;
create table naive.visit (id int primary key, body jsonb not null);
create table naive.fact (id serial primary key, marker text not null);
create table naive.photo (id serial primary key, marker text not null);
"""
FACTS = ("finding", "part", "approval", "signature", "payment")
STATES = ("accepted", "travelling", "on_site", "working", "done")


class _Service(BaseHTTPRequestHandler):
    """PUT /visits/<id>, POST /facts/<marker>, POST /photos/<marker>."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def _take(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(size)
        if len(body) < size:
            self.close_connection = True
            return
        _, kind, name = self.path.split("/")
        if kind == "visits":
            self.server.ask("update naive.visit set body = %s where id = %s", body.decode(), int(name))
        elif kind == "photos":
            self.server.put_away(name)
        else:
            self.server.ask("insert into naive.fact (marker) values (%s)", name)
        self.send_response_only(204)
        self.end_headers()

    do_PUT = do_POST = _take  # noqa: N815 - the library's names


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 512

    def __init__(self, connection: psycopg.Connection[Any], put_away: Callable[[str], None]) -> None:
        self._connection, self._lock, self.put_away = connection, threading.Lock(), put_away
        super().__init__(("127.0.0.1", 0), _Service)

    def ask(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Run one statement in a transaction of its own."""
        with self._lock:
            found = self._connection.execute(statement.encode(), values)
            return found.fetchall() if found.description else []

    def handle_error(self, request: object, client_address: object) -> None:
        """A phone that hung up is no news."""


@contextmanager
def _serving(database_url: str, works: Background) -> Iterator[_Server]:
    plain = database_url.replace("+psycopg", "")
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute(SCHEMA)
        server = _Server(connection, lambda marker: works.take(plain, marker))
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server
        server.shutdown()
        server.server_close()


@dataclass
class _Phone:
    """Sends at once, tries three times, forgets."""

    http: httpx.Client
    visits: range
    photos: int
    size: int
    told: int = 0
    given_up: int = 0

    def work(self) -> None:
        """Do every visit: states, facts, photographs; the visit is as it was read this morning."""
        for visit in self.visits:
            for state in STATES:
                self._send("PUT", f"/visits/{visit}", json.dumps({"state": state, "minutes": 60}).encode())
            for fact in FACTS:
                self._send("POST", f"/facts/{visit}-{fact}", b"{}")
            for number in range(self.photos):
                self._send("POST", f"/photos/{visit}-{number}", bytes(self.size))

    def _send(self, method: str, path: str, body: bytes) -> None:
        self.told += 1
        for _ in range(TRIES):
            try:
                if self.http.request(method, path, content=body).is_success:
                    return
            except httpx.TransportError:
                continue
        self.given_up += 1


def run(load: Load, database_url: str, redis_url: str, *, every: float) -> Row:
    """
    Let a shift's end come to the naive service; the office moves every third visit meanwhile.

    ``every`` so many seconds its worker is killed, or what the worker has just started.
    """
    each = load.last_visits
    with (
        background(redis_url, seed=load.seed, every=every) as works,
        _serving(database_url, works) as server,
        FaultProxy(f"http://127.0.0.1:{server.server_address[1]}", load.storm, seed=load.seed) as line,
        blackouts(line),
    ):
        visits = range(load.phones * each)
        for visit in visits:
            server.ask(
                "insert into naive.visit values (%s, %s)", visit, '{"state": "published", "minutes": 60}'
            )
        moved = random.Random(load.seed).sample(visits, max(1, len(visits) // 3))
        for visit in moved:
            server.ask("""update naive.visit set body = body || '{"minutes": 90}' where id = %s""", visit)
        healing = threading.Timer(load.heal_minutes * 60, setattr, (line, "weather", load.healed))
        healing.start()
        phones = [
            _Phone(
                httpx.Client(base_url=line.url, timeout=120),
                visits[number * each : (number + 1) * each],
                load.photos // each,
                load.photo_side**2 * 2 // 5,
            )
            for number in range(load.phones)
        ]
        threads = [threading.Thread(target=phone.work, daemon=True) for phone in phones]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        healing.cancel()
        for phone in phones:
            phone.http.close()
        works.drain()
        return _told(server, line, phones, moved, load) | {"killed": len(works.killed)}


def _told(server: _Server, line: FaultProxy, phones: list[_Phone], moved: list[int], load: Load) -> Row:
    facts, marked = server.ask("select count(*), count(distinct marker) from naive.fact")[0]
    photos, shown = server.ask("select count(*), count(distinct marker) from naive.photo")[0]
    visits = load.phones * load.last_visits
    standing = server.ask("select id from naive.visit where (body->>'minutes')::int = 90")
    undone = server.ask("select count(*) from naive.visit where body->>'state' <> 'done'")[0][0]
    wanted = load.phones * (load.photos // load.last_visits) * load.last_visits
    return {
        "made": sum(phone.told for phone in phones),
        "lost": visits * len(FACTS) - int(marked) + int(undone),
        "doubled": int(facts) - int(marked),
        "photos_lost": wanted - int(shown),
        "photos_doubled": int(photos) - int(shown),
        "overwritten": len(moved) - len({row[0] for row in standing} & set(moved)),
        "office_changes": len(moved),
        "given_up": sum(phone.given_up for phone in phones),
        "faults": dict(sorted(line.fates.items())),
    }
