"""Answer clocks: how soon somebody was there for a customer who asked, by channel (R-102)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import clock, db
from dispatch.access.rules import Principal
from dispatch.calls.model import RepairCall
from dispatch.calls.rules import CallAnswered, answer_limit
from dispatch.contracts.house_rules import HouseRules, house_rules
from dispatch.contracts.queries import office_hours
from dispatch.territories.queries import zone_of


class AnswerState(StrEnum):
    """Whether the limit of an answer still runs, was kept or missed, or nobody knows when it was given."""

    RUNNING = "running"
    KEPT = "kept"
    MISSED = "missed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class AnswerClock:
    """One call's answer; ``due_at`` is the end of its channel's limit."""

    call_id: uuid.UUID
    number: str
    channel: str
    requested_at: datetime
    due_at: datetime
    answered_at: datetime | None
    state: AnswerState


@dataclass(frozen=True, slots=True)
class AnswerClocks:
    """The answers of a day: how many of those that are decided were in time, and each of them."""

    kept: int
    decided: int
    items: Sequence[AnswerClock]


def answer(session: Session, *, by: Principal | None, call: RepairCall) -> RepairCall:
    """Note that somebody answered a call that came in writing; once."""
    session.refresh(call, with_for_update=True)
    if call.answered_at is not None:
        raise CallAnswered(f"call {call.number} was answered at {call.answered_at.isoformat()}")
    call.answered_at = clock.now()
    db.flush(session)
    return call


def answer_clocks(session: Session, territory_id: uuid.UUID, day: date) -> AnswerClocks:
    """Return the answers to calls of a day whose channel has a limit, in the order in which they came."""
    zone = zone_of(session, territory_id)
    start, end = clock.day_bounds(day, zone)
    hours = office_hours(session, zone)
    statement = (
        select(RepairCall)
        .where(RepairCall.territory_id == territory_id)
        .where(RepairCall.requested_at >= start, RepairCall.requested_at < end)
        .order_by(RepairCall.requested_at, RepairCall.serial)
    )
    house, is_working_day = house_rules(session), hours.spell(day) is not None
    clocks = (_clock(call, house, is_working_day) for call in session.scalars(statement))
    found = [one for one in clocks if one is not None]
    decided = [one for one in found if one.state in {AnswerState.KEPT, AnswerState.MISSED}]
    return AnswerClocks(sum(one.state is AnswerState.KEPT for one in decided), len(decided), found)


def _clock(call: RepairCall, house: HouseRules, is_working_day: bool) -> AnswerClock | None:
    limit = answer_limit(call.channel, house, is_working_day=is_working_day)
    if limit is None:
        return None
    due, answered = call.requested_at + limit, call.answered_at
    if answered is not None:
        state = AnswerState.KEPT if answered <= due else AnswerState.MISSED
    elif call.channel in {"phone", "counter"}:
        state = AnswerState.UNKNOWN  # somebody answered, or there would be no call; nobody said when
    else:
        state = AnswerState.RUNNING if clock.now() <= due else AnswerState.MISSED
    return AnswerClock(call.id, call.number, call.channel, call.requested_at, due, answered, state)
