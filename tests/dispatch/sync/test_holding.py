"""Visits are held in one order and files after them, by phones and by the desk (reliability §2.6)."""

from __future__ import annotations

import hashlib
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from dispatch import clock, db
from dispatch.sync import commands, protocol
from dispatch.sync.model import Upload
from dispatch.work_orders import commands as visits
from dispatch.work_orders.model import DeclaredFile, Visit
from dispatch.work_orders.queries import find_file
from tests.builders import MORNING, frozen_clock
from tests.dispatch.sync.field import FINDINGS, Field, results
from tests.dispatch.sync.test_breaks import tell
from tests.rings import met_at

BYTES = b"no picture"


def announced(field: Field) -> tuple[uuid.UUID, uuid.UUID, uuid.UUID]:
    """A visit, a file that is announced for it, and the open way for its bytes."""
    visit = field.visit()
    sha256 = hashlib.sha256(BYTES).hexdigest()
    op = field.op(protocol.DECLARE, visit, sha256=sha256, bytes=len(BYTES), mime="image/jpeg")
    field.push(op)
    with db.transaction() as session:
        upload = commands.create_upload(session, by=field.by, file=uuid.UUID(op["op_id"]), length=len(BYTES))
        return visit, upload.declared_file_id, upload.id


def last_piece(field: Field, upload_id: uuid.UUID, directory: Path) -> str | None:
    """Send all the bytes; return why the file was refused."""
    with db.transaction() as session:
        _, refused = commands.append(
            session,
            by=field.by,
            upload_id=upload_id,
            offset=0,
            piece=BYTES,
            checksum=None,
            directory=directory,
        )
        return refused.code if refused else None


def given_up(field: Field, visit_id: uuid.UUID, file_id: uuid.UUID) -> str | None:
    """The desk goes on without the bytes; return why."""
    with db.transaction() as session:
        file = find_file(session, field.desk, visit_id, file_id)
        return visits.give_up(session, by=field.desk, declared=file, reason="phone lost").given_up_reason


@pytest.mark.parametrize("act", ["upload", "give up"])
def test_who_waits_for_a_visit_holds_no_file_of_it(field: Field, tmp_path: Path, act: str) -> None:
    """Race: a push holds the visit and takes the photograph back meanwhile."""
    visit_id, file_id, upload_id = announced(field)
    files = [
        select(DeclaredFile.id).where(DeclaredFile.id == file_id),
        select(Upload.id).where(Upload.id == upload_id),
    ]
    push = select(Visit.id).where(Visit.id == visit_id)
    if act == "upload":
        met = met_at(push, files, lambda: last_piece(field, upload_id, tmp_path))
    else:
        met = met_at(push, files, lambda: given_up(field, visit_id, file_id))
    assert met[0]
    assert met[1] == ("phone lost" if act == "give up" else "ATTACHMENT_REFUSED")


def verified(field: Field, visit_id: uuid.UUID) -> None:
    """Work from half past eight to half past nine, signed and finished."""
    tell(field, 0, protocol.TRAVEL, visit_id)
    tell(field, 30, protocol.ARRIVE, visit_id)
    tell(field, 30, protocol.START, visit_id)
    tell(field, 90, protocol.FINDING, visit_id, **FINDINGS)
    assert (
        results(field.push(field.signature(visit_id), field.op(protocol.FINISH, visit_id))) == ["applied"] * 2
    )
    clock.set_source(frozen_clock(MORNING + timedelta(hours=3)))


def break_ops(field: Field) -> list[dict[str, Any]]:
    """A break from a quarter to nine to nine, told at eleven."""
    return [
        field.op(kind) | {"mono_ms": 1000 - (180 - minutes) * 60_000}
        for kind, minutes in ((protocol.BREAK_START, 45), (protocol.BREAK_END, 60))
    ]


@pytest.mark.parametrize("kept", ["arrives", "waits"])
def test_a_break_that_touches_another_visit_is_no_ring(field: Field, kept: str) -> None:
    """Race: settling holds visits by their ids while a push tells of a break in the first of them."""
    one, two = sorted([field.visit(), field.visit()])
    verified(field, one)
    ops = [*break_ops(field), field.op(protocol.TRAVEL, two)]
    if kept == "waits":
        assert results(field.push(ops[1])) == ["held:gap"]
        del ops[1]
    others = [select(Visit.id).where(Visit.id == two)]
    waited, got = met_at(select(Visit.id).where(Visit.id == one), others, lambda: results(field.push(*ops)))
    assert (waited, set(got)) == (True, {"applied", "applied_conflict"})


def test_what_waited_for_an_earlier_one_is_held_with_it(field: Field) -> None:
    """Race: the gap before a held operation closes, whose visit comes before the one of this push."""
    one, two = sorted([field.visit(), field.visit()])
    first, later = field.op(protocol.TRAVEL, two), field.op(protocol.TRAVEL, one)
    assert results(field.push(later)) == ["held:gap"]
    others = [select(Visit.id).where(Visit.id == two)]
    waited, got = met_at(select(Visit.id).where(Visit.id == one), others, lambda: results(field.push(first)))
    assert (waited, got, field.state(one)) == (True, ["applied"], "travelling")
