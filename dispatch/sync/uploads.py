"""
Bytes of announced files, piece by piece (tus 1.0: core, creation, checksum, expiration; reliability §2.6).

A piece is on the disk before its place is written down; a crash in between leaves bytes beyond ``received``,
which the next piece overwrites.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import secrets
import uuid
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, bindparam, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from dispatch import clock, db
from dispatch.access.model import Device
from dispatch.access.rules import Principal
from dispatch.crashpoints import crashpoint
from dispatch.errors import DispatchError, NotFound
from dispatch.sync import upload_refusals as refusals
from dispatch.sync.model import Operation, Upload
from dispatch.sync.protocol import DECLARE
from dispatch.sync.push import require_device
from dispatch.work_orders import commands as visits
from dispatch.work_orders.declaring import take_bytes
from dispatch.work_orders.holding import hold_visits
from dispatch.work_orders.model import DeclaredFile, Visit

VERSION = "1.0.0"
EXTENSIONS = ("creation", "checksum", "expiration")
ALGORITHMS = ("sha1", "sha256")
EXPIRES_AFTER = timedelta(days=7)
MOST_PIECE = 4 * 1024 * 1024
MOST_WANTED = 500
FOLDER = "arriving"
"""Below the directory of attachments."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file of a visit whose bytes are not here, as a pull names it."""

    visit_id: uuid.UUID
    sha256: str


def create_upload(session: Session, *, by: Principal, file: uuid.UUID | Wanted, length: int) -> Upload:
    """
    Open the way for the bytes of a file that this technician announced; repeated, it is the same one.

    ``file`` is the announcing operation, or visit and hash.
    """
    require_device(session, by, hold=True)
    declared = _wanted_of(session, by, file) if isinstance(file, Wanted) else _declared_by(session, by, file)
    if length != declared.size_bytes:
        raise refusals.UploadInvalid(
            f"{declared.size_bytes} bytes were announced, not {length}", announced=declared.size_bytes
        )
    fresh = insert(Upload).values(
        id=db.new_id(),
        declared_file_id=declared.id,
        device_id=by.device_id,
        length=length,
        received=length if declared.attachment_id else 0,
        stored_name=f"{secrets.token_hex(16)}.part",
        created_at=clock.now(),
        expires_at=clock.now() + EXPIRES_AFTER,
        finished_at=clock.now() if declared.attachment_id else None,
    )
    session.execute(fresh.on_conflict_do_nothing(index_elements=["declared_file_id"]))
    statement = select(Upload).where(Upload.declared_file_id == declared.id).with_for_update()
    upload = session.scalars(statement).one()
    if upload.finished_at is None and upload.expires_at <= clock.now():
        upload.received, upload.failure = 0, None
        upload.expires_at = clock.now() + EXPIRES_AFTER
    return upload


def find_upload(
    session: Session, by: Principal, upload_id: uuid.UUID, *, hold: bool = False, ends_at: int | None = None
) -> Upload:
    """
    Return an upload of a file that this technician announced, from any own phone; an expired one is gone.

    Held, the announcement is locked first and then the upload, as everywhere; with bytes up to the file's
    end, ``ends_at``, its visit comes before them.
    """
    require_device(session, by, hold=hold)
    found = session.get(Upload, upload_id)
    if found is not None and ends_at == found.length:
        visit_of = select(DeclaredFile.visit_id).where(DeclaredFile.id == found.declared_file_id)
        hold_visits(session, [session.scalar(visit_of)])
    declared = session.get(DeclaredFile, found.declared_file_id, with_for_update=hold) if found else None
    if found is None or declared is None or not _announced(session, by, declared):
        raise NotFound("there is no such upload")
    if hold:
        session.refresh(found, with_for_update=True)
    if found.finished_at is None and found.expires_at <= clock.now():
        raise refusals.UploadExpired(f"the upload was open until {found.expires_at.isoformat()}")
    return found


def append(
    session: Session,
    *,
    by: Principal,
    upload_id: uuid.UUID,
    offset: int,
    piece: bytes,
    checksum: str | None,
    directory: Path,
) -> tuple[Upload, DispatchError | None]:
    """
    Take a piece; return the upload and, after the last one, why the whole file was refused.

    Such a refusal is a change that must be committed: a file that differs begins again, and one that is no
    picture is not sent again.
    """
    upload = find_upload(session, by, upload_id, hold=True, ends_at=offset + len(piece))
    if upload.finished_at is not None and offset == upload.length and not piece:
        return upload, None
    if upload.finished_at is not None or offset != upload.received:
        raise refusals.OffsetWrong(f"the next byte is number {upload.received}", offset=upload.received)
    if checksum is not None:
        _check(piece, checksum)
    if len(piece) > MOST_PIECE or offset + len(piece) > upload.length:
        raise refusals.PieceTooLarge(f"{len(piece)} bytes", most=min(MOST_PIECE, upload.length - offset))
    place = directory / FOLDER / upload.stored_name
    _write_at(place, offset, piece)
    crashpoint("sync.upload.written")
    upload.received = offset + len(piece)
    refused = _finish(session, by, upload, place, directory) if upload.received == upload.length else None
    db.flush(session)
    return upload, refused


def _finish(
    session: Session, by: Principal, upload: Upload, place: Path, directory: Path
) -> DispatchError | None:
    declared = session.get_one(DeclaredFile, upload.declared_file_id)
    visit = session.get_one(Visit, declared.visit_id, populate_existing=True)
    content = place.read_bytes()
    if hashlib.sha256(content).hexdigest() != declared.sha256:
        upload.received = 0
        return refusals.UploadDiffers("the bytes are not those that were announced")
    try:
        with session.begin_nested():
            take_bytes(session, by=by, declared=declared, content=content, directory=directory)
    except DispatchError as why:
        upload.failure, upload.received = why.code, 0
        return why
    upload.finished_at, upload.failure = clock.now(), None
    visits.verify_if_complete(session, visit=visit)
    db.after_commit(session, lambda: place.unlink(missing_ok=True))
    return None


def _declared_by(session: Session, by: Principal, op_id: uuid.UUID) -> DeclaredFile:
    """Find what an operation of this technician announced, whoever announced or applied it first."""
    statement = (
        select(Operation.visit_id, Operation.body["payload"]["sha256"].as_string())
        .join(Device, Device.id == Operation.device_id)
        .where(Operation.op_id == op_id, Operation.type == DECLARE, Device.technician_id == by.technician_id)
    )
    told = session.execute(statement).first()
    declared = select(DeclaredFile).filter_by(visit_id=told[0], sha256=told[1]) if told else None
    found = session.scalars(declared.with_for_update()).first() if declared is not None else None
    if found is None:
        raise NotFound("there is no such announced file")
    return found


def _wanted_of(session: Session, by: Principal, file: Wanted) -> DeclaredFile:
    named = select(DeclaredFile).filter_by(visit_id=file.visit_id, sha256=file.sha256)
    found = session.scalars(named.with_for_update()).first()
    if found is None or not _announced(session, by, found):
        raise NotFound("there is no such announced file")
    return found


def _announced(session: Session, by: Principal, declared: DeclaredFile) -> bool:
    """Tell whether an operation of this technician announced the file."""
    mine = select(DeclaredFile.id).where(DeclaredFile.id == declared.id, _is_announced_by(by.technician_id))
    return session.scalar(mine) is not None


def _is_announced_by(technician_id: uuid.UUID | BindParameter[Any] | None) -> ColumnElement[bool]:
    """Operations that the desk applied for a phone count as the phone's."""
    return (
        select(Operation.op_id)
        .join(Device, Device.id == Operation.device_id)
        .where(
            Operation.visit_id == DeclaredFile.visit_id,
            Operation.type == DECLARE,
            Operation.body["payload"]["sha256"].as_string() == DeclaredFile.sha256,
            Device.technician_id == technician_id,
        )
        .exists()
    )


_WANTED = (
    select(DeclaredFile.visit_id, DeclaredFile.sha256)
    .where(DeclaredFile.attachment_id.is_(None), DeclaredFile.given_up_at.is_(None))
    .where(DeclaredFile.withdrawn_at.is_(None), _is_announced_by(bindparam("technician_id")))
    .order_by(DeclaredFile.id)
    .limit(MOST_WANTED)
)
"""Built once: every pull asks it."""


def files_wanted(session: Session, by: Principal) -> list[dict[str, str]]:
    """Return what this technician announced and is not here, unless somebody gave it up."""
    rows = session.execute(_WANTED, {"technician_id": by.technician_id})
    return [{"visit_id": str(visit_id), "sha256": sha256} for visit_id, sha256 in rows]


def _check(piece: bytes, checksum: str) -> None:
    algorithm, _, encoded = checksum.partition(" ")
    try:
        expected = base64.b64decode(encoded, validate=True)
    except (ValueError, binascii.Error):
        expected = b""
    if algorithm not in ALGORITHMS or not expected:
        raise refusals.ChecksumUnknown("the checksum cannot be read", known=list(ALGORITHMS))
    if hashlib.new(algorithm, piece, usedforsecurity=False).digest() != expected:
        raise refusals.ChecksumWrong("the piece is damaged")


def _write_at(place: Path, offset: int, piece: bytes) -> None:
    """Write a piece where it belongs and cut off what lies behind it, on the disk before anything counts."""
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    is_new = not place.exists()
    descriptor = os.open(place, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        with os.fdopen(descriptor, "wb", closefd=False) as file:
            file.seek(offset)
            file.write(piece)
            file.flush()
        os.ftruncate(descriptor, offset + len(piece))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    if is_new:
        folder = os.open(place.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
