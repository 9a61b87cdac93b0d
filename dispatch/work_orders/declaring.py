"""Files announced before their bytes: a visit may end without them, settlement may not begin (§2.6)."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dispatch import clock, db, text
from dispatch.access.rules import Principal
from dispatch.contracts.house_rules import rules_under
from dispatch.errors import Conflict, Invalid, NotFound
from dispatch.work_orders.announcing import announce_visit
from dispatch.work_orders.attachments import MOST_BYTES, MOST_PER_VISIT, SUFFIX, store_attachment
from dispatch.work_orders.guards import check_recordable
from dispatch.work_orders.model import Attachment, DeclaredFile, Visit
from dispatch.work_orders.verifying import verify_if_complete

PHOTO, BEFORE, AFTER, NO_ACCESS = "photo", "before", "after", "no_access"
CHECKLIST, DOCUMENT = "checklist", "document"
PURPOSES = frozenset({PHOTO, BEFORE, AFTER, NO_ACCESS, CHECKLIST, DOCUMENT})


class DeclarationInvalid(Invalid):
    """A file is announced by its SHA-256, its size in bytes and its media type."""

    code = "DECLARATION_INVALID"
    remedy = "Announce a JPEG, PNG, WebP or PDF file of at most 25 MB with its hash in lower-case hex."


class DeclarationsFull(Conflict):
    """More files are announced for the visit than it can take."""

    code = "DECLARATIONS_FULL"
    remedy = f"A visit takes {MOST_PER_VISIT} files; send the rest with a follow-up visit."


class DeclarationContradicted(Conflict):
    """The same bytes were announced for this visit with another size or kind."""

    code = "DECLARATION_CONTRADICTED"
    remedy = "Compute hash and size from the file that is to be sent."


class FileSettled(Conflict):
    """The bytes are there already, or somebody decided to go on without them."""

    code = "FILE_SETTLED"
    remedy = "Read the visit's files."


def declare_file(
    session: Session,
    *,
    by: Principal | None,
    visit: Visit,
    sha256: str,
    size_bytes: int,
    media_type: str,
    purpose: str = PHOTO,
    caption: str = "",
    op_id: uuid.UUID | None = None,
    keeps_late: bool = False,
) -> DeclaredFile:
    """
    Announce a file; the same bytes twice are one. Bytes that lie here already settle it at once.

    One that was taken back stands again.
    """
    check_recordable(session, visit, by, keeps_late=keeps_late)
    if not text.is_sha256(sha256):
        raise DeclarationInvalid("sha256 is no SHA-256 in lower-case hex", field="sha256")
    if media_type not in SUFFIX:
        raise DeclarationInvalid(
            "mime is none of the kinds that are kept", field="mime", known=sorted(SUFFIX)
        )
    text.choice(purpose, "purpose", PURPOSES)
    if not 1 <= size_bytes <= MOST_BYTES:
        raise DeclarationInvalid(f"bytes is not between 1 and {MOST_BYTES}", field="bytes")
    known = _declared(session, visit.id, sha256)
    if known is not None:
        if (known.size_bytes, known.media_type) != (size_bytes, media_type):
            raise DeclarationContradicted(f"visit {visit.number} holds another announcement of these bytes")
        known.purpose, known.caption = purpose, text.prose(caption, "caption", longest=500)
        known.withdrawn_at = None  # announced again, it stands again
        if session.is_modified(known):
            db.flush(session)
            announce_visit(session, visit)
        return known
    every = select(func.count()).where(DeclaredFile.visit_id == visit.id)
    if (session.scalar(every) or 0) >= MOST_PER_VISIT:
        raise DeclarationsFull(f"visit {visit.number} has {MOST_PER_VISIT} announced files")
    there = select(Attachment.id).where(Attachment.visit_id == visit.id, Attachment.sha256 == sha256)
    declared = DeclaredFile(
        visit_id=visit.id,
        sha256=sha256,
        size_bytes=size_bytes,
        media_type=media_type,
        purpose=purpose,
        caption=text.prose(caption, "caption", longest=500),
        declared_by=by.user_id if by else None,
        declared_at=clock.now(),
        op_id=op_id,
        attachment_id=session.scalar(there),
    )
    session.add(declared)
    db.flush(session)
    announce_visit(session, visit)
    return declared


def take_bytes(
    session: Session, *, by: Principal | None, declared: DeclaredFile, content: bytes, directory: Path
) -> Attachment:
    """Keep the bytes of an announced file; the caller has compared their hash."""
    visit = session.get_one(Visit, declared.visit_id)
    attachment = store_attachment(
        session, by=by, visit=visit, content=content, directory=directory, is_announced=True
    )
    declared.attachment_id, declared.given_up_at = attachment.id, None
    declared.given_up_by = declared.given_up_reason = None
    db.flush(session)
    announce_visit(session, visit)
    return attachment


def give_up(session: Session, *, by: Principal, declared: DeclaredFile, reason: str) -> DeclaredFile:
    """Go on without bytes that will never come; if they come after all they are taken."""
    if declared.attachment_id is not None or declared.given_up_at is not None:
        raise FileSettled("nothing is missing of this file")
    declared.given_up_at, declared.given_up_by = clock.now(), by.user_id
    declared.given_up_reason = text.line(reason, "reason", longest=500)
    db.flush(session)
    visit = session.get_one(Visit, declared.visit_id)
    announce_visit(session, visit)
    verify_if_complete(session, visit=visit)
    return declared


def is_door_proven(session: Session, visit: Visit) -> bool:
    """Tell whether a closed door is proven by a photograph, where the house asks for one."""
    if not rules_under(session, visit.work_order.contract_id).no_access_proof:
        return True
    return any(file.purpose == NO_ACCESS for file in files_by_visit(session, [visit.id]).get(visit.id, []))


def files_by_visit(session: Session, visit_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, list[DeclaredFile]]:
    """Return the announced files of visits that were not taken back, oldest first."""
    statement = select(DeclaredFile).where(
        DeclaredFile.visit_id.in_(list(visit_ids)), DeclaredFile.withdrawn_at.is_(None)
    )
    found: dict[uuid.UUID, list[DeclaredFile]] = {}
    for file in session.scalars(statement.order_by(DeclaredFile.declared_at, DeclaredFile.id)):
        found.setdefault(file.visit_id, []).append(file)
    return found


def announced(session: Session, visit: Visit, sha256: str) -> DeclaredFile:
    """Return an announced file of a visit by its hash, taken back or not; it is held."""
    file = _declared(session, visit.id, sha256)
    if file is None:
        raise NotFound("no file with this hash is announced for the visit")
    session.refresh(file, with_for_update=True)
    return file


def _declared(session: Session, visit_id: uuid.UUID, sha256: str) -> DeclaredFile | None:
    statement = select(DeclaredFile).where(DeclaredFile.visit_id == visit_id, DeclaredFile.sha256 == sha256)
    return session.scalars(statement).first()
