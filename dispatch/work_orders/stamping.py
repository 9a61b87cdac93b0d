"""
The times of a visit as its steps tell them: which count, and which wait for a look (reliability §2.5).

Of a time that was told by a clock nobody can verify, what counts is the server's bound: it was not later than
that. What the phone said is kept beside it until somebody confirms or amends it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch.work_orders.guards import outdate_reports
from dispatch.work_orders.lifecycle import VisitState
from dispatch.work_orders.model import Visit, VisitEvent

S = VisitState
NAMES = {
    S.TRAVELLING: "travelling_at",
    S.ON_SITE: "arrived_at",
    S.WORKING: "started_at",
    S.DONE: "finished_at",
}
"""The time that each step tells."""
MOMENTS = tuple(NAMES.values())
"""In the order in which they pass."""
PAUSES = "paused_seconds"


@dataclass(frozen=True, slots=True)
class Happened:
    """When a step happened as it was told; ``bound`` is what counts of it if nobody can verify that."""

    told: datetime
    bound: datetime | None = None

    @property
    def counts(self) -> datetime:
        """The moment that counts."""
        return self.bound or self.told


def stamp(session: Session, visit: Visit, source: VisitState, target: VisitState, at: Happened) -> None:
    """Keep the technician's own times; a stretch that was paused or reopened is not working time."""
    if source is S.DONE or target not in {S.WORKING, S.PAUSED}:
        visit.expected_end_at = None  # what was said of one attendance says nothing of another
    if target is S.PUBLISHED:
        visit.travelling_at = visit.arrived_at = visit.started_at = None
        visit.paused_seconds, visit.unverified = 0, {}
        outdate_reports(session, visit)
        return
    if at.bound is None:
        _tighten(visit, at.told)
    if source is S.PAUSED and target in {S.WORKING, S.DONE}:
        _rest(visit, _paused_since(session, visit), at)
    if source is S.DONE and target is S.WORKING:
        _rest(visit, _finished(visit), at)
        visit.finished_at = None
        _wait(visit, "finished_at", None)
    elif target in NAMES and not (target is S.WORKING and visit.started_at is not None):
        setattr(visit, NAMES[target], at.counts)
        _wait(visit, NAMES[target], at.told if at.bound is not None else None)


def _wait(visit: Visit, name: str, told: datetime | None) -> None:
    """Note that a time waits for somebody to look, or that it does not any more."""
    rest = {other: said for other, said in visit.unverified.items() if other != name}
    visit.unverified = rest | ({name: told.isoformat()} if told is not None else {})


def _tighten(visit: Visit, verified: datetime) -> None:
    """What was done before a verified step was over by then, whatever the clock said and whenever it came."""
    for name in visit.unverified:
        if name in MOMENTS and getattr(visit, name) > verified:
            setattr(visit, name, verified)


def _rest(visit: Visit, since: Happened | None, until: Happened) -> None:
    """Add a stretch in which nobody worked, and what the phone says of it if that is not verified."""
    if since is None:
        return
    said = visit.unverified.get(PAUSES, visit.paused_seconds) + _seconds(since.told, until.told)
    visit.paused_seconds += _seconds(since.counts, until.counts)
    if since.bound is not None or until.bound is not None or PAUSES in visit.unverified:
        visit.unverified = {**visit.unverified, PAUSES: said}


def _seconds(start: datetime, end: datetime) -> int:
    return max(0, int((end - start).total_seconds()))


def _finished(visit: Visit) -> Happened | None:
    if visit.finished_at is None:
        return None
    told = visit.unverified.get("finished_at")
    if told is None:
        return Happened(visit.finished_at)
    return Happened(datetime.fromisoformat(told), visit.finished_at)


def _paused_since(session: Session, visit: Visit) -> Happened | None:
    statement = select(VisitEvent.occurred_at, VisitEvent.counts_at).where(
        VisitEvent.visit_id == visit.id, VisitEvent.to_state == S.PAUSED.value
    )
    row = session.execute(statement.order_by(VisitEvent.id.desc()).limit(1)).first()
    return Happened(row.occurred_at, row.counts_at) if row is not None else None
