"""Breaks inside visits: neither way nor work, and billed to nobody (R-509)."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from dispatch import clock
from dispatch.technicians.breaks import breaks_between, breaks_taken
from dispatch.technicians.model import BreakTaken
from dispatch.technicians.rules import Interval, free_of
from dispatch.work_orders.lifecycle import VisitState
from dispatch.work_orders.model import ReviewCase, Visit, VisitEvent

IDLE = (VisitState.PAUSED.value, VisitState.DONE.value)
"""States whose time ``paused_seconds`` holds already, once work goes on."""

TOLD = frozenset({"break.start", "break.end"})
"""The facts of a case that tell of a break."""


@dataclass(frozen=True, slots=True)
class Rested:
    """How long a visit's technician was on a break on the way there and at work there, in seconds."""

    travelling: int = 0
    working: int = 0


NEVER = Rested()


def rested(
    session: Session, visits: Sequence[Visit], until: datetime | None = None
) -> dict[uuid.UUID, Rested]:
    """
    Return the breaks inside visits, by visit; one without is left out.

    A break within a pause counts as the pause, so that nothing is left out twice. A visit that is not
    finished counts up to ``until``, the present if left out.
    """
    now = until or clock.now()
    spans = {visit.id: _span(visit, now) for visit in visits}
    known = [span for span in spans.values() if span is not None]
    if not known:
        return {}
    people = {visit.technician_id for visit in visits if visit.technician_id}
    start, end = min(span.start for span in known), max(span.end for span in known)
    breaks = breaks_between(session, people, start, end)
    met = [
        visit
        for visit in visits
        if (span := spans[visit.id])
        and any(one.overlaps(span) for one in breaks.get(visit.technician_id, ()))
    ]
    pauses = _pauses(session, met, now) if met else {}
    return {
        visit.id: _rested(visit, breaks[visit.technician_id], pauses.get(visit.id, []), now)
        for visit in met
        if visit.technician_id is not None
    }


def breaks_decided(session: Session, visit_ids: Collection[uuid.UUID]) -> datetime | None:
    """Return when somebody last looked at a break that verified visits were told of; None if never."""
    decided = select(ReviewCase).where(ReviewCase.visit_id.in_(visit_ids), ReviewCase.decided_at.is_not(None))
    moments = [
        case.decided_at
        for case in session.scalars(decided)
        if case.decided_at and any(fact.get("type") in TOLD for fact in case.detail.get("facts", ()))
    ]
    return max(moments, default=None)


def breaks_at(session: Session, visit: Visit) -> Sequence[BreakTaken]:
    """Return the breaks that a visit's technician took between setting out and the end."""
    span = _span(visit, clock.now())
    if span is None or visit.technician_id is None:
        return []
    return breaks_taken(session, visit.technician_id, span.start, span.end)


def _span(visit: Visit, now: datetime) -> Interval | None:
    begun = [at for at in (visit.travelling_at, visit.arrived_at, visit.started_at) if at is not None]
    end = visit.finished_at or now
    return Interval(min(begun), end) if begun and min(begun) < end else None


def _rested(visit: Visit, breaks: Sequence[Interval], pauses: Sequence[Interval], now: datetime) -> Rested:
    there = visit.arrived_at or visit.started_at
    return Rested(
        travelling=_within(visit.travelling_at, there, breaks, []),
        working=_within(visit.started_at, visit.finished_at or now, breaks, pauses),
    )


def _within(
    start: datetime | None, end: datetime | None, breaks: Sequence[Interval], pauses: Sequence[Interval]
) -> int:
    """By how much breaks shorten a stretch that pauses have shortened already."""
    if start is None or end is None or start >= end:
        return 0
    whole = Interval(start, end)
    return _length(free_of(whole, pauses)) - _length(free_of(whole, [*pauses, *breaks]))


def _length(pieces: Sequence[Interval]) -> int:
    return int(sum((piece.end - piece.start).total_seconds() for piece in pieces))


def _pauses(session: Session, visits: Sequence[Visit], now: datetime) -> dict[uuid.UUID, list[Interval]]:
    """
    When visits were paused, or finished and opened again, in the order of their steps.

    While times of a visit wait for a look, the server's bounds of its steps count, as in ``stamping``.
    """
    waiting = {one.id for one in visits if one.unverified or one.state == VisitState.PAUSED}
    statement = select(
        VisitEvent.visit_id,
        VisitEvent.from_state,
        VisitEvent.to_state,
        VisitEvent.occurred_at,
        VisitEvent.counts_at,
    ).where(
        VisitEvent.visit_id.in_([one.id for one in visits]),
        or_(VisitEvent.from_state.in_(IDLE), VisitEvent.to_state.in_(IDLE)),
    )
    found: dict[uuid.UUID, list[Interval]] = {}
    since: dict[uuid.UUID, datetime] = {}
    for visit_id, source, target, told, bound in session.execute(statement.order_by(VisitEvent.id)):
        at = (bound or told) if visit_id in waiting else told
        begun = since.pop(visit_id, None) if source in IDLE else None
        if begun is not None and begun < at:
            found.setdefault(visit_id, []).append(Interval(begun, at))
        if target in IDLE:
            since[visit_id] = at
    for visit_id, begun in since.items():
        if begun < now:
            found.setdefault(visit_id, []).append(Interval(begun, now))
    return found
