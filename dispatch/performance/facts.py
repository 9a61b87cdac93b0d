"""The facts of a day, read from the records of visits, promises, shifts and money."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import and_, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from dispatch import clock
from dispatch.billing.model import Payment
from dispatch.calls.answering import AnswerState
from dispatch.contracts.house_rules import rules_of_contracts
from dispatch.intake.answering import answer_clocks
from dispatch.performance.metrics import AnswerFact, DutyFact, VisitFact
from dispatch.promises.chasing import chasers_of
from dispatch.promises.model import Promise
from dispatch.technicians import queries as technicians
from dispatch.technicians.breaks import breaks_between
from dispatch.territories.model import Territory
from dispatch.work_orders.lifecycle import VisitState
from dispatch.work_orders.model import Visit, WorkOrder
from dispatch.work_orders.on_site_model import TimeChange
from dispatch.work_orders.resting import NEVER, rested

OFFICE = "office"
"""Keeper of money that no technician collected."""


def visits_of(session: Session, territory: Territory, day: date) -> list[VisitFact]:
    """Return visits attended on the day or planned for it and not called off, in order of their sheets."""
    start, end = clock.day_bounds(day, territory.timezone)
    attended = and_(Visit.arrived_at >= start, Visit.arrived_at < end)
    planned = and_(
        Visit.arrived_at.is_(None),
        Visit.planned_start >= start,
        Visit.planned_start < end,
        Visit.state != VisitState.CANCELLED,
    )
    statement = (
        select(Visit, WorkOrder, _was_repeated())
        .join(WorkOrder, WorkOrder.id == Visit.work_order_id)
        .where(WorkOrder.territory_id == territory.id, or_(attended, planned))
        .order_by(Visit.serial)
    )
    rows = session.execute(statement).all()
    promises = _promises(session, [row[0].id for row in rows])
    asked = chasers_of(session, {row[1].id for row in rows})
    rules = rules_of_contracts(session, {row[1].contract_id for row in rows})
    breaks = rested(session, [row[0] for row in rows])
    return [
        replace(
            _fact(visit, order, bool(again), promises.get(visit.id, [])),
            chasers=len(asked.get(order.id, ())),
            band=timedelta(minutes=rules[order.contract_id].band_minutes),
            break_seconds=breaks.get(visit.id, NEVER).working,
            travel_break_seconds=breaks.get(visit.id, NEVER).travelling,
        )
        for visit, order, again in rows
    ]


def _was_repeated() -> Any:
    """An order names the one it repeats only within the days of R-508, so there is no limit to test here."""
    later = aliased(WorkOrder)
    return exists(select(later.id).where(later.repeat_of_id == WorkOrder.id))


def _promises(session: Session, visit_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[Promise]]:
    found: dict[uuid.UUID, list[Promise]] = {}
    statement = select(Promise).where(Promise.visit_id.in_(visit_ids)).order_by(Promise.ordinal)
    for promise in session.scalars(statement):
        found.setdefault(promise.visit_id, []).append(promise)
    return found


def _fact(visit: Visit, order: WorkOrder, was_repeated: bool, promises: Sequence[Promise]) -> VisitFact:
    first, last = (promises[0], promises[-1]) if promises else (None, None)
    return VisitFact(
        number=visit.number,
        technician_id=str(visit.technician_id) if visit.technician_id else None,
        planned_start=visit.planned_start,
        planned_end=visit.planned_end,
        travelling_at=visit.travelling_at,
        arrived_at=visit.arrived_at,
        started_at=visit.started_at,
        finished_at=visit.finished_at,
        paused_seconds=visit.paused_seconds,
        first_window_end=first.window_end if first else None,
        last_window_start=last.window_start if last else None,
        last_window_end=last.window_end if last else None,
        is_reservation=bool(first and first.is_reservation),
        is_solved=bool(visit.is_solved),
        is_first_attempt=visit.attempt == 1 and visit.leader_id is None,
        is_repeat=order.repeat_of_id is not None,
        was_repeated=was_repeated,
        is_no_access=visit.state == VisitState.NO_ACCESS,
        requested_at=order.requested_at,
        response_due_at=order.response_due_at if visit.leader_id is None else None,
        resolution_due_at=order.resolution_due_at if visit.leader_id is None else None,
        goes_along=visit.leader_id is not None,
        unverified=frozenset(visit.unverified),
    )


def days_of_change(session: Session, change_id: uuid.UUID) -> set[date]:
    """Return the days to which a visit belonged before and after its times were changed."""
    statement = (
        select(TimeChange, Visit, Territory.timezone)
        .join(Visit, Visit.id == TimeChange.visit_id)
        .join(WorkOrder, WorkOrder.id == Visit.work_order_id)
        .join(Territory, Territory.id == WorkOrder.territory_id)
        .where(TimeChange.change_id == change_id)
    )
    found: set[date] = set()
    for change, visit, zone in session.execute(statement):
        moments = [visit.arrived_at or visit.planned_start]
        if change.name == "arrived_at":
            moments += [datetime.fromisoformat(said) for said in (change.before, change.value) if said]
        found |= {clock.business_day(moment, zone) for moment in moments if moment is not None}
    return found


def duties_of(
    session: Session, territory: Territory, day: date, logged: Collection[uuid.UUID] = ()
) -> list[DutyFact]:
    """
    Return the duty of each technician of a territory on the day, with the breaks that were taken.

    ``logged`` have a log of the day: it stays theirs when they leave the company.
    """
    members = technicians.on_duty(session, territory.id, day, left=logged)
    start, end = clock.day_bounds(day, territory.timezone)
    taken = breaks_between(session, [member.technician.id for member in members], start, end)
    found = []
    for member in members:
        breaks = taken.get(member.technician.id, [])
        found.append(
            DutyFact(
                str(member.technician.id),
                member.available_seconds,
                sum(one.seconds for one in breaks) or member.break_minutes * 60,
                member.ends_at,
                tuple((one.start, one.end) for one in breaks),
            )
        )
    return found


def answers_of(session: Session, territory: Territory, day: date) -> list[AnswerFact]:
    """
    Return the answers that were asked for on the day (R-102).

    What nobody has answered is judged as the day ended, so that the log is the same whenever it is written.
    """
    over = min(clock.now(), clock.day_bounds(day, territory.timezone)[1])
    return [
        AnswerFact(
            one.channel,
            one.state.value,
            is_waiting=one.state is not AnswerState.UNKNOWN
            and (one.answered_at is None or one.answered_at >= over),
        )
        for one in answer_clocks(session, territory.id, day, seen_at=over).items
    ]


def money_of(session: Session, territory: Territory, day: date) -> dict[str, dict[str, int]]:
    """Return money collected on the day in minor units: technician id or ``OFFICE`` to method to sum."""
    start, end = clock.day_bounds(day, territory.timezone)
    statement = (
        select(Payment.collected_by_technician_id, Payment.method, func.sum(Payment.amount_minor))
        .join(WorkOrder, WorkOrder.id == Payment.work_order_id)
        .where(
            WorkOrder.territory_id == territory.id, Payment.received_at >= start, Payment.received_at < end
        )
        .group_by(Payment.collected_by_technician_id, Payment.method)
        .order_by(Payment.collected_by_technician_id, Payment.method)
    )
    found: dict[str, dict[str, int]] = {}
    for technician_id, method, total in session.execute(statement):
        found.setdefault(str(technician_id or OFFICE), {})[method] = int(total)
    return found


def summary(
    visits: Sequence[VisitFact],
    duties: Sequence[DutyFact],
    money: dict[str, int],
    answers: Sequence[AnswerFact] = (),
) -> dict[str, Any]:
    """Return what a log's reader wants to see beside the indicators; work and travel are without breaks."""
    breaks = [(duty.technician_id, start, end) for duty in duties for start, end in duty.breaks]
    return {
        "answers": _by_channel(answers),
        "visits": [_row(visit) for visit in visits],
        "work_seconds": sum(visit.work_seconds for visit in visits),
        "travel_seconds": sum(visit.travel_seconds for visit in visits),
        "break_seconds": sum(int((end - start).total_seconds()) for _, start, end in breaks),
        "breaks": [
            {"technician_id": who, "started_at": start.isoformat(), "ended_at": end.isoformat()}
            for who, start, end in breaks
        ],
        "money_minor": money,
    }


def _row(visit: VisitFact) -> dict[str, Any]:
    moments: dict[str, datetime | None] = {
        "arrived_at": visit.arrived_at,
        "started_at": visit.started_at,
        "finished_at": visit.finished_at,
    }
    row: dict[str, Any] = {name: moment.isoformat() if moment else None for name, moment in moments.items()}
    if visit.unverified:
        row["provisional"] = sorted(visit.unverified)
    return {"sheet": visit.number, "is_solved": visit.is_solved, "work_seconds": visit.work_seconds, **row}


def _by_channel(answers: Sequence[AnswerFact]) -> dict[str, dict[str, int]]:
    """Count a day's answers: asked for, within the limit, missed, of unknown time, waiting at its end."""
    found: dict[str, dict[str, int]] = {}
    for channel in sorted({one.channel for one in answers}):
        here = [one for one in answers if one.channel == channel]
        states = {name: sum(one.state == name for one in here) for name in ("kept", "missed", "unknown")}
        found[channel] = {"asked": len(here), **states, "waiting": sum(one.is_waiting for one in here)}
    return found
