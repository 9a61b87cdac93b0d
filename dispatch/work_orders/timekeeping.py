"""
Times of a visit beside its steps: kept by a case, confirmed, amended (reliability §2.4, §2.5).

Every word is kept, the last one counts.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import clock, db, events, outbox
from dispatch.access import audit
from dispatch.access.rules import Principal
from dispatch.work_orders.announcing import announce_onwards
from dispatch.work_orders.guards import check_recordable, outdate_reports
from dispatch.work_orders.model import Visit
from dispatch.work_orders.on_site_model import TimeChange
from dispatch.work_orders.stamping import PAUSES

CONFIRMED, AMENDED = "confirmed", "amended"
CLOCK_UNVERIFIED = "clock_unverified"
"""The case of times that a phone told by a clock nobody could verify (reliability §2.5)."""


def note_times(
    session: Session,
    *,
    by: Principal | None,
    visit: Visit,
    travelling_at: datetime | None = None,
    arrived_at: datetime | None = None,
    started_at: datetime | None = None,
    unverified: Mapping[str, str] | None = None,
) -> Visit:
    """
    Keep a technician's own times whose steps could not be taken; times that are known stay as they are.

    ``unverified``: what the phone said of those that are the server's bound.
    """
    check_recordable(session, visit, by)
    given = {"travelling_at": travelling_at, "arrived_at": arrived_at, "started_at": started_at}
    new = {name: at for name, at in given.items() if at is not None and getattr(visit, name) is None}
    for name, at in new.items():
        setattr(visit, name, clock.aware(at))
    if new:
        waiting = {name: said for name, said in (unverified or {}).items() if name in new}
        visit.unverified = visit.unverified | waiting
        outdate_reports(session, visit)
        db.flush(session)
        announce_onwards(session, visit)
    return visit


def confirm_times(session: Session, *, by: Principal | None, visit: Visit, reason: str) -> None:
    """Let what the phone said of its unverified times count, where nobody has amended them."""
    said = {
        name: value if name == PAUSES else datetime.fromisoformat(value)
        for name, value in visit.unverified.items()
    }
    if said:
        change_times(session, by=by, visit=visit, kind=CONFIRMED, values=said, reason=reason)


def change_times(
    session: Session,
    *,
    by: Principal | None,
    visit: Visit,
    kind: str,
    values: Mapping[str, datetime | int],
    reason: str,
) -> uuid.UUID:
    """Let other times count, by record; what follows from them is judged again. Return the change's id."""
    change_id, moment = db.new_id(), clock.now()
    told: dict[str, list[Any]] = {}
    for name, value in values.items():
        before = plain(getattr(visit, name))
        told[name] = [before, plain(value)]
        session.add(
            TimeChange(
                visit_id=visit.id,
                change_id=change_id,
                name=name,
                kind=kind,
                told=visit.unverified.get(name),
                before=before,
                value=plain(value),
                reason=reason,
                changed_by=by.user_id if by else None,
                changed_at=moment,
            )
        )
        setattr(visit, name, value)
    visit.unverified = {name: said for name, said in visit.unverified.items() if name not in values}
    db.flush(session)
    announce_onwards(session, visit)
    audit.record(
        session,
        action="visit_times",
        outcome=kind,
        user_id=by.user_id if by else None,
        subject=visit.id,
        reason=reason,
        times=told,
    )
    outbox.record(session, events.VisitTimesChanged(visit_id=str(visit.id), change_id=str(change_id)))
    return change_id


def changes_of(session: Session, visit: Visit) -> Sequence[TimeChange]:
    """Return every word about a visit's times after they were told, in the order they were spoken."""
    statement = select(TimeChange).where(TimeChange.visit_id == visit.id)
    return session.scalars(statement.order_by(TimeChange.id)).all()


def plain(value: datetime | int | None) -> str | int | None:
    """Return a time as it is kept in a change: a moment as text, pauses in seconds."""
    return clock.aware(value).isoformat() if isinstance(value, datetime) else value
