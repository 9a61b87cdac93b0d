"""What a message says, read when it is written; afterwards its text never changes."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from urllib.parse import quote
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_time
from babel.numbers import format_currency
from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import clock
from dispatch.billing.commands import prices_on
from dispatch.billing.errors import NoTariff
from dispatch.billing.helping import is_helped
from dispatch.billing.model import CreditNote, Invoice, Payment
from dispatch.calls.guidance import pictures_of
from dispatch.calls.model import Assessment, GuidanceArticle, ProblemTemplate, RepairCall
from dispatch.customers.model import Asset, Customer, Site
from dispatch.loaners.model import Loan, LoanerUnit
from dispatch.messages.phrases import HELP_TO_PAY, OTHER_REASON, REASONS, beyond, given, given_after, named
from dispatch.messages.templates import BY_EVENT
from dispatch.money import Money
from dispatch.promises import compensating
from dispatch.promises.model import Compensation, Promise, PromiseAlarm
from dispatch.technicians.model import Technician
from dispatch.territories.model import Territory
from dispatch.work_orders.model import Visit, WorkOrder

LOCALES = {"en": "en", "zh": "zh_CN"}


@dataclass(frozen=True, slots=True)
class Draft:
    """Who hears what: everything that is needed to write one message."""

    key: str
    template: str
    customer: Customer
    work_order_id: uuid.UUID | None
    values: dict[str, str]
    visit_id: uuid.UUID | None = None
    """The visit that the customer may change by a link."""
    pictures: tuple[str, ...] = ()
    """Where anybody finds the pictures that belong to it, behind the house's address."""
    call_id: uuid.UUID | None = None
    """The call that it is about, where there is no order yet."""


def draft(session: Session, event: str, ids: dict[str, str]) -> Draft | None:
    """Return what is to be told for an event, or None when there is nobody to tell."""
    return _READERS[event](session, ids)


def _money(minor: int, currency: str, language: str) -> str:
    amount = str(Money(minor, currency))
    return str(format_currency(Decimal(amount), currency, locale=LOCALES[language]))


def _day(moment: datetime, zone: str, language: str) -> str:
    return str(format_date(moment.astimezone(ZoneInfo(zone)).date(), "full", locale=LOCALES[language]))


def date_in_words(day: date, language: str) -> str:
    """Return a calendar day as customers read it."""
    return str(format_date(day, "full", locale=LOCALES[language]))


def _time(moment: datetime, zone: str, language: str) -> str:
    return str(format_time(moment.astimezone(ZoneInfo(zone)), "short", locale=LOCALES[language]))


def _call(session: Session, ids: dict[str, str]) -> Draft:
    call = session.get_one(RepairCall, uuid.UUID(ids["call_id"]))
    customer = session.get_one(Customer, call.customer_id)
    asset = session.get(Asset, call.asset_id) if call.asset_id else None
    values = {"name": customer.name, "number": call.number, "asset": asset.model if asset else "-"}
    return Draft(f"call_registered:{call.id}", "call_registered", customer, None, values, call_id=call.id)


def _guided(session: Session, ids: dict[str, str]) -> Draft | None:
    call = session.get_one(RepairCall, uuid.UUID(ids["call_id"]))
    customer = session.get_one(Customer, call.customer_id)
    judged = session.scalars(select(Assessment).where(Assessment.call_id == call.id)).one()
    article = session.get(GuidanceArticle, judged.article_code) if judged.article_code else None
    template = session.get_one(ProblemTemplate, call.template_code)
    own, other = (template.guidance_en, template.guidance_zh)[:: -1 if customer.language == "zh" else 1]
    words = own or other or ""
    shown: tuple[str, ...] = ()
    if article is not None:
        words = "\n\n".join(getattr(article, f"{part}_{customer.language}") for part in ("title", "body"))
        shown = tuple(
            f"/v1/guidance-articles/{quote(article.code, safe='')}/pictures/{picture.position}"
            for picture in pictures_of(session, article.code)
        )
    values = {"name": customer.name, "number": call.number, "guidance": words}
    return Draft(f"guided:{call.id}", "guided", customer, None, values, pictures=shown, call_id=call.id)


def _order_values(session: Session, order: WorkOrder) -> tuple[Customer, str, dict[str, str]]:
    customer = session.get_one(Customer, order.customer_id)
    site = session.get_one(Site, order.site_id)
    zone = session.get_one(Territory, order.territory_id).timezone
    return customer, zone, {"name": customer.name, "number": order.number, "address": site.address}


def _order_opened(session: Session, ids: dict[str, str]) -> Draft | None:
    order = session.get_one(WorkOrder, uuid.UUID(ids["work_order_id"]))
    if order.goodwill_reason is not None:
        return None
    customer, zone, values = _order_values(session, order)
    amounts = {
        "labour": order.estimate_labour_minor,
        "parts": order.estimate_parts_minor,
        "travel": order.estimate_travel_minor,
    }
    for name, minor in amounts.items():
        values[name] = _money(minor, order.currency, customer.language)
    values["beyond"] = beyond(_tolerance_percent(session, zone), customer.language)
    return Draft(f"order_opened:{order.id}", "order_opened", customer, order.id, values)


def _tolerance_percent(session: Session, zone: str) -> int | None:
    try:
        return prices_on(session, clock.business_day(clock.now(), zone)).estimate_tolerance_percent
    except NoTariff:
        return None


def _waiting(session: Session, ids: dict[str, str]) -> Draft:
    order = session.get_one(WorkOrder, uuid.UUID(ids["work_order_id"]))
    customer, _, values = _order_values(session, order)
    since = order.waiting_since.isoformat() if order.waiting_since else "-"
    values["given"] = ""
    if (foretold := compensating.foretold_for_part(session, order)) is not None:
        days, minor = foretold
        amount = _money(minor, order.currency, customer.language)
        values["given"] = given_after(days, amount, customer.language)
    return Draft(f"waiting_for_part:{order.id}:{since}", "waiting_for_part", customer, order.id, values)


def _promised(session: Session, ids: dict[str, str]) -> Draft:
    promise = session.get_one(Promise, uuid.UUID(ids["promise_id"]))
    return of_promise(session, promise, "visit_promised" if promise.ordinal == 1 else "visit_promised_again")


def of_promise(session: Session, promise: Promise, template: str) -> Draft:
    """Return what is to be told about a promised window."""
    order = session.get_one(Visit, promise.visit_id).work_order
    customer, zone, values = _order_values(session, order)
    language = customer.language
    values["day"] = _day(promise.window_start, zone, language)
    times = [_time(moment, zone, language) for moment in (promise.window_start, promise.window_end)]
    values["window"] = f"{times[0]} - {times[1]}"
    values["reason"] = REASONS[language].get(promise.reason, OTHER_REASON[language])
    values["technician"] = _named_by(session, promise)
    values["named"] = named(values["technician"], language)
    return Draft(f"{template}:{promise.id}", template, customer, order.id, values, promise.visit_id)


def _named_by(session: Session, promise: Promise) -> str:
    """R-306: whom the customer was promised by name."""
    technician = promise.named_technician_id
    return session.get_one(Technician, technician).name if technician is not None else ""


def _released(session: Session, ids: dict[str, str]) -> Draft | None:
    promise = session.get_one(Promise, uuid.UUID(ids["promise_id"]))
    if promise.named_technician_id is None:
        return None
    found = of_promise(session, promise, BY_EVENT["TechnicianReleased"])
    language = found.customer.language
    found.values["reason"] = REASONS[language].get(ids["reason"], OTHER_REASON[language])
    return found


def _in_danger(session: Session, ids: dict[str, str]) -> Draft:
    alarm = session.get_one(PromiseAlarm, uuid.UUID(ids["alarm_id"]))
    promise = session.get_one(Promise, alarm.promise_id)
    order = session.get_one(Visit, alarm.visit_id).work_order
    customer, zone, values = _order_values(session, order)
    language = customer.language
    values["end"] = _time(promise.window_end, zone, language)
    template = "promise_in_danger" if alarm.expected_arrival is not None else "promise_unattended"
    if alarm.expected_arrival is not None:
        values["expected"] = _time(rounded_up(alarm.expected_arrival), zone, language)
    values["reason"] = REASONS[language].get(alarm.reason, OTHER_REASON[language])
    granted = select(Compensation).where(
        Compensation.promise_id == promise.id,
        Compensation.rule == compensating.LATE_ARRIVAL,
        Compensation.state == "granted",
    )
    found = session.scalars(granted).one_or_none()
    values["given"] = given(_money(found.amount_minor, found.currency, language) if found else "", language)
    return Draft(f"promise_in_danger:{alarm.id}", template, customer, order.id, values)


def _compensated(session: Session, ids: dict[str, str]) -> Draft:
    found = session.get_one(Compensation, uuid.UUID(ids["compensation_id"]))
    order = session.get_one(WorkOrder, found.work_order_id)
    customer, _, values = _order_values(session, order)
    values["amount"] = _money(found.amount_minor, found.currency, customer.language)
    values["reason"] = REASONS[customer.language].get(found.rule, OTHER_REASON[customer.language])
    return Draft(f"compensated:{found.id}", "compensated", customer, order.id, values)


def rounded_up(moment: datetime) -> datetime:
    """Return the next full five minutes: nobody is told a forecast to the second."""
    past = timedelta(minutes=moment.minute % 5, seconds=moment.second, microseconds=moment.microsecond)
    return moment + (timedelta(minutes=5) - past if past else past)


def _visit_reader(event: str) -> Callable[[Session, dict[str, str]], Draft | None]:
    def read(session: Session, ids: dict[str, str]) -> Draft | None:
        visit = session.get_one(Visit, uuid.UUID(ids["visit_id"]))
        customer, zone, values = _order_values(session, visit.work_order)
        technician = session.get(Technician, visit.technician_id) if visit.technician_id else None
        values["technician"] = technician.name if technician else "-"
        if event == "VisitScheduled":
            if visit.planned_start is None or technician is None:
                return None
            values["day"] = _day(visit.planned_start, zone, customer.language)
            values["start"] = _time(visit.planned_start, zone, customer.language)
        about = f"{visit.id}:{ids['plan_id']}" if "plan_id" in ids else str(visit.id)
        template = BY_EVENT[event]
        return Draft(f"{template}:{about}", template, customer, visit.work_order_id, values)

    return read


def _second_booking(session: Session, ids: dict[str, str]) -> Draft:
    visit = session.get_one(Visit, uuid.UUID(ids["visit_id"]))
    customer, _, values = _order_values(session, visit.work_order)
    key = f"second_booking:{visit.id}"
    return Draft(key, "second_booking", customer, visit.work_order_id, values, visit.id)


def _loaner(template: str) -> Callable[[Session, dict[str, str]], Draft | None]:
    def read(session: Session, ids: dict[str, str]) -> Draft | None:
        loan = session.get_one(Loan, uuid.UUID(ids["loan_id"]))
        if loan.unit_id is None or (template == "loaner_overdue" and loan.due_back_at is None):
            return None
        unit = session.get_one(LoanerUnit, loan.unit_id)
        order = session.get_one(WorkOrder, loan.work_order_id)
        customer, zone, values = _order_values(session, order)
        values["unit"] = f"{unit.model} ({unit.serial})"
        values["charge"] = _money(unit.charge_minor, unit.currency, customer.language)
        values["day"] = _day(loan.due_back_at, zone, customer.language) if loan.due_back_at else "-"
        about = loan.pickup_order_id if template == "loaner_overdue" else loan.id
        return Draft(f"{template}:{about}", template, customer, order.id, values)

    return read


def _invoiced(session: Session, ids: dict[str, str]) -> Draft | None:
    invoice = session.get_one(Invoice, uuid.UUID(ids["invoice_id"]))
    if invoice.payer != "customer":
        return None
    order = session.get_one(WorkOrder, invoice.work_order_id)
    customer, _, values = _order_values(session, order)
    values["invoice"] = invoice.number
    values["amount"] = _money(invoice.gross_minor, invoice.currency, customer.language)
    values["help"] = HELP_TO_PAY[customer.language] if is_helped(session, customer, order) else ""
    values["due"] = str(format_date(invoice.due_on, "long", locale=LOCALES[customer.language]))
    return Draft(f"invoiced:{invoice.id}", "invoiced", customer, order.id, values)


def _credited(session: Session, ids: dict[str, str]) -> Draft | None:
    note = session.get_one(CreditNote, uuid.UUID(ids["credit_note_id"]))
    invoice = session.get_one(Invoice, note.invoice_id)
    if invoice.payer != "customer":
        return None
    order = session.get_one(WorkOrder, note.work_order_id)
    customer, _, values = _order_values(session, order)
    values["credit_note"], values["invoice"] = note.number, invoice.number
    values["amount"] = _money(note.gross_minor, note.currency, customer.language)
    return Draft(f"credited:{note.id}", "credited", customer, order.id, values)


def _paid(session: Session, ids: dict[str, str]) -> Draft:
    payment = session.get_one(Payment, uuid.UUID(ids["payment_id"]))
    order = session.get_one(WorkOrder, payment.work_order_id)
    customer, _, values = _order_values(session, order)
    given = payment.provisional_number
    values["receipt"] = f"{payment.receipt_number} ({given})" if given else payment.receipt_number
    values["amount"] = _money(payment.amount_minor, payment.currency, customer.language)
    return Draft(f"paid:{payment.id}", "paid", customer, order.id, values)


_VISIT_EVENTS = (
    "VisitScheduled",
    "TechnicianOnTheWay",
    "TechnicianArrived",
    "VisitCompleted",
    "VisitFailed",
    "VisitCancelled",
)
_READERS: dict[str, Callable[[Session, dict[str, str]], Draft | None]] = {
    "CallRegistered": _call,
    "CallClosedRemotely": _guided,
    "WorkOrderOpened": _order_opened,
    "WaitingForPart": _waiting,
    "VisitPromised": _promised,
    "PromiseInDanger": _in_danger,
    "TechnicianReleased": _released,
    "CompensationGranted": _compensated,
    "InvoiceRendered": _invoiced,
    "CreditNoteRendered": _credited,
    "PaymentReceived": _paid,
    "SecondBookingOpened": _second_booking,
    "LoanerLent": _loaner("loaner_lent"),
    "LoanerOverdue": _loaner("loaner_overdue"),
    **{event: _visit_reader(event) for event in _VISIT_EVENTS},
}
