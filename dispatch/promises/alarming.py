"""
A promise in danger: seen, told to the customer once, and closed by what happened (R-503, R-802).

Who looks ahead hands over what it expects; whether that is enough to tell somebody is decided here. A promise
that recovers before anybody was told is nobody's business; one that was told stays told.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from dispatch import clock, outbox, text
from dispatch.access import audit
from dispatch.access.queries import in_scope
from dispatch.access.rules import Principal
from dispatch.errors import NotFound
from dispatch.events import PromiseInDanger
from dispatch.promises import compensating
from dispatch.promises.model import Promise, PromiseAlarm
from dispatch.promises.queries import last_promise, promises_of
from dispatch.promises.rules import AlarmAcknowledged, AlarmPolicy, NothingToFollowUp, kept
from dispatch.territories.queries import zone_of
from dispatch.work_orders.lifecycle import VisitState
from dispatch.work_orders.model import Visit, VisitEvent

MORNING = timedelta(hours=7)
"""Before seven o'clock nobody is told what can be told after it."""
OVER = frozenset({VisitState.CANCELLED, VisitState.NO_ACCESS})


@dataclass(frozen=True, slots=True)
class Sight:
    """
    How one promised visit stands at a look ahead.

    expected_arrival
        None when nobody comes as the day is planned.
    is_breaking
        Whether its promise will hardly be kept.
    reason
        Why, for the customer: a word of ``messages.phrases.REASONS``, or one of the house.
    """

    visit_id: uuid.UUID
    expected_arrival: datetime | None
    is_breaking: bool
    reason: str = "delay"


def look(
    session: Session,
    territory_id: uuid.UUID,
    day: date,
    sights: Sequence[Sight],
    policy: AlarmPolicy,
    *,
    is_over: bool = False,
) -> list[PromiseAlarm]:
    """
    Note how the promises of a day stand; return the alarms of which the customer is told now.

    ``is_over`` when nobody is on duty any more: whom nobody has reached by then nobody reaches.
    """
    seen = {sight.visit_id: sight for sight in sights}
    known = {alarm.visit_id: alarm for alarm in _locked_open(session, territory_id, day)}
    breaking = {visit_id for visit_id, sight in seen.items() if sight.is_breaking}
    promises = promises_of(session, breaking | set(known))
    breaking &= set(promises)  # a window that nobody was told is nobody's promise
    zone = zone_of(session, territory_id)
    told = []
    for visit_id, alarm in known.items():
        if _is_ended(session, alarm, promises[visit_id], is_over=is_over) or visit_id not in seen:
            continue
        _follow(alarm, seen[visit_id])
    for visit_id in sorted(breaking):
        current = known.get(visit_id)
        if current is None or current.promise_id != promises[visit_id][-1].id:
            current = _raise(session, territory_id, day, promises[visit_id][-1], seen[visit_id])
        if current is not None and _is_due(current, promises[visit_id][-1], policy, zone):
            _tell(session, current)
            told.append(current)
    session.flush()
    return told


def close_past(session: Session, territory_id: uuid.UUID, before: date) -> None:
    """Close the alarms of days that nobody looks at any more: what was promised then is kept or broken."""
    statement = (
        select(PromiseAlarm)
        .where(PromiseAlarm.territory_id == territory_id, PromiseAlarm.day < before)
        .where(PromiseAlarm.ended_at.is_(None))
        .order_by(PromiseAlarm.seen_at, PromiseAlarm.id)
    )
    open_ = session.scalars(statement.with_for_update()).all()
    promises = promises_of(session, {alarm.visit_id for alarm in open_})
    for alarm in open_:
        _is_ended(session, alarm, promises[alarm.visit_id], is_over=True)
    session.flush()


def _locked_open(session: Session, territory_id: uuid.UUID, day: date) -> Sequence[PromiseAlarm]:
    """Lock and return the alarms of a day whose end is not known yet, the oldest first."""
    open_ = _of_day(territory_id, day).where(PromiseAlarm.ended_at.is_(None))
    return session.scalars(open_.with_for_update()).all()


def alarms_of(session: Session, territory_id: uuid.UUID, day: date) -> Sequence[PromiseAlarm]:
    """Return all alarms of a day, the oldest first."""
    return session.scalars(_of_day(territory_id, day)).all()


def _of_day(territory_id: uuid.UUID, day: date) -> Select[PromiseAlarm]:
    return (
        select(PromiseAlarm)
        .where(PromiseAlarm.territory_id == territory_id, PromiseAlarm.day == day)
        .order_by(PromiseAlarm.seen_at, PromiseAlarm.id)
    )


def reason_seen(session: Session, visit_id: uuid.UUID) -> str | None:
    """Return why a visit's newest promise is in danger by now; None when it is not."""
    promise = last_promise(session, visit_id)
    if promise is None:
        return None
    statement = select(PromiseAlarm.reason).where(
        PromiseAlarm.promise_id == promise.id,
        PromiseAlarm.ended_at.is_(None),
        PromiseAlarm.recovered_at.is_(None),
    )
    return session.scalar(statement)


def find_alarm(session: Session, principal: Principal, alarm_id: uuid.UUID) -> PromiseAlarm:
    """Return an alarm within the person's territories."""
    statement = select(PromiseAlarm).where(
        PromiseAlarm.id == alarm_id, in_scope(principal, PromiseAlarm.territory_id)
    )
    found = session.scalars(statement).one_or_none()
    if found is None:
        raise NotFound("there is no such alarm")
    return found


def acknowledge(session: Session, *, by: Principal, alarm: PromiseAlarm) -> PromiseAlarm:
    """Note who has taken an alarm in hand; once."""
    session.refresh(alarm, with_for_update=True)
    if alarm.acknowledged_at is not None:
        raise AlarmAcknowledged("somebody has taken it in hand", by=str(alarm.acknowledged_by))
    alarm.acknowledged_at, alarm.acknowledged_by = clock.now(), by.user_id
    session.flush()
    return alarm


def unattended(session: Session, territory_id: uuid.UUID) -> Sequence[PromiseAlarm]:
    """Return the alarms that were told, go on, and nobody has taken in hand, the oldest first."""
    statement = (
        select(PromiseAlarm)
        .where(PromiseAlarm.territory_id == territory_id, PromiseAlarm.told_at.is_not(None))
        .where(PromiseAlarm.ended_at.is_(None), PromiseAlarm.recovered_at.is_(None))
        .where(PromiseAlarm.acknowledged_at.is_(None))
        .order_by(PromiseAlarm.told_at, PromiseAlarm.id)
    )
    return session.scalars(statement).all()


def follow_ups(session: Session, territory_id: uuid.UUID) -> Sequence[PromiseAlarm]:
    """Return the broken promises after which nobody has asked the customer yet, the oldest first (R-802)."""
    statement = (
        select(PromiseAlarm)
        .where(PromiseAlarm.territory_id == territory_id, PromiseAlarm.outcome == "broken")
        .where(PromiseAlarm.followed_up_at.is_(None))
        .order_by(PromiseAlarm.ended_at, PromiseAlarm.id)
    )
    return session.scalars(statement).all()


def follow_up(session: Session, *, by: Principal, alarm: PromiseAlarm, note: str) -> PromiseAlarm:
    """Note what the customer said after a promise broke; once."""
    session.refresh(alarm, with_for_update=True)
    if alarm.outcome != "broken" or alarm.followed_up_at is not None:
        raise NothingToFollowUp("no broken promise waits for a follow-up here")
    alarm.follow_up_note = text.line(note, "note", longest=500)
    alarm.followed_up_at, alarm.followed_up_by = clock.now(), by.user_id
    session.flush()
    return alarm


def _raise(
    session: Session, territory_id: uuid.UUID, day: date, promise: Promise, sight: Sight
) -> PromiseAlarm | None:
    """Write the first sight of a danger; None when the promise had an alarm that is over."""
    if session.scalar(select(PromiseAlarm.id).where(PromiseAlarm.promise_id == promise.id)) is not None:
        return None
    alarm = PromiseAlarm(
        promise_id=promise.id,
        visit_id=promise.visit_id,
        territory_id=territory_id,
        day=day,
        reason=sight.reason,
        seen_at=clock.now(),
        expected_arrival=sight.expected_arrival,
    )
    session.add(alarm)
    session.flush()
    return alarm


def _follow(alarm: PromiseAlarm, sight: Sight) -> None:
    """Keep an alarm up with the forecast; what breaks again after a recovery begins anew."""
    if not sight.is_breaking:
        alarm.recovered_at = alarm.recovered_at or clock.now()
        return
    if alarm.recovered_at is not None and alarm.told_at is None:
        alarm.seen_at = clock.now()
    alarm.recovered_at = None
    alarm.expected_arrival, alarm.reason = sight.expected_arrival, sight.reason


def _is_due(alarm: PromiseAlarm, promise: Promise, policy: AlarmPolicy, zone: str) -> bool:
    """Whether the customer is to be told now: not before, nor of what has recovered, nor at night."""
    if alarm.told_at is not None or alarm.recovered_at is not None:
        return False
    now = clock.now()
    morning = clock.local_midnight(clock.business_day(now, zone), zone) + MORNING
    if now < morning <= promise.window_end - policy.notice:
        return False
    return now - alarm.seen_at >= policy.confirm or promise.window_end - now <= policy.notice


def judge_again(session: Session, visit: Visit) -> Sequence[PromiseAlarm]:
    """
    Judge the promises of a visit anew by the times that count now; return the alarms that end otherwise.

    What was told or given to the customer meanwhile stays, and a promise that turns out broken is followed up
    like any other (R-309, R-802).
    """
    statement = select(PromiseAlarm).where(PromiseAlarm.visit_id == visit.id).order_by(PromiseAlarm.id)
    alarms = session.scalars(statement.with_for_update()).all()
    promises = promises_of(session, {visit.id}).get(visit.id, ())
    judged = []
    for alarm in alarms:
        before, since = alarm.outcome, alarm.ended_at
        if not _is_ended(session, alarm, promises, is_over=False):
            continue
        alarm.ended_at = since or alarm.ended_at
        if alarm.outcome != before:
            judged.append(alarm)
            ends = {"before": before, "after": alarm.outcome}
            audit.record(session, action="promise_judged", outcome="done", subject=alarm.id, ends=ends)
    session.flush()
    return judged


def _is_ended(session: Session, alarm: PromiseAlarm, promises: Sequence[Promise], *, is_over: bool) -> bool:
    """
    Close an alarm whose visit was reached, called off, promised anew or left alone; whether it is closed.

    What came after the window, be it a new promise or the end of the visit, does not mend it. An arrival that
    nobody could verify keeps the promise if even the server's bound does; else it waits for a look.
    """
    visit = session.get_one(Visit, alarm.visit_id)
    [promise] = [each for each in promises if each.id == alarm.promise_id]
    later = next((each for each in promises if each.ordinal > promise.ordinal), None)
    if later is not None:
        alarm.outcome = "replaced" if later.promised_at <= promise.window_end else "broken"
    elif visit.arrived_at is not None:
        is_kept = kept(visit.arrived_at, promise.window_end)
        if not is_kept and "arrived_at" in visit.unverified:
            return False
        alarm.outcome = "kept" if is_kept else "broken"
    elif VisitState(visit.state) in OVER:
        alarm.outcome = "broken" if _ended_after(session, visit, promise) else "cancelled"
    elif is_over and promise.window_end <= clock.now():
        alarm.outcome = "broken"
    else:
        return False
    alarm.ended_at = clock.now()
    return True


def _ended_after(session: Session, visit: Visit, promise: Promise) -> bool:
    """Whether a visit that nobody has reached was called off only after its promised window, as is known."""
    statement = select(func.max(VisitEvent.occurred_at)).where(
        VisitEvent.visit_id == visit.id,
        VisitEvent.to_state == visit.state,
        VisitEvent.counts_at.is_(None),
    )
    moment = session.scalar(statement)
    return moment is not None and moment > promise.window_end


def _tell(session: Session, alarm: PromiseAlarm) -> None:
    """Have the customer told, with what the rules give for it; beyond their authority that is proposed."""
    alarm.told_at = clock.now()
    order = session.get_one(Visit, alarm.visit_id).work_order
    compensating.for_late_arrival(session, session.get_one(Promise, alarm.promise_id), order)
    outbox.record(
        session,
        PromiseInDanger(
            visit_id=str(alarm.visit_id), promise_id=str(alarm.promise_id), alarm_id=str(alarm.id)
        ),
    )
