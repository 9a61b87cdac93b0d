"""A person makes a call of an inquiry, or dismisses it; its files go with the order (R-101, R-103)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Select, Uuid, or_, select, type_coerce
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from dispatch import clock, db, text
from dispatch.access.queries import in_scope
from dispatch.access.rules import Principal
from dispatch.calls.answering import AT_ONCE
from dispatch.calls.commands import register
from dispatch.calls.model import RepairCall
from dispatch.db import new_id
from dispatch.errors import NotFound
from dispatch.intake import rules
from dispatch.intake.machines import close
from dispatch.intake.model import Inquiry, InquiryFile, IntakeSource
from dispatch.paging import USUAL, Page, cut
from dispatch.promises.ending import ANSWER, end_reminders, hand_on_reminders
from dispatch.work_orders.attachments import stored_bytes
from dispatch.work_orders.model import Attachment, Visit, WorkOrder


def register_inquiry(
    session: Session,
    *,
    by: Principal,
    inquiry: Inquiry,
    expected_version: int | None = None,
    **call: Any,
) -> RepairCall:
    """
    Make a call of an inquiry; clocks run from when the customer asked, not from now (R-101).

    Takes what ``calls.commands.register`` takes, but for channel and moments, which the inquiry knows.
    """
    inquiry.expect_version(expected_version)
    _require_new(inquiry)
    found = register(
        session,
        by=by,
        channel=inquiry.channel,
        requested_at=inquiry.requested_at,
        answered_at=inquiry.answered_at,
        **call,
    )
    close(inquiry, state="registered", by=by, call_id=found.id)
    hand_on_reminders(session, ANSWER, inquiry.id, found.id)
    if found.answered_at is not None or found.channel in AT_ONCE:
        end_reminders(session, ANSWER, found.id)
    db.flush(session)
    return found


def dismiss(
    session: Session, *, by: Principal, inquiry: Inquiry, reason: str, expected_version: int | None = None
) -> Inquiry:
    """Take an inquiry off the list without a call; the reason stays."""
    inquiry.expect_version(expected_version)
    _require_new(inquiry)
    close(inquiry, state="dismissed", by=by, note=text.line(reason, "reason", longest=500))
    end_reminders(session, ANSWER, inquiry.id)
    db.flush(session)
    return inquiry


def _require_new(inquiry: Inquiry) -> None:
    if inquiry.state != "new":
        raise rules.InquiryHandled(
            f"inquiry {inquiry.number} is {inquiry.state}", call_id=str(inquiry.call_id or "")
        )


def carry_files(session: Session, work_order_id: uuid.UUID) -> int:
    """Give the first visit of an order the files that came with its inquiry; return how many."""
    order = session.get_one(WorkOrder, work_order_id)
    if order.call_id is None:
        return 0
    statement = (
        select(InquiryFile)
        .join(Inquiry, Inquiry.id == InquiryFile.inquiry_id)
        .where(Inquiry.call_id == order.call_id)
        .order_by(InquiryFile.id)
    )
    visit = session.scalars(
        select(Visit).where(Visit.work_order_id == order.id).order_by(Visit.attempt, Visit.seat).limit(1)
    ).one()
    carried = 0
    for file in session.scalars(statement).all():
        row = insert(Attachment).values(
            id=new_id(),
            visit_id=visit.id,
            sha256=file.sha256,
            media_type=file.media_type,
            size_bytes=file.size_bytes,
            stored_name=file.stored_name,
            stored_sha256=file.stored_sha256,
            uploaded_by=None,
            uploaded_at=clock.now(),
        )
        once = row.on_conflict_do_nothing(index_elements=["visit_id", "sha256"]).returning(Attachment.id)
        carried += session.scalar(once) is not None
    return carried


def find_inquiry(session: Session, principal: Principal, inquiry_id: uuid.UUID) -> Inquiry:
    """Return an inquiry of the person's scope, or of nobody's yet."""
    found = session.scalars(_visible(principal).where(Inquiry.id == inquiry_id)).one_or_none()
    if found is None:
        raise NotFound("there is no such inquiry")
    return found


def list_inquiries(
    session: Session,
    principal: Principal,
    *,
    state: str | None = None,
    cursor: str | None = None,
    limit: int = USUAL,
) -> Page[Inquiry]:
    """Return inquiries, the newest first."""
    statement = _visible(principal)
    if state is not None:
        statement = statement.where(Inquiry.state == state)
    return cut(session, statement, Inquiry.id, cursor=cursor, limit=limit)


def inquiry_of_link(session: Session, inquiry_id: uuid.UUID) -> Inquiry:
    """Return the inquiry of an upload's link, locked, so that it is not handled meanwhile."""
    found = session.get(Inquiry, inquiry_id, with_for_update=True)
    if found is None:
        raise NotFound("there is no such inquiry")
    return found


def find_file(session: Session, inquiry: Inquiry, file_id: uuid.UUID) -> InquiryFile:
    """Return one file of an inquiry."""
    found = next((file for file in files_of(session, inquiry.id) if file.id == file_id), None)
    if found is None:
        raise NotFound("there is no such file")
    return found


def content_of(file: InquiryFile, directory: Path) -> bytes:
    """Return the bytes of a file that was found before."""
    return stored_bytes(directory, file.stored_name, f"file {file.id}", sha256=file.stored_sha256)


def files_of(session: Session, inquiry_id: uuid.UUID) -> Sequence[InquiryFile]:
    """Return what came with an inquiry."""
    statement = select(InquiryFile).where(InquiryFile.inquiry_id == inquiry_id)
    return session.scalars(statement.order_by(InquiryFile.id)).all()


def sources(session: Session) -> Sequence[IntakeSource]:
    """Return every machine that may report, by code."""
    return session.scalars(select(IntakeSource).order_by(IntakeSource.code)).all()


def find_source(session: Session, source_id: uuid.UUID) -> IntakeSource:
    """Return a machine."""
    found = session.get(IntakeSource, source_id)
    if found is None:
        raise NotFound("there is no such source")
    return found


def _visible(principal: Principal) -> Select[Inquiry]:
    place: ColumnElement[uuid.UUID] = type_coerce(Inquiry.territory_id, Uuid())
    return select(Inquiry).where(or_(Inquiry.territory_id.is_(None), in_scope(principal, place)))
