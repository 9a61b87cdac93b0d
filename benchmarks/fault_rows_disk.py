"""
Row 26 of reliability.md §7: a bit turned over in a stored file, a paper, the trail, a page, a backup.

Each as often as the row asks; what is named must be what was hit, and nothing else. Pages and backup belong
to a cluster that is made for it and stopped while its disk changes.
"""

from __future__ import annotations

import os
import random
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import select, text
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from benchmarks.fault_rows import FaultRow, Found
from dispatch import db
from dispatch.access import audit
from dispatch.access.model import AuditEntry
from dispatch.doctor.damage import documents, files, known_files, trail
from dispatch.embedded import services
from dispatch.embedded.find import find_postgres
from dispatch.settings import Settings
from dispatch.work_orders.model import StoredDocument
from tests.builders import a_visit
from tests.dispatch.test_damage import a_document, a_file, flipped, turn_in_documents, turn_in_trail
from tests.services import remove_home, settings_for, short_home

SPARE = 20
"""So many more there are that nobody hits."""
PAGE_BYTES, PAGE_HEAD = 8_192, 24
STATISTICS_SECONDS = 10.0


def row_26(cases: int, chance: random.Random) -> Found:
    """Turn so many bits of each kind, and compare what is named with what was hit."""
    found = {
        "files": _files(cases, chance),
        "documents": _rows(cases, chance, StoredDocument, turn_in_documents, documents),
        "trail": _rows(cases, chance, AuditEntry, turn_in_trail, trail),
        **_cluster(cases, chance),
    }
    return {**found, "wrong": sum(found.values())}


def _files(cases: int, chance: random.Random) -> int:
    with tempfile.TemporaryDirectory() as name, db.transaction() as session:
        directory = Path(name)
        visit = a_visit(session)
        names = [a_file(session, directory, visit.id, chance.randbytes(300)) for _ in range(cases + SPARE)]
        session.flush()
        mine = {one: what for one, what in known_files(session).items() if one in set(names)}
        wrong = len(list(files(mine, directory)))
        hit = set(chance.sample(names, cases))
        for one in hit:
            place = directory / one
            place.write_bytes(flipped(place.read_bytes(), chance))
        told = [one.message for one in files(mine, directory)]
        named = {one for one in names if any(one in message for message in told)}
        session.rollback()
    return wrong + len(named ^ hit) + abs(len(told) - cases)


Turn = Callable[[Session, random.Random, list[Any]], None]


def _rows(
    cases: int, chance: random.Random, model: Any, turn: Turn, look: Callable[[Session], Iterator[Any]]
) -> int:
    """Turn bits of rows past the guards that refuse changes; nothing of it stays."""
    with db.transaction() as session:
        before = {one.message for one in look(session)}
        for number in range(cases + SPARE):
            a_document(session, chance.randbytes(200))
            audit.record(session, action="login", outcome="refused", subject=f"user:{number}", n=number)
        session.flush()
        ids = list(session.scalars(select(model.id).order_by(model.id.desc()).limit(cases + SPARE)))
        hit = chance.sample(ids, cases)
        session.execute(text(f"alter table {model.__tablename__} disable trigger refuse_change"))
        turn(session, chance, hit)
        told = [one.message for one in look(session) if one.message not in before]
        session.rollback()
    named = {message.split(" ")[1] for message in told}
    return len(named ^ {str(one) for one in hit}) + abs(len(told) - cases)


def _cluster(cases: int, chance: random.Random) -> Found:
    """Pages of a table, and files of a backup, of a cluster that is made for it."""
    home = short_home()
    try:
        settings = settings_for(home)
        with _connected(settings) as connection:
            connection.execute("create table kept (id int, body text)")
            connection.execute(
                "insert into kept select n, repeat(md5(n::text), 60) from generate_series(1, %s) n",
                [5 * (cases + SPARE)],
            )
            connection.execute("checkpoint")
            folder, relation = connection.execute(
                "select current_setting('data_directory'), pg_relation_filepath('kept')"
            ).fetchone() or ("", "")
            backup = _backed_up(settings, connection.info, home / "backup")
        pages = Path(folder) / relation
        hit = set(chance.sample(range(pages.stat().st_size // PAGE_BYTES), cases))
        for number in hit:
            _flip(pages, number * PAGE_BYTES + chance.randrange(PAGE_HEAD, PAGE_BYTES), chance)
        with _connected(settings) as connection:
            wrong_pages = _misnamed_pages(connection, pages.stat().st_size // PAGE_BYTES, hit)
        return {"pages": wrong_pages, "backup": _misnamed_files(settings, backup, cases, chance)}
    finally:
        remove_home(home)


@contextmanager
def _connected(settings: Settings) -> Iterator[psycopg.Connection[Any]]:
    """Start the cluster for as long as the block lasts, then stop it."""
    with services.start(settings) as running:
        url = running.database_url.replace("+psycopg", "")
        with psycopg.connect(url, autocommit=True) as connection:
            os.environ["PGPASSWORD"] = str(make_url(running.database_url).password)
            yield connection


def _flip(path: Path, place: int, chance: random.Random) -> None:
    with path.open("r+b") as file:
        file.seek(place)
        was = file.read(1)[0]
        file.seek(place)
        file.write(bytes([was ^ 1 << chance.randrange(8)]))


def _misnamed_pages(connection: psycopg.Connection[Any], count: int, hit: set[int]) -> int:
    """Read every page by itself; PostgreSQL refuses those that were hit, and counts them for the doctor."""
    refused = set()
    for number in range(count):
        wanted = "select count(*) from kept where ctid >= %s::tid and ctid < %s::tid"
        try:
            connection.execute(wanted, [f"({number},0)", f"({number + 1},0)"])
        except psycopg.errors.DataCorrupted:
            refused.add(number)
    counted, end = 0, time.monotonic() + STATISTICS_SECONDS
    while counted < len(hit) and time.monotonic() < end:
        connection.execute("select pg_stat_force_next_flush()")
        found = connection.execute("select coalesce(sum(checksum_failures), 0) from pg_stat_database")
        counted = int((found.fetchone() or (0,))[0])
    return len(refused ^ hit) + int(counted < len(hit))


def _backed_up(settings: Settings, server: psycopg.ConnectionInfo, folder: Path) -> Path:
    """A backup with a manifest of digests, as PostgreSQL makes it."""
    told = ["-h", server.host, "-p", str(server.port), "-U", server.user, "-D", str(folder)]
    _program(settings, "pg_basebackup", *told, "-c", "fast", "-X", "fetch", "--no-sync").check_returncode()
    return folder


def _misnamed_files(settings: Settings, backup: Path, cases: int, chance: random.Random) -> int:
    """Turn one bit of one file, ask for damage, turn it back."""
    places = sorted(
        path
        for path in backup.rglob("*")
        if path.is_file()
        and path.stat().st_size
        and path.name != "backup_manifest"
        and "pg_wal" not in path.parts
    )
    wrong = 0
    for _ in range(cases):
        path = chance.choice(places)
        content = path.read_bytes()
        path.write_bytes(flipped(content, chance))
        told = _program(settings, "pg_verifybackup", "-n", str(backup))
        path.write_bytes(content)
        named = [line for line in told.stderr.splitlines() if str(path.relative_to(backup)) in line]
        wrong += told.returncode == 0 or len(named) != 1
    return wrong + (_program(settings, "pg_verifybackup", "-n", str(backup)).returncode != 0)


def _program(settings: Settings, name: str, *words: str) -> subprocess.CompletedProcess[str]:
    command: Sequence[str] = [str(find_postgres(settings).directory / name), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


ROWS = (FaultRow(26, "bits turned over in files, papers, the trail, pages, a backup", 100, row_26),)
