"""Answer clocks: how soon somebody was there for a customer who asked, by channel (R-102)."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Self

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import clock, db
from dispatch.access.rules import Principal
from dispatch.calls.model import RepairCall
from dispatch.calls.rules import CallAnswered, answer_limit
from dispatch.contracts.house_rules import HouseRules, house_rules
from dispatch.contracts.queries import office_hours
from dispatch.promises.ending import ANSWER, end_reminders
from dispatch.territories.queries import zone_of

AT_ONCE = frozenset({"phone", "counter"})
"""Channels on which a call is made while the customer is there."""


class AnswerState(StrEnum):
    """Whether the limit of an answer still runs, was kept or missed, or nobody knows when it was given."""

    RUNNING = "running"
    KEPT = "kept"
    MISSED = "missed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class AnswerClock:
    """One answer to a call, or to what nobody has made a call of; ``due_at`` ends its channel's limit."""

    number: str
    channel: str
    requested_at: datetime
    due_at: datetime
    answered_at: datetime | None
    state: AnswerState
    call_id: uuid.UUID | None = None
    inquiry_id: uuid.UUID | None = None


def answer(session: Session, *, by: Principal | None, call: RepairCall) -> RepairCall:
    """Note that somebody answered a call that came in writing; once."""
    session.refresh(call, with_for_update=True)
    if call.answered_at is not None:
        raise CallAnswered(f"call {call.number} was answered at {call.answered_at.isoformat()}")
    call.answered_at = clock.now()
    end_reminders(session, ANSWER, call.id)
    db.flush(session)
    return call


@dataclass(frozen=True, slots=True)
class Limits:
    """
    How soon somebody answers on one day, by the rules of the house.

    ``seen_at`` is when it is looked at: what nobody has answered by then is missed or runs still.
    """

    house: HouseRules
    is_working_day: bool
    seen_at: datetime

    @classmethod
    def on(
        cls, session: Session, territory_id: uuid.UUID, day: date, seen_at: datetime | None = None
    ) -> Self:
        """Return the limits of a day in a territory, looked at now or at a moment before."""
        hours = office_hours(session, zone_of(session, territory_id))
        return cls(house_rules(session), hours.spell(day) is not None, seen_at or clock.now())

    def due_at(self, channel: str, requested_at: datetime) -> datetime | None:
        """Return when the limit of an answer ends; None where the channel has none."""
        limit = answer_limit(channel, self.house, is_working_day=self.is_working_day)
        return None if limit is None else requested_at + limit

    def judged(self, due_at: datetime, answered_at: datetime | None) -> AnswerState:
        """Return how an answer stands that is or is not given."""
        if answered_at is not None:
            return AnswerState.KEPT if answered_at <= due_at else AnswerState.MISSED
        return AnswerState.RUNNING if self.seen_at <= due_at else AnswerState.MISSED


def clocks_of_calls(
    session: Session, territory_id: uuid.UUID, day: date, limits: Limits
) -> list[AnswerClock]:
    """Return the answers to calls of a day whose channel has a limit, in the order in which they came."""
    start, end = clock.day_bounds(day, zone_of(session, territory_id))
    statement = (
        select(RepairCall)
        .where(RepairCall.territory_id == territory_id)
        .where(RepairCall.requested_at >= start, RepairCall.requested_at < end)
        .order_by(RepairCall.requested_at, RepairCall.serial)
    )
    clocks = (_clock(call, limits) for call in session.scalars(statement))
    return [one for one in clocks if one is not None]


def _clock(call: RepairCall, limits: Limits) -> AnswerClock | None:
    due = limits.due_at(call.channel, call.requested_at)
    if due is None:
        return None
    state = limits.judged(due, call.answered_at)
    if call.answered_at is None and call.channel in AT_ONCE:
        state = AnswerState.UNKNOWN  # somebody answered, or there would be no call; nobody said when
    return AnswerClock(
        call.number, call.channel, call.requested_at, due, call.answered_at, state, call_id=call.id
    )
