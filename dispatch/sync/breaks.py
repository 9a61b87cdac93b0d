"""Breaks as technicians take them: what they say, never what the plan says (R-509)."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Sequence
from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from dispatch.sync import conflicts
from dispatch.sync.conflicts import Applied, Reported
from dispatch.sync.payloads import Payload
from dispatch.technicians import breaks
from dispatch.technicians.model import BreakTaken
from dispatch.technicians.rules import LONGEST_BREAK
from dispatch.work_orders.guards import LOCKED
from dispatch.work_orders.holding import hold_visits
from dispatch.work_orders.model import Visit
from dispatch.work_orders.resting import NEVER, rested


def begin_break(session: Session, reported: Reported) -> Applied:
    """Note when a break began; one that is still open ends then."""

    def begin() -> BreakTaken:
        return breaks.start_break(
            session, technician_id=_whose(reported), at=reported.at.moment, op_id=reported.op_id
        )

    return _told(session, reported, begin)


def end_break(session: Session, reported: Reported) -> Applied:
    """Note when the open break ended; without one nothing changes."""

    def end() -> BreakTaken | None:
        return breaks.end_break(session, technician_id=_whose(reported), at=reported.at.moment)

    return _told(session, reported, end)


def _told(session: Session, reported: Reported, act: Callable[[], BreakTaken | None]) -> Applied:
    """Keep the word; a verified visit whose work it shortens or lengthens is looked at before billing."""
    Payload(reported.payload, frozenset())
    visits = _verified(session, reported)
    before = rested(session, visits)
    row = act()
    if row is None:
        return Applied(effect={"unchanged": True})
    after = rested(session, visits)
    late = [
        conflicts.keep_late(session, reported, visit)
        for visit in visits
        if before.get(visit.id, NEVER).working != after.get(visit.id, NEVER).working
        and _is_certain(row, visit)
    ]
    return Applied(late[0].id if late else None, {"break_id": str(row.id)})


def touched_by(session: Session, technician_id: uuid.UUID, moments: Collection[datetime]) -> Select[Visit]:
    """Select a technician's verified visits that breaks with a start or end at these moments may touch."""
    first, last = min(moments), max(moments)
    began = breaks.open_since(session, technician_id=technician_id, at=last) or first
    return select(Visit).where(
        Visit.technician_id == technician_id,
        Visit.state.in_(LOCKED),
        Visit.started_at < last + LONGEST_BREAK,
        Visit.finished_at > min(first, began),
    )


def _verified(session: Session, reported: Reported) -> Sequence[Visit]:
    """The technician's verified visits that the break may touch, held; in a push they are already."""
    touched = touched_by(session, _whose(reported), [reported.at.moment])
    hold_visits(session, [visit.id for visit in session.scalars(touched)])
    fresh = {"populate_existing": True}
    return session.scalars(touched.order_by(Visit.id), execution_options=fresh).all()


def _is_certain(row: BreakTaken, visit: Visit) -> bool:
    """A break whose end may still come counts two hours; what is sure is that it began."""
    return row.ended_at is not None or _is_within(row.started_at, visit)


def _is_within(moment: datetime, visit: Visit) -> bool:
    return (
        visit.started_at is not None
        and visit.finished_at is not None
        and visit.started_at <= moment < visit.finished_at
    )


def _whose(reported: Reported) -> uuid.UUID:
    return reported.by.technician_id or uuid.UUID(int=0)
