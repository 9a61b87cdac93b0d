"""
Reminders for the office: promises in danger, follow-ups, questions from the field, escalated orders that
wait too long, visits that were declined.

Whoever is responsible is reminded first, the person above them later, each once; what is settled meanwhile
ends its reminders (R-401, R-402, R-403, R-802).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from dispatch import clock
from dispatch.contracts.house_rules import HouseRules, rules_of_contracts, rules_under
from dispatch.promises import alarming, chasing, clocks
from dispatch.promises.clocks import ClockState
from dispatch.promises.ending import ANSWER, CHASER
from dispatch.promises.model import OfficeReminder, ServiceStep
from dispatch.promises.rules import ESCALATED_TO, MISSED
from dispatch.work_orders.asking_office import open_questions
from dispatch.work_orders.lifecycle import OPEN_STATES
from dispatch.work_orders.model import Visit, WorkOrder
from dispatch.work_orders.queries import declined_in

ALARM, FOLLOW_UP, QUESTION, DECLINED = "alarm", "follow_up", "question", "declined"
STEP, READINESS = "service_step", "readiness"
HAND_IN, OPEN_HAND_IN, CUSTODY, VAN_COUNT = "hand_in", "open_hand_in", "custody", "van_count"
HELP_TO_PAY, OPEN_COUNT, FILE_GONE = "help_to_pay", "open_count", "file_gone"
WATCHED = (ALARM, FOLLOW_UP, QUESTION, STEP, DECLINED, CHASER)
"""Kinds that are looked at with the promises of the day; the others have rounds of their own."""
HANDING_IN = (HAND_IN, OPEN_HAND_IN, CUSTODY, VAN_COUNT, OPEN_COUNT)
KINDS = (*WATCHED, ANSWER, READINESS, *HANDING_IN, HELP_TO_PAY, FILE_GONE)
NEVER = datetime.max.replace(tzinfo=UTC)
"""Nobody above is told."""
ABOVE = {"call_taker": "supervisor", "dispatcher": "supervisor", "supervisor": "admin"}
"""Whose business it is next; above an administrator there is nobody."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """
    Something that waits for somebody.

    first_at, second_at
        When whoever is responsible is reminded, and when the person above.
    """

    kind: str
    subject: str
    role: str
    user_id: uuid.UUID | None
    first_at: datetime
    second_at: datetime


def remind(session: Session, territory_id: uuid.UUID) -> list[OfficeReminder]:
    """Write the reminders of a territory that are due now, and end those that are settled; return the new."""
    return tell(session, territory_id, WATCHED, list(_waiting(session, territory_id)))


def tell(
    session: Session, territory_id: uuid.UUID, kinds: Sequence[str], waiting: Sequence[Waiting]
) -> list[OfficeReminder]:
    """Write what is due now of everything of some kinds that waits, and end the rest; return the new."""
    settle(session, territory_id, kinds, {(each.kind, each.subject) for each in waiting})
    now, known = clock.now(), {_told(one) for one in open_reminders(session, territory_id)}
    found = []
    for each in waiting:
        if now >= each.first_at and (each.kind, each.subject, 1, each.user_id, each.first_at) not in known:
            found.append(write(session, territory_id, each, level=1))
        is_above = now >= each.second_at and each.role in ABOVE
        if is_above and (each.kind, each.subject, 2, None, each.second_at) not in known:
            found.append(write(session, territory_id, each, level=2))
    return [reminder for reminder in found if reminder is not None]


def _told(reminder: OfficeReminder) -> tuple[str, str, int, uuid.UUID | None, datetime]:
    """What an open reminder says; what would say the same is not written again."""
    return reminder.kind, reminder.subject, reminder.level, reminder.user_id, reminder.due_at


def write(
    session: Session, territory_id: uuid.UUID, waiting: Waiting, *, level: int
) -> OfficeReminder | None:
    """Write one reminder; None where it was written before, which is open again if it had ended."""
    is_first = level == 1
    row = insert(OfficeReminder).values(
        territory_id=territory_id,
        kind=waiting.kind,
        subject=waiting.subject,
        level=level,
        role=waiting.role if is_first else ABOVE[waiting.role],
        user_id=waiting.user_id if is_first else None,
        due_at=waiting.first_at if is_first else waiting.second_at,
        reminded_at=clock.now(),
    )
    once = row.on_conflict_do_nothing(index_elements=["kind", "subject", "level"])
    written = session.scalars(once.returning(OfficeReminder)).one_or_none()
    if written is None:
        known = select(OfficeReminder).filter_by(kind=waiting.kind, subject=waiting.subject, level=level)
        found = session.scalars(known).one()
        found.territory_id = territory_id  # who moved is reminded where they work now
        _take_up(found, waiting, level)
        session.flush()
    return written


def _take_up(reminder: OfficeReminder, waiting: Waiting, level: int) -> None:
    """Keep a reminder at whoever is responsible now; one that had ended is new again."""
    if level == 1:
        reminder.user_id, reminder.due_at = waiting.user_id, waiting.first_at
    else:
        reminder.due_at = waiting.second_at
    if reminder.ended_at is not None:
        reminder.reminded_at, reminder.ended_at = clock.now(), None


def settle(
    session: Session, territory_id: uuid.UUID, kinds: Sequence[str], waiting: Iterable[tuple[str, str]]
) -> None:
    """End the open reminders of some kinds whose subject does not wait any more."""
    still = set(waiting)
    for reminder in open_reminders(session, territory_id):
        if reminder.kind in kinds and (reminder.kind, reminder.subject) not in still:
            reminder.ended_at = clock.now()
    session.flush()


def open_reminders(session: Session, territory_id: uuid.UUID) -> Sequence[OfficeReminder]:
    """Return what the people of a territory's office are reminded of, the oldest first."""
    statement = select(OfficeReminder).where(
        OfficeReminder.territory_id == territory_id, OfficeReminder.ended_at.is_(None)
    )
    return session.scalars(statement.order_by(OfficeReminder.reminded_at, OfficeReminder.id)).all()


def _waiting(session: Session, territory_id: uuid.UUID) -> Iterator[Waiting]:
    yield from _alarms(session, territory_id)
    yield from _follow_ups(session, territory_id)
    yield from _questions(session, territory_id)
    yield from _steps(session, territory_id)
    yield from _declined(session, territory_id)
    yield from _chasers(session, territory_id)


def _chasers(session: Session, territory_id: uuid.UUID) -> Iterator[Waiting]:
    """R-105: from the second time on that a customer asks when we come, at once."""
    chasers = chasing.unanswered(session, territory_id)
    orders = {chaser.id: session.get_one(WorkOrder, chaser.work_order_id).contract_id for chaser in chasers}
    rules = rules_of_contracts(session, set(orders.values()))
    for chaser in chasers:
        if rules[orders[chaser.id]].reminders:
            subject, taker = str(chaser.id), chaser.taken_by
            yield Waiting(CHASER, subject, "supervisor", taker, chaser.recorded_at, NEVER)


def _declined(session: Session, territory_id: uuid.UUID) -> Iterator[Waiting]:
    """Visits that their technicians declined, until somebody plans them or calls them off."""
    steps = declined_in(session, territory_id)
    known = _rules_of_visits(session, [step.visit_id for step in steps])
    for step in steps:
        rules = known[step.visit_id]
        if rules.reminders:
            later = step.recorded_at + timedelta(minutes=rules.step_reminder_minutes)
            subject = f"{step.visit_id}:{step.id}"
            yield Waiting(DECLINED, subject, "dispatcher", None, step.recorded_at, later)


def _rules_of_visits(session: Session, visit_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, HouseRules]:
    statement = (
        select(Visit.id, WorkOrder.contract_id)
        .join(WorkOrder, WorkOrder.id == Visit.work_order_id)
        .where(Visit.id.in_(list(visit_ids)))
    )
    rows = session.execute(statement).all()
    rules = rules_of_contracts(session, {row.contract_id for row in rows})
    return {row.id: rules[row.contract_id] for row in rows}


def _alarms(session: Session, territory_id: uuid.UUID) -> Iterator[Waiting]:
    """R-503: promises in danger that a customer was told of and nobody has taken in hand; at once."""
    alarms = alarming.unattended(session, territory_id)
    known = _rules_of_visits(session, [alarm.visit_id for alarm in alarms])
    for alarm in alarms:
        rules = known[alarm.visit_id]
        if rules.reminders and alarm.told_at is not None:
            later = alarm.told_at + timedelta(minutes=rules.step_reminder_minutes)
            yield Waiting(ALARM, str(alarm.id), "supervisor", None, alarm.told_at, later)


def _follow_ups(session: Session, territory_id: uuid.UUID) -> Iterator[Waiting]:
    """R-802: customers whom nobody has asked after their promise broke."""
    alarms = alarming.follow_ups(session, territory_id)
    known = _rules_of_visits(session, [alarm.visit_id for alarm in alarms])
    for alarm in alarms:
        rules = known[alarm.visit_id]
        if rules.reminders and alarm.ended_at is not None:
            wait = timedelta(hours=rules.follow_up_hours)
            first, second = alarm.ended_at + wait, alarm.ended_at + 2 * wait
            yield Waiting(FOLLOW_UP, str(alarm.id), "dispatcher", alarm.acknowledged_by, first, second)


def _questions(session: Session, territory_id: uuid.UUID) -> Iterator[Waiting]:
    """R-403: questions of visits that go on, some minutes before the answer is due and when it is."""
    questions = open_questions(session, territory_id)
    known = _rules_of_visits(session, [row.visit_id for row in questions])
    for row in questions:
        rules = known[row.visit_id]
        is_asked = session.get_one(Visit, row.visit_id).state in OPEN_STATES
        if rules.reminders and is_asked:
            first = row.due_at - timedelta(minutes=rules.question_reminder_minutes)
            yield Waiting(QUESTION, str(row.id), "dispatcher", row.checking_by, first, row.due_at)


def _steps(session: Session, territory_id: uuid.UUID) -> Iterator[Waiting]:
    """R-401, R-402: the newest step of every clock that is not met; some minutes later the person above."""
    running = {
        (one.work_order_id, one.kind)
        for one in clocks.running(session, territory_id)
        if one.state is not ClockState.PAUSED and one.met_at is None
    }

    def rank(step: ServiceStep) -> int:
        return ESCALATED_TO.index(step.role)

    newest: dict[tuple[uuid.UUID, str], ServiceStep] = {}
    for step in clocks.steps_of(session, territory_id):
        key = step.work_order_id, step.kind
        if key in running and (key not in newest or rank(step) > rank(newest[key])):
            newest[key] = step
    for step in newest.values():
        rules = rules_under(session, session.get_one(WorkOrder, step.work_order_id).contract_id)
        is_told = rules.escalation or step.role == MISSED[1]
        if rules.reminders and is_told:
            subject = f"{step.work_order_id}:{step.kind}:{step.role}"
            later = step.reached_at + timedelta(minutes=rules.step_reminder_minutes)
            yield Waiting(STEP, subject, step.role, None, step.reached_at, later)
