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

from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.orm import Session, aliased

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
from dispatch.work_orders.model import Visit, VisitEvent, WorkOrder

MORNING = timedelta(hours=7)
"""Before seven o'clock nobody is told what can be told after it."""
OVER = frozenset({VisitState.CANCELLED, VisitState.NO_ACCESS})
UNSEEN = timedelta(hours=1)
"""What is promised anew so soon after a window may have seen no look between; later it was waiting."""
HEARD_LATE = timedelta(days=30)
"""So long may a phone be without contact and still mend what was taken for broken."""


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
    _note_broken(session, territory_id, day, zone)
    _mend(session, _of_day(territory_id, day))
    session.flush()
    return told


def close_past(session: Session, territory_id: uuid.UUID, before: date) -> None:
    """
    Close the alarms of days that nobody looks at any more: what was promised then is kept or broken.

    What a phone tells later of an arrival in time is taken into account for thirty days.
    """
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
    past = select(PromiseAlarm).where(PromiseAlarm.territory_id == territory_id, PromiseAlarm.day < before)
    _mend(session, past.where(PromiseAlarm.day >= before - HEARD_LATE))
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
    judged = _noted(session, visit, promises)
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


def _noted(session: Session, visit: Visit, promises: Sequence[Promise]) -> list[PromiseAlarm]:
    """Write down which promises of a visit turn out broken that nobody had seen in danger."""
    territory_id = visit.work_order.territory_id
    zone, found = zone_of(session, territory_id), []
    for promise in promises:
        if _outcome(session, visit, promise, promises, is_over=False) == "broken":
            day = clock.business_day(promise.window_start, zone)
            found.append(_as_broken(session, territory_id, day, promise, visit))
    return [alarm for alarm in found if alarm is not None]


def _as_broken(
    session: Session, territory_id: uuid.UUID, day: date, promise: Promise, visit: Visit
) -> PromiseAlarm | None:
    """Write down a promise as broken; None where it has an alarm. Customers know by then: nobody is told."""
    alarm = _raise(session, territory_id, day, promise, Sight(visit.id, visit.arrived_at, True))
    if alarm is not None:
        alarm.outcome, alarm.ended_at = "broken", clock.now()
    return alarm


def _is_ended(session: Session, alarm: PromiseAlarm, promises: Sequence[Promise], *, is_over: bool) -> bool:
    """Close an alarm of a visit that was reached, called off, promised anew or left alone; whether it is."""
    visit = session.get_one(Visit, alarm.visit_id)
    [promise] = [each for each in promises if each.id == alarm.promise_id]
    outcome = _outcome(session, visit, promise, promises, is_over=is_over)
    if outcome is None:
        return False
    alarm.outcome, alarm.ended_at = outcome, clock.now()
    return True


def _outcome(
    session: Session, visit: Visit, promise: Promise, promises: Sequence[Promise], *, is_over: bool
) -> str | None:
    """
    Return what became of a promise; None while it is open.

    What came after the window, be it a new promise or the end of the visit, does not mend it. Who was there
    before another window was told has kept the former one, whenever that is heard of. An arrival that nobody
    could verify keeps the promise if even the server's bound does; else it waits for a look.
    """
    later = next((each for each in promises if each.ordinal > promise.ordinal), None)
    arrived = visit.arrived_at
    is_kept = arrived is not None and kept(arrived, promise.window_end)
    if is_kept and arrived is not None and (later is None or arrived <= later.promised_at):
        return "kept"
    if later is not None:
        return "replaced" if later.promised_at <= promise.window_end else "broken"
    if arrived is not None:
        return None if "arrived_at" in visit.unverified else "broken"
    if VisitState(visit.state) in OVER:
        return "broken" if _ended_after(session, visit, promise) else "cancelled"
    return "broken" if is_over and promise.window_end <= clock.now() else None


def _mend(session: Session, alarms: Select[PromiseAlarm]) -> None:
    """Mend what ended as broken of a visit that was reached in time, as a phone tells only later."""
    statement = (
        alarms.join(Promise, Promise.id == PromiseAlarm.promise_id)
        .join(Visit, Visit.id == PromiseAlarm.visit_id)
        .where(PromiseAlarm.outcome == "broken", Visit.arrived_at <= Promise.window_end)
        .with_for_update(of=PromiseAlarm)
    )
    found = session.scalars(statement).all()
    promises = promises_of(session, {alarm.visit_id for alarm in found})
    for alarm in found:
        visit, told = session.get_one(Visit, alarm.visit_id), promises[alarm.visit_id]
        [promise] = [each for each in told if each.id == alarm.promise_id]
        alarm.outcome = _outcome(session, visit, promise, told, is_over=True)


def _note_broken(session: Session, territory_id: uuid.UUID, day: date, zone: str) -> None:
    """
    Write down what broke between two looks, so that somebody asks the customer all the same (R-802).

    Somebody came after the window, or the visit was called off or promised anew after it. Customers know that
    by then: they are told nothing. Whose order waits was told so.
    """
    start, end = clock.day_bounds(day, zone)
    later, known = aliased(Promise), select(PromiseAlarm.id).where(PromiseAlarm.promise_id == Promise.id)
    is_left = and_(Visit.arrived_at.is_(None), Visit.state.in_(OVER), WorkOrder.waiting_reason.is_(None))
    anew = and_(later.promised_at > Promise.window_end, later.promised_at <= Promise.window_end + UNSEEN)
    last = and_(later.id.is_(None), or_(Visit.arrived_at > Promise.window_end, is_left))
    statement = (
        select(Promise, Visit)
        .join(Visit, Visit.id == Promise.visit_id)
        .join(WorkOrder, WorkOrder.id == Visit.work_order_id)
        .outerjoin(later, and_(later.visit_id == Promise.visit_id, later.ordinal == Promise.ordinal + 1))
        .where(WorkOrder.territory_id == territory_id, ~known.exists())
        .where(Promise.window_start >= start, Promise.window_start < end, Promise.window_end < clock.now())
        .where(or_(anew, last))
        .order_by(Promise.promised_at, Promise.id)
    )
    found = session.execute(statement).all()
    promises = promises_of(session, {visit.id for _, visit in found})
    for promise, visit in found:
        if _outcome(session, visit, promise, promises[visit.id], is_over=False) == "broken":
            _as_broken(session, territory_id, day, promise, visit)


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
