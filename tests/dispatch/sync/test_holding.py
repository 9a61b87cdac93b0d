"""Files are held after their visits, by phones and by the desk: nobody waits in a ring (reliability §2.6)."""

from __future__ import annotations

import hashlib
import uuid
from pathlib import Path

import pytest
from sqlalchemy import select

from dispatch import db
from dispatch.sync import commands, protocol
from dispatch.sync.model import Upload
from dispatch.work_orders import commands as visits
from dispatch.work_orders.model import DeclaredFile, Visit
from dispatch.work_orders.queries import find_file
from tests.dispatch.sync.field import Field
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
