"""What a phone keeps: its operations until and after their receipts, and the visits of its scope."""

from __future__ import annotations

import json
import sqlite3
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SCHEMA = """
create table if not exists setting (name text primary key, value text not null);
create table if not exists operation (
    place integer primary key autoincrement, epoch text not null, seq integer not null,
    op_id text unique not null, body text not null, receipt text, result text, unique (epoch, seq)
);
create table if not exists blanked (op_id text primary key);
create table if not exists slip (op_id text primary key, body text not null);
create table if not exists acked (epoch text primary key, seq integer not null);
create table if not exists visit (id text primary key, body text not null);
create table if not exists file (
    op_id text primary key, content blob, address text, failure text
);
"""
IDENTITY = ("op_id", "install_epoch", "seq", "type", "schema", "visit_id", "occurred_at")
"""What stays of an operation whose visit the phone holds no longer, beside its receipt."""


@dataclass(frozen=True, slots=True)
class Kept:
    """An operation as the phone keeps it; without a final receipt it is sent again."""

    seq: int
    body: Mapping[str, Any]
    result: str | None

    @property
    def is_blank(self) -> bool:
        """Nothing but its identity is kept: the office has the rest."""
        return self.body["payload"] is None

    @property
    def is_alive(self) -> bool:
        """It may still take effect, or did."""
        return self.result != "rejected"


@dataclass(frozen=True, slots=True)
class KeptFile:
    """Bytes that wait to be sent, and where to, once that is known."""

    op_id: str
    content: bytes
    address: str | None
    wanted: tuple[str, str] | None = None
    """Visit and hash by which the server asks for it, if its own announcement was not taken."""


class PhoneStore:
    """A SQLite file, written through to the disk before anything counts as recorded."""

    def __init__(self, path: Path | str = ":memory:") -> None:
        self._lock = threading.RLock()
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._database.execute("pragma synchronous = full")
        self._database.executescript(SCHEMA)
        if self.setting("install_epoch") is None:
            self.set("install_epoch", uuid.uuid4().hex)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One local transaction: all of it or nothing."""
        with self._lock:
            self._database.execute("begin immediate")
            try:
                yield self._database
            except BaseException:
                self._database.execute("rollback")
                raise
            self._database.execute("commit")

    @property
    def install_epoch(self) -> str:
        """The name of this installation; new after a reinstall or a restore, so that no seq is used twice."""
        return self.setting("install_epoch") or ""

    def restored(self) -> None:
        """
        This store came back from a backup: begin a new installation, and ask for everything anew.

        What the backup holds unsent stays as it was recorded; it may have been sent since.
        """
        with self.writing() as database:
            _set(database, "install_epoch", uuid.uuid4().hex)
            _set(database, "cursor", None)
            database.execute("delete from visit")

    def copy(self) -> PhoneStore:
        """A backup of everything, as a store of its own in memory."""
        made = PhoneStore()
        with self._lock:
            self._database.backup(made._database)
        return made

    def setting(self, name: str) -> str | None:
        """A kept value."""
        with self._lock:
            row = self._database.execute("select value from setting where name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def set(self, name: str, value: str | None) -> None:
        """Keep a value, or forget it."""
        with self.writing() as database:
            _set(database, name, value)

    def add(
        self,
        operation: Mapping[str, Any],
        content: bytes | None = None,
        slip_of: Callable[[Mapping[str, Any]], Mapping[str, Any] | None] | None = None,
    ) -> dict[str, Any]:
        """
        Give an operation its place in the order and keep it, with the file it announces; return it.

        ``slip_of`` writes what the customer is given for it, which is kept as well.
        """
        with self.writing() as database:
            epoch = self.install_epoch
            newest, known = database.execute(
                "select coalesce(max(seq), 0), coalesce(max(seq) filter (where result is not null), 0)"
                " from operation where epoch = ?",
                (epoch,),
            ).fetchone()
            complete = {
                "op_id": str(uuid.uuid4()),
                "install_epoch": epoch,
                "seq": newest + 1,
                "known_seq": known,
                **operation,
            }
            slip = slip_of(complete) if slip_of else None
            if slip is not None:
                database.execute("insert into slip values (?, ?)", (complete["op_id"], json.dumps(slip)))
            database.execute(
                "insert into operation (epoch, seq, op_id, body) values (?, ?, ?, ?)",
                (epoch, newest + 1, complete["op_id"], json.dumps(complete)),
            )
            if content is not None:
                database.execute(
                    "insert into file (op_id, content) values (?, ?)", (complete["op_id"], content)
                )
        return complete

    def slip(self, op_id: str) -> dict[str, Any] | None:
        """What the customer was given for an operation."""
        with self._lock:
            row = self._database.execute("select body from slip where op_id = ?", (op_id,)).fetchone()
        return json.loads(row[0]) if row else None

    def files_to_send(self) -> list[KeptFile]:
        """
        Files whose announcement was taken and whose bytes are not all there yet.

        And those that the last pull asks for, since the desk took what was refused or handed over. What was
        taken back on this phone is not sent.
        """
        with self._lock:
            rows = self._database.execute(
                "select file.op_id, content, address from file join operation using (op_id)"
                " where content is not null and failure is null"
                " and result in ('applied', 'applied_conflict') order by place"
            ).fetchall()
            gone = self._taken_back() if rows else frozenset()
            rows = [row for row in rows if row[0] not in gone]
            asked = [
                KeptFile(op_id, content, address, wanted)
                for wanted in self._wanted()
                for op_id, content, address in self._kept_of(wanted[1])
            ]
        return [*(KeptFile(*row) for row in rows), *asked]

    def _taken_back(self, *, only_heard: bool = False) -> frozenset[str]:
        """Announcements of files that were taken back later, by operations that stand or may yet."""
        voids = "select 1 from operation where body like '%\"attachment.void\"%' limit 1"
        if self._database.execute(voids).fetchone() is None:
            return frozenset()
        found = self._database.execute(
            "select file.op_id from file join operation told using (op_id) join operation void"
            " on void.place > told.place and void.body like '%\"attachment.void\"%'"
            " and json_extract(void.body, '$.visit_id') = json_extract(told.body, '$.visit_id')"
            " and json_extract(void.body, '$.payload.sha256') = json_extract(told.body, '$.payload.sha256')"
            " where content is not null and coalesce(void.result, 'applied') like 'applied%'"
            " and (void.result is not null or not ?)",
            (only_heard,),
        )
        return frozenset(row[0] for row in found)

    def _wanted(self) -> list[tuple[str, str]]:
        return [(one["visit_id"], one["sha256"]) for one in json.loads(self.setting("files_wanted") or "[]")]

    def _kept_of(self, sha256: str) -> list[tuple[str, bytes, str | None]]:
        """A file by its hash, of an announcement that was refused or waits with the desk."""
        return self._database.execute(
            "select file.op_id, content, address from file join operation using (op_id)"
            " where content is not null and failure is null and result in ('rejected', 'quarantined')"
            " and json_extract(body, '$.payload.sha256') = ? order by place limit 1",
            (sha256,),
        ).fetchall()

    def note_address(self, op_id: str, address: str | None) -> None:
        """Keep where the bytes of a file go."""
        with self.writing() as database:
            database.execute("update file set address = ? where op_id = ?", (address, op_id))

    def forget_file(self, op_id: str, failure: str | None = None) -> None:
        """The bytes are there, so they are not kept here; refused ones stay until somebody looks."""
        with self.writing() as database:
            if failure is None:
                database.execute("update file set content = null where op_id = ?", (op_id,))
            else:
                database.execute("update file set failure = ? where op_id = ?", (failure, op_id))

    def unsent(self, most: int) -> list[dict[str, Any]]:
        """Operations without a final receipt, in order."""
        with self._lock:
            rows = self._database.execute(
                "select body from operation where result is null order by place limit ?", (most,)
            ).fetchall()
        return [json.loads(row[0]) for row in rows]

    def take_receipts(self, receipts: Iterable[Mapping[str, Any]]) -> None:
        """Keep receipts; a held operation stays unsent."""
        with self.writing() as database:
            for receipt in receipts:
                result = None if receipt["result"] == "held" else receipt["result"]
                database.execute(
                    "update operation set receipt = ?, result = ? where op_id = ?",
                    (json.dumps(receipt), result, receipt["op_id"]),
                )
            for op_id in self._taken_back(only_heard=True):
                database.execute("update file set content = null where op_id = ?", (op_id,))

    def hand_over(self, op_ids: Sequence[str]) -> None:
        """These wait for the desk's decision now; they are not sent again."""
        with self.writing() as database:
            for op_id in op_ids:
                database.execute("update operation set result = 'quarantined' where op_id = ?", (op_id,))

    def receipt(self, op_id: str) -> dict[str, Any] | None:
        """The receipt of an operation, if it has one."""
        with self._lock:
            row = self._database.execute("select receipt from operation where op_id = ?", (op_id,)).fetchone()
        return json.loads(row[0]) if row and row[0] else None

    def operations(self, *, only_unacked: bool = False) -> list[Kept]:
        """Own operations in the order they were recorded; unacked ones are not in the pulled visits yet."""
        with self._lock:
            rows = self._database.execute(
                "select operation.seq, body, result from operation left join acked using (epoch)"
                " where not ? or operation.seq > coalesce(acked.seq, 0) order by place",
                (only_unacked,),
            ).fetchall()
        return [Kept(row[0], json.loads(row[1]), row[2]) for row in rows]

    def apply_pull(
        self,
        changes: Sequence[Mapping[str, Any]],
        *,
        cursor: str,
        acked_seq: Mapping[str, int],
        is_whole: bool,
        van: Mapping[str, Any] | None = None,
        files_wanted: Sequence[Mapping[str, str]] | None = None,
        catalogue: Mapping[str, Any] | None = None,
        notices: Sequence[Mapping[str, Any]] | None = None,
    ) -> None:
        """Take a complete pull in one transaction; scope, van and told sections replace what was held."""
        with self.writing() as database:
            if is_whole:
                database.execute("delete from visit")
            for change in changes:
                if change["kind"] == "put":
                    database.execute(
                        "insert or replace into visit (id, body) values (?, ?)",
                        (change["id"], json.dumps(change["body"])),
                    )
                else:
                    database.execute("delete from visit where id = ?", (change["id"],))
            _set(database, "cursor", cursor)
            sections = None if catalogue is None else {**self.catalogue(), **catalogue}
            for name, told in (
                ("van", van),
                ("files_wanted", files_wanted),
                ("catalogue", sections),
                ("notices", notices),
            ):
                if told is not None:
                    _set(database, name, json.dumps(told))
            for epoch, seq in acked_seq.items():
                database.execute(
                    "insert into acked (epoch, seq) values (?, ?)"
                    " on conflict (epoch) do update set seq = max(seq, excluded.seq)",
                    (epoch, seq),
                )
            _blank(database)

    @property
    def acked_seq(self) -> int:
        """Up to here the pulled visits include the operations of this installation."""
        with self._lock:
            row = self._database.execute(
                "select seq from acked where epoch = ?", (self.install_epoch,)
            ).fetchone()
        return int(row[0]) if row else 0

    def van(self) -> dict[str, Any]:
        """What to load, what is on its way and which tools are held, as last pulled."""
        held = self.setting("van")
        return dict(json.loads(held)) if held else {}

    def notices(self) -> list[dict[str, Any]]:
        """What the phone says to its technician, as last told."""
        return list(json.loads(self.setting("notices") or "[]"))

    def catalogue(self) -> dict[str, Any]:
        """What there is to choose from, with its revision, as last told."""
        held = self.setting("catalogue")
        return dict(json.loads(held)) if held else {}

    def visits(self) -> list[dict[str, Any]]:
        """The pulled visits in the planned order."""
        with self._lock:
            rows = self._database.execute("select body from visit").fetchall()
        return sorted(
            (json.loads(row[0]) for row in rows), key=lambda visit: (visit["planned_start"], visit["id"])
        )

    def visit(self, visit_id: str) -> dict[str, Any] | None:
        """One pulled visit."""
        with self._lock:
            row = self._database.execute("select body from visit where id = ?", (visit_id,)).fetchone()
        return json.loads(row[0]) if row else None

    def wipe(self) -> None:
        """Forget everything of the company but the own operations, their files, and whose phone this is."""
        with self.writing() as database:
            database.execute("delete from visit")
            _blank(database, is_wiped=True)
            database.execute(
                "delete from setting where name not in ('install_epoch', 'device_key', 'device_id')"
            )


def _blank(database: sqlite3.Connection, *, is_wiped: bool = False) -> None:
    """
    Forget what acknowledged operations say of visits that are not held in full any more.

    One without a receipt is sent again, byte for byte, so it stays whole until the receipt is here; an
    announcement is needed until its file is sent. A wiped phone pulls no more, so a receipt is enough.
    """
    bodies = (json.loads(row[0]) for row in database.execute("select body from visit"))
    held = {body["id"] for body in bodies if body.get("is_revealed", True)}
    acked = database.execute(
        "select op_id, body from operation left join acked using (epoch)"
        " where (? or operation.seq <= acked.seq) and result is not null and result <> 'quarantined'"
        " and op_id not in (select op_id from blanked)"
        " and op_id not in (select op_id from file where content is not null and failure is null)",
        (is_wiped,),
    ).fetchall()
    for op_id, text in acked:
        body = json.loads(text)
        if body["visit_id"] is None or body["visit_id"] in held:
            continue
        rest = {name: body.get(name) for name in IDENTITY} | {"payload": None}
        database.execute("update operation set body = ? where op_id = ?", (json.dumps(rest), op_id))
        database.execute("insert into blanked (op_id) values (?)", (op_id,))
        database.execute("delete from slip where op_id = ?", (op_id,))


def _set(database: sqlite3.Connection, name: str, value: str | None) -> None:
    if value is None:
        database.execute("delete from setting where name = ?", (name,))
    else:
        database.execute("insert or replace into setting (name, value) values (?, ?)", (name, value))
