"""What a disk has changed is named by ``truckroll doctor --files`` (row 26)."""

from __future__ import annotations

import argparse
import hashlib
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from dispatch import clock, db, outbox
from dispatch.access import audit
from dispatch.access.model import AuditEntry
from dispatch.bootstrap import JOBS, SUBSCRIPTIONS
from dispatch.cli import doctor as command
from dispatch.doctor import examine
from dispatch.doctor.damage import documents, files, known_files, pages, trail
from dispatch.outbox import JobRun
from dispatch.settings import Settings
from dispatch.work_orders.attachments import keep_bytes
from dispatch.work_orders.model import Attachment, StoredDocument
from tests.builders import a_visit, at

MANY = 100
Turn = Callable[[Session, random.Random, list[Any]], None]


@pytest.fixture
def chance() -> random.Random:
    """The same bits in every run."""
    return random.Random(26)


def flipped(content: bytes, chance: random.Random) -> bytes:
    """The content with one bit of it turned over."""
    place = chance.randrange(len(content))
    return content[:place] + bytes([content[place] ^ 1 << chance.randrange(8)]) + content[place + 1 :]


def a_file(session: Session, directory: Path, visit_id: Any, content: bytes) -> str:
    """A photograph on disk; its stored name."""
    name, digest = keep_bytes(directory, content, "image/jpeg")
    session.add(
        Attachment(
            visit_id=visit_id, sha256=hashlib.sha256(name.encode()).hexdigest(), media_type="image/jpeg",
            size_bytes=len(content), stored_name=name, stored_sha256=digest, uploaded_at=clock.now(),
        )
    )  # fmt: skip
    return name


def told(session: Session, directory: Path) -> list[tuple[str, str]]:
    """Codes and messages of all findings."""
    found = [*files(known_files(session), directory), *documents(session), *trail(session)]
    return [(one.code, one.message) for one in found]


def test_of_a_hundred_files_with_a_bit_turned_all_are_named_and_no_other(
    session: Session, tmp_path: Path, chance: random.Random
) -> None:
    """Row 26: 100 of 100, wherever in the file the bit lies; what is gone is told as well."""
    visit = a_visit(session)
    names = [a_file(session, tmp_path, visit.id, chance.randbytes(300)) for _ in range(MANY + 20)]
    session.flush()
    assert told(session, tmp_path) == []
    hit = set(chance.sample(names, MANY))
    for name in hit:
        place = tmp_path / name
        place.write_bytes(flipped(place.read_bytes(), chance))
    gone = min(set(names) - hit)
    (tmp_path / gone).unlink()
    found = told(session, tmp_path)
    named = {name: code for code, message in found for name in names if name in message}
    assert named == dict.fromkeys(hit, "FILE_DAMAGED") | {gone: "FILE_GONE"}
    assert len(found) == MANY + 1


def test_a_file_from_before_digests_were_kept_is_counted(session: Session, tmp_path: Path) -> None:
    """Row 26: what cannot be compared is said and not passed over."""
    a_file(session, tmp_path, a_visit(session).id, b"photograph")
    session.flush()
    session.execute(text("update attachment set stored_sha256 = null"))
    assert [code for code, _ in told(session, tmp_path)] == ["FILE_NOT_COMPARED"]


def a_document(session: Session, content: bytes) -> None:
    """A printed paper."""
    session.add(
        StoredDocument(
            kind="invoice", subject_id=db.new_id(), language="en", content=content,
            sha256=hashlib.sha256(content).hexdigest(), created_at=at(12),
        )
    )  # fmt: skip


def turn_in_documents(session: Session, chance: random.Random, ids: list[Any]) -> None:
    """Turn one bit of each document over, past the guards that refuse changes."""
    for document_id in ids:
        content = session.get_one(StoredDocument, document_id).content
        changed = {"id": document_id, "content": flipped(content, chance)}
        session.execute(text("update stored_document set content = :content where id = :id"), changed)


def turn_in_trail(session: Session, chance: random.Random, ids: list[Any]) -> None:
    """Change one thing that each entry says, past the guards."""
    changes = (
        "at = at + interval '1 microsecond'",
        "action = overlay(action placing chr(ascii(action) # 1) from 1 for 1)",
        "subject = coalesce(subject, '') || ' '",
        "outcome = overlay(outcome placing chr(ascii(outcome) # 2) from 1 for 1)",
        "user_id = case when user_id is null then gen_random_uuid() end",
        "detail = jsonb_set(detail, '{n}', to_jsonb((detail->>'n')::int # 1))",
    )
    for entry_id in ids:
        session.execute(
            text(f"update audit_entry set {chance.choice(changes)} where id = :id"),
            {"id": entry_id},
        )


@pytest.mark.parametrize(
    "kind",
    [
        ("stored_document", "DOCUMENT_DAMAGED", turn_in_documents),
        ("audit_entry", "AUDIT_DAMAGED", turn_in_trail),
    ],
    ids=["documents", "trail"],
)
def test_of_a_hundred_rows_with_a_bit_turned_all_are_named_and_no_other(
    session: Session, tmp_path: Path, chance: random.Random, kind: tuple[str, str, Turn]
) -> None:
    """Row 26: printed documents and the trail of access, 100 of 100."""
    table, code, turn = kind
    for number in range(MANY + 20):
        a_document(session, chance.randbytes(200))
        who = db.new_id() if number % 3 else None
        about = f"user:{number}" if number % 2 else None
        audit.record(session, action="login", outcome="refused", user_id=who, subject=about, n=number)
    session.flush()
    assert told(session, tmp_path) == []
    model = {"stored_document": StoredDocument, "audit_entry": AuditEntry}[table]
    ids = list(session.scalars(select(model.id).order_by(model.id)))
    hit = chance.sample(ids, MANY)
    session.execute(text(f"alter table {table} disable trigger refuse_change"))
    turn(session, chance, hit)
    found = told(session, tmp_path)
    assert {name for name, _ in found} == {code}
    assert sorted(message.split(" ")[1] for _, message in found) == sorted(map(str, hit))


def test_every_night_damage_is_an_alert(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Row 26: nobody has to ask for it; each file is read once a week, and missed in the first night."""
    monkeypatch.setenv("TRUCKROLL_HOME", str(tmp_path))
    directory = Settings.from_environment().attachments
    directory.mkdir(parents=True)
    engine = db.connect(database_url)
    db.configure(db.sessions(engine))
    outbox.register(JOBS, SUBSCRIPTIONS)
    with db.transaction() as session:
        visit = a_visit(session)
        names = [a_file(session, directory, visit.id, content) for content in (b"whole", b"gone", b"turned")]
        asked = session.execute(text("select kind, payload from schedule where name = 'look-at-files'")).one()
    whole, gone, turned = names
    (directory / gone).unlink()
    (directory / turned).write_bytes(b"turnee")
    results = []
    for day in range(7):
        clock.set_source(lambda: at(12, days=day))  # noqa: B023 - called in this turn
        with db.transaction() as session:
            run_id = outbox.request(session, asked.kind, key=f"night {day}", payload=asked.payload)
        outbox.perform(str(run_id))
        with db.transaction() as session:
            results.append(session.get_one(JobRun, run_id).result)
    clock.set_source(None)
    with db.transaction() as session:
        alerts = list(session.scalars(select(AuditEntry).where(AuditEntry.outcome == "alert")))
        assert sorted(result["damaged"] for result in results) == [0, 0, 0, 0, 0, 0, 1]
        assert [result["gone"] for result in results] == [1] * 7
        told = {one.detail["code"]: one.detail["found"] for one in alerts}
        assert sorted(one.detail["code"] for one in alerts) == ["FILE_DAMAGED", "FILE_GONE"]
        assert (gone in told["FILE_GONE"], turned in told["FILE_DAMAGED"]) == (True, True)
        assert {one.action for one in alerts} == {"look_at_files"}
        assert not [one for one in told.values() if whole in one]
    outbox.register((), {})
    engine.dispose()


def test_postgres_notices_damaged_pages_by_itself(session: Session) -> None:
    """Row 26: the embedded cluster has checksums; a server without them is told."""
    shown = session.scalar(text("show data_checksums"))
    assert [one.code for one in pages(session)] == ([] if shown == "on" else ["CHECKSUMS_OFF"])


def test_the_quick_doctor_reads_no_file(session: Session, tmp_path: Path) -> None:
    """Row 26: only when asked for; ``--files`` is off unless given."""
    a_file(session, tmp_path, a_visit(session).id, b"photograph")
    session.flush()
    assert not {one.code for one in examine(session)} & {"FILE_GONE", "FILE_DAMAGED"}
    assert [code for code, _ in told(session, tmp_path / "nowhere")] == ["FILE_GONE"]
    parser = argparse.ArgumentParser()
    command.add_parsers(parser.add_subparsers())
    assert [parser.parse_args(words).files for words in (["doctor"], ["doctor", "--files"])] == [False, True]
