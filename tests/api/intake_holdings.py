"""Inquiries, machines and questions, written directly, for tests of who may reach what."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session

from dispatch import clock
from dispatch.intake.model import Inquiry, InquiryFile, IntakeSource
from dispatch.territories.model import Territory
from dispatch.work_orders.model import FieldQuestion, Visit
from tests import builders


def a_question(session: Session, visit: Visit) -> FieldQuestion:
    """An open question about a visit."""
    row = FieldQuestion(
        visit_id=visit.id,
        question="Which valve?",
        asked_at=clock.now(),
        due_at=clock.now() + timedelta(hours=24),
        answer="",
    )
    session.add(row)
    session.flush()
    return row


def an_inquiry(session: Session, territory: Territory) -> dict[str, Any]:
    """An inquiry with a file; their ids."""
    row = Inquiry(
        channel="web",
        source="web_form",
        external_id=builders.serial("F"),
        territory_id=territory.id,
        requested_at=clock.now(),
        received_at=clock.now(),
        name="Ada",
        address="",
        language="en",
        subject="",
        body="",
        note="",
    )
    session.add(row)
    session.flush()
    file = InquiryFile(
        inquiry_id=row.id,
        sha256="0" * 64,
        media_type="image/png",
        size_bytes=1,
        stored_name=builders.serial("gone"),
        received_at=clock.now(),
    )
    session.add(file)
    session.flush()
    return {"inquiry_id": row.id, "file_id": file.id}


def a_source(session: Session) -> IntakeSource:
    """A machine."""
    source = IntakeSource(
        code=builders.serial("S"),
        kind="alarm",
        key_sha256=builders.serial("k"),
        created_by=builders.a_principal().user_id,
    )
    session.add(source)
    session.flush()
    return source
