"""Inquiries, machines, questions and announced files, written directly, for tests of who may reach what."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session

from dispatch import clock
from dispatch.access.model import Device
from dispatch.access.sealing import seal
from dispatch.access.secret import installation_secret
from dispatch.contracts.model import ServiceCalendar
from dispatch.intake.model import Inquiry, InquiryFile, IntakeSource
from dispatch.promises.model import Chaser, CustomerMark
from dispatch.sync.model import Quarantined
from dispatch.sync.quarantine import PURPOSE
from dispatch.territories.model import Territory
from dispatch.work_orders.model import DeclaredFile, Visit, WorkOrder
from dispatch.work_orders.on_site_model import AdvisedWork, ContactProposal, FieldQuestion
from tests import builders
from tests.api.company import settings_of_tests


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


def a_chaser(session: Session, order: WorkOrder) -> Chaser:
    """A customer who asked when somebody comes."""
    row = Chaser(
        work_order_id=order.id,
        ordinal=1,
        channel="phone",
        note="",
        is_escalated=False,
        recorded_at=clock.now(),
    )
    session.add(row)
    session.flush()
    return row


def a_declared_file(session: Session, visit: Visit) -> DeclaredFile:
    """An announced file whose bytes have not arrived."""
    row = DeclaredFile(
        visit_id=visit.id,
        sha256="1" * 64,
        size_bytes=1,
        media_type="image/png",
        purpose="photo",
        caption="",
        declared_at=clock.now(),
    )
    session.add(row)
    session.flush()
    return row


def an_advice(session: Session, visit: Visit) -> AdvisedWork:
    """Advised work that waits."""
    order = visit.work_order
    row = AdvisedWork(visit_id=visit.id, site_id=order.site_id, words="descale", advised_at=clock.now())
    session.add(row)
    session.flush()
    return row


def a_proposal(session: Session, visit: Visit) -> ContactProposal:
    """A number that contradicts the customer's file."""
    order = visit.work_order
    change = {"base": "+358401234567", "value": "+358407654321", "found": None, "result": "open"}
    row = ContactProposal(
        visit_id=visit.id,
        customer_id=order.customer_id,
        site_id=order.site_id,
        technician_id=visit.technician_id or builders.a_technician(session).id,
        changes={"phone": change},
        proposed_at=clock.now(),
    )
    session.add(row)
    session.flush()
    return row


def a_mark(session: Session, visit: Visit) -> CustomerMark:
    """A customer who was not there."""
    mark = CustomerMark(
        customer_id=visit.work_order.customer_id,
        visit_id=visit.id,
        kind="no_show",
        reason="",
        recorded_at=clock.now(),
    )
    session.add(mark)
    session.flush()
    return mark


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


def a_quarantined_work(session: Session, device: Device) -> uuid.UUID:
    """Unsent work of a phone, waiting for a decision."""
    batch, sha256 = b'{"ops": []}', uuid.uuid4().hex
    secret = installation_secret(settings_of_tests())
    row = Quarantined(
        device_id=device.id,
        technician_id=device.technician_id,
        sha256=sha256,
        operations=0,
        sealed=seal(secret, PURPOSE, batch, bound_to=f"{device.id}|{sha256}"),
        received_at=clock.now(),
        expires_at=clock.now() + timedelta(days=30),
    )
    session.add(row)
    session.flush()
    return row.id


def a_calendar(session: Session) -> ServiceCalendar:
    """A calendar of working hours."""
    row = ServiceCalendar(
        code=builders.serial("CAL"), name="Weekdays", hours=[{"weekday": 1, "opens": 480, "closes": 960}]
    )
    session.add(row)
    session.flush()
    return row
