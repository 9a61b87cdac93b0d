"""A technician with the reference phone, and visits to work on, for tests of the API."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from sqlalchemy import text

from dispatch import db
from dispatch.access.rules import Role
from dispatch.simulation.phone import PhoneClient
from dispatch.sync import protocol
from dispatch.technicians.model import Technician
from dispatch.territories.model import Territory
from dispatch.work_orders import commands as visits
from tests import builders
from tests.api.company import NORTH, PASSWORD, Company
from tests.as_described import answer_as_described

FINDINGS = {
    "fault": "Pump blocked ",
    "cause": "Lime",
    "action": "Cleaned",
    "is_solved": True,
    "is_tested": True,
    "measurements": [{"name": "pressure", "value": "1.5", "unit": "bar"}],
    "advised": [{"text": "descale", "is_danger": False}],
}


@dataclass(frozen=True)
class Login:
    """What the technician signs in with."""

    username: str
    password: str = PASSWORD


def signed_in(company: Company, where: str = NORTH) -> PhoneClient:
    """A phone of a territory's technician, signed in and registered."""
    http = httpx.Client(
        transport=httpx.WSGITransport(company.app),
        base_url="http://127.0.0.1",
        event_hooks={"response": [answer_as_described]},
    )
    made = PhoneClient("", Login(company.user(Role.TECHNICIAN, where)), http=http, patience_seconds=0)
    made.sign_in()
    return made


def a_visit(company: Company, technician: uuid.UUID | None = None, *, hours: float = 1) -> str:
    """A visit published to the northern technician, to begin some hours from now."""
    with db.transaction() as session:
        territory = session.get_one(Territory, company.territories[NORTH])
        site = builders.a_site(session, territory=territory)
        order = builders.an_order(session, asset=builders.an_asset(session, site=site))
        visit = builders.a_visit(session, order=order)
        publish(company, str(visit.id), technician, hours=hours, session=session)
        return str(visit.id)


def publish(
    company: Company,
    visit_id: str,
    technician: uuid.UUID | None = None,
    *,
    hours: float = 1,
    session: Any,
) -> None:
    """Give a visit to a technician."""
    start = datetime.now(UTC) + timedelta(hours=hours)
    who = session.get_one(Technician, technician or company.technicians[NORTH])
    duty = {"starts_at": start - timedelta(hours=2), "ends_at": start + timedelta(hours=8)}
    builders.a_shift(session, who, **duty, break_earliest=None, break_latest=None, break_minutes=0)
    visits.assign(
        session,
        by=builders.a_principal(Role.DISPATCHER),
        visit=session.get_one(builders.Visit, uuid.UUID(visit_id)),
        technician_id=who.id,
        planned_start=start,
        planned_end=start + timedelta(hours=1),
    )


def a_part(**fields: Any) -> str:
    """A part of the catalogue."""
    with db.transaction() as session:
        return builders.a_part(session, **fields).sku


def asked(question: str, **values: Any) -> list[tuple[Any, ...]]:
    """Rows of a query."""
    with db.transaction() as session:
        return [tuple(row) for row in session.execute(text(question), values)]


def results(phone: PhoneClient) -> list[str | None]:
    """What was decided about each operation of a phone."""
    return [kept.result for kept in phone.store.operations()]


def work(phone: PhoneClient, visit_id: str, sku: str) -> None:
    """Do a visit from setting out to the payment, without contact."""
    for kind in (protocol.ACCEPT, protocol.TRAVEL, protocol.ARRIVE, protocol.START):
        phone.record(kind, visit_id=visit_id)
    phone.record(protocol.FINDING, visit_id=visit_id, payload=FINDINGS)
    fitted = {"sku": sku, "direction": "in", "quantity": 2, "lot": "L1"}
    phone.record(protocol.PART, visit_id=visit_id, payload=fitted)
    agreed = {"amount": "180.50", "currency": "EUR", "approved_by_name": "Customer", "method": "signature"}
    phone.record(protocol.APPROVAL, visit_id=visit_id, payload=agreed)
    sign(phone, visit_id)
    phone.record(protocol.FINISH, visit_id=visit_id, payload={"is_solved": True, "rating": 5})
    paid = {"method": "cash", "amount": "180.50", "currency": "EUR", "reference": "R1"}
    phone.record(protocol.PAYMENT, visit_id=visit_id, payload=paid)


def sign(phone: PhoneClient, visit_id: str) -> None:
    """Have the customer sign what the phone shows."""
    signed = {
        "shown_sha256": phone.shown_sha256(visit_id),
        "signed_by_name": "Customer",
        "signature_path": "M0 0L9 9",
    }
    phone.record(protocol.SIGN, visit_id=visit_id, payload=signed)
