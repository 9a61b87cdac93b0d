"""Where technicians are now, for whoever sends them; where one was, for the own eyes (R-903)."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import func, select, tuple_
from sqlalchemy.orm import Session

from dispatch import clock
from dispatch.access import audit
from dispatch.access.rules import Principal
from dispatch.contracts.house_rules import house_rules
from dispatch.locations import rules
from dispatch.locations.duty import days_of
from dispatch.locations.model import LocationNotice, LocationOff, Position
from dispatch.technicians.model import Technician
from dispatch.technicians.queries import on_duty
from dispatch.territories.queries import zone_of


@dataclass(frozen=True, slots=True)
class Standing:
    """Where somebody on duty is, or why that is not known."""

    technician_id: uuid.UUID
    state: str
    reason: str
    position: Position | None


def latest(
    session: Session, technician_ids: Iterable[uuid.UUID], since: datetime
) -> dict[uuid.UUID, Position]:
    """Return the newest position of each technician since a moment."""
    newest = (
        select(Position.technician_id, func.max(Position.at))
        .where(Position.technician_id.in_(list(technician_ids)), Position.at >= since)
        .group_by(Position.technician_id)
    )
    statement = select(Position).where(tuple_(Position.technician_id, Position.at).in_(newest))
    return {row.technician_id: row for row in session.scalars(statement)}


def fresh(session: Session, technician_ids: Iterable[uuid.UUID]) -> Mapping[uuid.UUID, Position]:
    """Return the positions that tell where technicians are now; none is guessed."""
    return latest(session, technician_ids, clock.now() - rules.FRESH)


def standings(session: Session, principal: Principal, territory_id: uuid.UUID) -> Sequence[Standing]:
    """Return where everybody on duty is at this moment, by number; the look is logged."""
    now = clock.now()
    today = clock.business_day(now, zone_of(session, territory_id))
    duties = {
        duty.technician.id: piece.start
        for day in (today - timedelta(days=1), today)
        for duty in on_duty(session, territory_id, day)
        for piece in duty.free
        if piece.start <= now < piece.end
    }
    _log(session, principal, "positions_read", territory_id)
    newest = latest(session, duties, min(duties.values(), default=now))
    days, why = days_of(session, duties.keys(), now, now), _reasons(session, duties)
    return [
        _standing(who, days[who], why.get(who, ""), newest.get(who), began, now)
        for who, began in duties.items()
    ]


def _reasons(session: Session, technician_ids: Iterable[uuid.UUID]) -> Mapping[uuid.UUID, str]:
    """Return why positions are switched off now."""
    off = select(LocationOff.technician_id, LocationOff.reason).where(
        LocationOff.technician_id.in_(list(technician_ids)), LocationOff.on_at.is_(None)
    )
    return {who: reason for who, reason in session.execute(off)}  # noqa: C416 - rows are no pairs


def _standing(  # noqa: PLR0917 - whose, and what is known of them
    technician_id: uuid.UUID,
    day: rules.Day,
    why: str,
    newest: Position | None,
    began: datetime,
    now: datetime,
) -> Standing:
    if day.off:
        return Standing(technician_id, rules.OFF, why, None)
    if day.breaks:
        return Standing(technician_id, rules.BREAK, "", None)
    if newest is None or newest.at < began:
        return Standing(technician_id, rules.UNKNOWN, "", None)
    state = rules.FRESH_STATE if newest.at >= now - rules.FRESH else rules.STALE
    return Standing(technician_id, state, "", newest)


def trail(session: Session, principal: Principal, technician: Technician, day: date) -> Sequence[Position]:
    """
    Return where a technician was on a day: for the own eyes.

    For others nothing, unless the house uses positions for the appraisal, and then from the moment on at
    which the technician was told; that look is logged.
    """
    start, end = clock.day_bounds(day, zone_of(session, technician.territory_id))
    if principal.technician_id != technician.id:
        start = max(start, _told(session, technician))
        _log(session, principal, "trail_read", technician.id)
    statement = select(Position).where(
        Position.technician_id == technician.id, Position.at >= start, Position.at < end
    )
    return session.scalars(statement.order_by(Position.at)).all()


def _told(session: Session, technician: Technician) -> datetime:
    told = select(LocationNotice.told_at).where(LocationNotice.technician_id == technician.id)
    since = session.scalars(told).one_or_none() if house_rules(session).location_appraisal else None
    if since is None:
        raise rules.TrailPrivate("this trail is the technician's alone")
    return since


def _log(session: Session, principal: Principal, action: str, subject: uuid.UUID) -> None:
    audit.record(session, action=action, outcome="ok", user_id=principal.user_id, subject=subject)
