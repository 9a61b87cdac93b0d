"""One thing of every kind that customers hear of, written for a customer, as the event names it."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from sqlalchemy.orm import Session

from dispatch.billing.commands import record_payment
from dispatch.billing.crediting import take_back
from dispatch.billing.model import Invoice
from dispatch.calls.model import Assessment, ProblemTemplate, RepairCall
from dispatch.customers.model import Customer
from dispatch.loaners.model import Loan, LoanerUnit
from dispatch.money import Money
from dispatch.promises.model import Compensation, Promise, PromiseAlarm
from dispatch.work_orders.model import Visit
from tests.builders import (
    a_call,
    a_customer,
    a_promise,
    a_site,
    a_technician,
    a_territory,
    a_visit,
    an_asset,
    an_order,
    at,
    serial,
)
from tests.money_world import a_tariff, a_verified_order, invoiced


def a_reader(session: Session, language: str, **fields: object) -> Customer:
    """A customer with a mailbox."""
    return a_customer(session, **{"name": "Ada", "email": "ada@example.org", "language": language, **fields})


def an_order_of(session: Session, customer: Customer) -> object:
    """An order at the customer's site."""
    site = a_site(session, customer=customer, territory=a_territory(session))
    return an_order(session, site=site, waiting_since=at(8))


def visit_ids(session: Session, customer: Customer, **ids: str) -> dict[str, str]:
    """A published visit."""
    order = an_order_of(session, customer)
    visit = a_visit(session, order=order, state="published")  # type: ignore[arg-type]
    return {"visit_id": str(visit.id), **ids}


def call_ids(session: Session, customer: Customer) -> dict[str, str]:
    """A call about a boiler."""
    site = a_site(session, customer=customer)
    return {"call_id": str(a_call(session, site=site, asset=an_asset(session, site=site)).id)}


def guided_ids(session: Session, customer: Customer, article: str | None = None) -> dict[str, str]:
    """A call that guidance closed."""
    ids = call_ids(session, customer)
    call = session.get_one(RepairCall, uuid.UUID(ids["call_id"]))
    template = session.get_one(ProblemTemplate, call.template_code)
    template.guidance_en, template.guidance_zh = "Turn it up.", "请调高。"
    judged = Assessment(
        call_id=call.id,
        article_code=article,
        assessed_at=at(8),
        fault_class="use",
        kind="quick_repair",
        fault_code="F",
        skills={},
        certificates=[],
        parts={},
        crew_size=1,
        duration_minutes=60,
        priority=3,
        estimate_labour_minor=0,
        estimate_parts_minor=0,
        estimate_travel_minor=0,
        currency="EUR",
        is_accepted_by_customer=False,
        resolution="guidance",
    )
    session.add(judged)
    session.flush()
    return ids


def promise_ids(session: Session, customer: Customer) -> dict[str, str]:
    """A promised window."""
    visit = a_visit(session, order=an_order_of(session, customer))  # type: ignore[arg-type]
    return {"visit_id": str(visit.id), "promise_id": str(a_promise(session, visit).id)}


def compensation_ids(session: Session, customer: Customer) -> dict[str, str]:
    """Something for a missing part."""
    promise = session.get_one(Promise, uuid.UUID(promise_ids(session, customer)["promise_id"]))
    found = Compensation(
        promise_id=promise.id,
        work_order_id=session.get_one(Visit, promise.visit_id).work_order_id,
        rule="missing_part",
        amount_minor=5_000,
        currency="CNY",
        state="granted",
        created_at=at(8),
    )
    session.add(found)
    session.flush()
    return {"compensation_id": str(found.id)}


def release_ids(session: Session, customer: Customer) -> dict[str, str]:
    """A name that was given up."""
    visit = a_visit(session, order=an_order_of(session, customer))  # type: ignore[arg-type]
    promise = a_promise(session, visit, named_technician_id=a_technician(session).id)
    return {"visit_id": str(visit.id), "promise_id": str(promise.id), "reason": "technician_ill"}


def invoice_ids(session: Session, customer: Customer) -> dict[str, str]:
    """An invoice."""
    a_tariff(session)
    order = a_verified_order(session)
    order.customer_id = customer.id
    session.flush()
    return {"invoice_id": str(invoiced(session, order)[0].id)}


def credit_note_ids(session: Session, customer: Customer) -> dict[str, str]:
    """An invoice that was taken back."""
    invoice = session.get_one(Invoice, uuid.UUID(invoice_ids(session, customer)["invoice_id"]))
    [note] = take_back(session, settlement_id=invoice.settlement_id, reason="it came back")
    return {"credit_note_id": str(note.id)}


def payment_ids(session: Session, customer: Customer) -> dict[str, str]:
    """Cash."""
    order = an_order_of(session, customer)
    payment = record_payment(
        session,
        by=None,
        order=order,  # type: ignore[arg-type]
        method="cash",
        amount=Money(123456, "EUR"),
        received_at=at(9),
    )
    return {"payment_id": str(payment.id)}


def alarm_ids(session: Session, customer: Customer) -> dict[str, str]:
    """A promise in danger."""
    ids = promise_ids(session, customer)
    promise = session.get_one(Promise, uuid.UUID(ids["promise_id"]))
    visit = session.get_one(Visit, promise.visit_id)
    alarm = PromiseAlarm(
        promise_id=promise.id,
        visit_id=visit.id,
        territory_id=visit.work_order.territory_id,
        day=promise.window_start.date(),
        reason="delay",
        seen_at=promise.promised_at,
        expected_arrival=promise.window_end,
    )
    session.add(alarm)
    session.flush()
    return {**ids, "alarm_id": str(alarm.id)}


def loan_ids(session: Session, customer: Customer) -> dict[str, str]:
    """A loaner that is due."""
    order = an_order_of(session, customer)
    unit = LoanerUnit(
        territory_id=order.territory_id,  # type: ignore[attr-defined]
        product_kind="boiler",
        model="B 20",
        serial=serial("L"),
        charge_minor=50_000,
        currency="EUR",
        state="out",
    )
    session.add(unit)
    session.flush()
    loan = Loan(
        work_order_id=order.id,  # type: ignore[attr-defined]
        unit_id=unit.id,
        state="returning",
        wanted_at=at(8),
        due_back_at=at(8, days=14),
    )
    session.add(loan)
    session.flush()
    return {"loan_id": str(loan.id)}


def order_ids(session: Session, customer: Customer) -> dict[str, str]:
    """An order."""
    return {"work_order_id": str(an_order_of(session, customer).id)}  # type: ignore[attr-defined]


CAUSES: dict[str, Callable[[Session, Customer], dict[str, str]]] = {
    "CallRegistered": call_ids,
    "CallClosedRemotely": guided_ids,
    "WorkOrderOpened": order_ids,
    "WaitingForPart": order_ids,
    "VisitPromised": promise_ids,
    "PromiseInDanger": alarm_ids,
    "TechnicianReleased": release_ids,
    "CompensationGranted": compensation_ids,
    "VisitScheduled": lambda session, customer: visit_ids(session, customer, plan_id="p"),
    "TechnicianOnTheWay": visit_ids,
    "TechnicianArrived": visit_ids,
    "VisitCompleted": visit_ids,
    "VisitFailed": visit_ids,
    "VisitCancelled": visit_ids,
    "InvoiceRendered": invoice_ids,
    "CreditNoteRendered": credit_note_ids,
    "PaymentReceived": payment_ids,
    "SecondBookingOpened": visit_ids,
    "LoanerLent": loan_ids,
    "LoanerOverdue": loan_ids,
}
