"""
Is the demo's day whole? Looked up in the database afterwards, apart from the report.

Every step of the chain must have left something, nothing may be lost or doubled, and the books must balance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dispatch.billing.invoicing import missing_numbers
from dispatch.billing.model import Allocation, CreditNote, Invoice, Payment, Settlement, SettlementLine
from dispatch.calls.model import Assessment, RepairCall
from dispatch.hand_ins.model import HandIn
from dispatch.loaners.model import Loan
from dispatch.messages.model import Message
from dispatch.outbox import JobRun
from dispatch.performance.model import DailyLog
from dispatch.promises.model import Promise, ServiceStep
from dispatch.promises.rules import MISSED
from dispatch.simulation.day_types import GeneratedDay
from dispatch.sync.model import Operation
from dispatch.work_orders.lifecycle import FINISHED_STATES
from dispatch.work_orders.model import ServiceReport, StoredDocument, Visit, WorkOrder


def _count(session: Session, column: object, *where: object) -> int:
    return int(session.scalar(select(func.count(column)).where(*where)) or 0)  # type: ignore[arg-type]


def calls(session: Session, day: GeneratedDay) -> Iterator[str]:
    """Steps 1 to 3: every call is there once and was assessed."""
    wanted = len(day.calls)
    found, judged = _count(session, RepairCall.id), _count(session, Assessment.id)
    if (found, judged) != (wanted, wanted):
        yield f"{wanted} calls were made, {found} are registered, {judged} assessed"
    if _count(session, Promise.id) == 0:
        yield "no window was promised"
    if _count(session, WorkOrder.id, WorkOrder.repeat_of_id.is_not(None)) == 0:
        yield "no repeat repair was recognised (R-508)"


def loaners(session: Session, day: GeneratedDay) -> Iterator[str]:
    """Every limit of resolution that was missed has brought a loan by the rule (R-402)."""
    missed = set(
        session.scalars(
            select(ServiceStep.work_order_id).where(
                ServiceStep.kind == "resolution", ServiceStep.role == MISSED[1]
            )
        )
    )
    lent = set(session.scalars(select(Loan.work_order_id)))
    if not missed:
        yield "no limit of resolution was missed"
    if left := len(missed - lent):
        yield f"{left} of {len(missed)} missed limits of resolution brought no loaner"


def records(session: Session, day: GeneratedDay) -> Iterator[str]:
    """Steps 4 to 7: what the phones sent is decided, and each finished visit of the day has its record."""
    sent = _count(session, Operation.op_id)
    undecided = _count(session, Operation.op_id, Operation.state == "held")
    if not sent or undecided:
        yield f"{undecided} of {sent} operations of phones are undecided"
    done = select(Visit.id).where(
        Visit.travelling_at.is_not(None), Visit.state.in_(FINISHED_STATES), Visit.leader_id.is_(None)
    )
    finished = len(session.scalars(done).all())
    signed = _count(session, ServiceReport.id.distinct(), ServiceReport.visit_id.in_(done))
    printed = _count(
        session,
        StoredDocument.id,
        StoredDocument.kind == "service_report",
        StoredDocument.subject_id.in_(done),
    )
    if not finished or signed < finished or printed < finished:
        yield f"{finished} visits finished, {signed} records signed, {printed} reports printed"


def books(session: Session, day: GeneratedDay) -> Iterator[str]:
    """Steps 8 and 9: settled once, numbered without gaps, and every amount explained."""
    for series in session.scalars(select(Invoice.series).union(select(CreditNote.series))):
        if gaps := missing_numbers(session, series):
            yield f"{series} lacks the numbers {gaps}"
    if _count(session, Invoice.id) == 0 or _count(session, Payment.id) == 0:
        yield "nothing was invoiced or nothing was paid"
    lines = session.scalar(
        select(func.sum(SettlementLine.net_minor))
        .join(Settlement, Settlement.id == SettlementLine.settlement_id)
        .where(Settlement.state == "invoiced", SettlementLine.payer.in_(["customer", "maker"]))
    )
    invoiced = session.scalar(select(func.sum(Invoice.net_minor)))
    if lines != invoiced:
        yield f"lines of {lines} were settled, {invoiced} invoiced"
    used = (
        select(func.sum(Allocation.amount_minor))
        .where(Allocation.payment_id == Payment.id)
        .correlate(Payment)
        .scalar_subquery()
    )
    if over := _count(session, Payment.id, used > Payment.amount_minor):
        yield f"{over} payments were used for more than they are"


def closing(session: Session, day: GeneratedDay) -> Iterator[str]:
    """Steps 10 and 11: everybody handed in, the log is written for people, territory and company."""
    handed = _count(session, HandIn.id, HandIn.day == day.day, HandIn.supplement == 0)
    if handed != len(day.technicians):
        yield f"{handed} of {len(day.technicians)} technicians handed in"
    scopes = set(session.scalars(select(DailyLog.scope).where(DailyLog.day == day.day).distinct()))
    if scopes != {"technician", "territory", "company"}:
        yield f"the daily log covers only {sorted(scopes)}"


def machinery(session: Session, day: GeneratedDay) -> Iterator[str]:
    """Jobs and messages: nothing parked, nothing left open."""
    left = _count(session, JobRun.id, JobRun.state.in_(["ready", "running", "parked"]))
    if left:
        yield f"{left} jobs are not done"
    unsent = _count(session, Message.id, Message.state.in_(["queued", "sending", "failed"]))
    if unsent:
        yield f"{unsent} messages were not delivered"


JUDGES: tuple[Callable[[Session, GeneratedDay], Iterator[str]], ...] = (
    calls,
    loaners,
    records,
    books,
    closing,
    machinery,
)


def faults(session: Session, day: GeneratedDay) -> list[str]:
    """Return what is wrong with the day, in words; empty when it is whole."""
    return [fault for judge in JUDGES for fault in judge(session, day)]
