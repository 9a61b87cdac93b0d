"""
Taking a window: holding it while a call goes on, and promising it (R-303, R-309).

Either happens under the day's lock, so that two callers cannot get the same place. A promise inserts the
visit into the day's draft, writes the ledger and moves the day's version, all in one transaction.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import clock, outbox
from dispatch.access.rules import Principal, Role
from dispatch.contracts.house_rules import house_rules, rules_under
from dispatch.events import EmergencyRaised
from dispatch.planning import drafts, heads, leaving_out, nights, open_days, plan_rows, spreads
from dispatch.planning.asking import Asker, asker_for, asker_of, is_reserved
from dispatch.planning.crews import require_plannable
from dispatch.planning.days import Day, day_at
from dispatch.planning.model import PlanHead, PlanLock
from dispatch.planning.offering import (
    RESERVED,
    WindowOffer,
    likeliest,
    offers_of,
)
from dispatch.planning.questions import Question
from dispatch.planning.rules import OfferPolicy, SlotGone, check_window, new_reason
from dispatch.planning.slot_prices import Ledger
from dispatch.planning.supplying import keep_store
from dispatch.planning.wanting import Wanted
from dispatch.promises import commands as promises
from dispatch.promises import holding, naming
from dispatch.promises.model import Promise, SlotHold
from dispatch.promises.rules import HoldMismatch
from dispatch.settings import Settings
from dispatch.territories.queries import reserve_of
from dispatch.territories.rules import Reserve
from dispatch.work_orders.crews import live_crew, require_leader
from dispatch.work_orders.model import Visit
from dispatch.work_orders.rules import EMERGENCY
from optimizer.oracle import Offer as Quote
from optimizer.plan import Plan
from optimizer.problem import Window

MOST_REASONS = 5
"""So many reasons go along with a refusal."""
MAY_OVERRULE = frozenset({Role.ADMIN, Role.DISPATCHER, Role.SUPERVISOR})
"""Who may promise what is left to emergencies (R-308), or a customer's quiet times (R-307)."""


def hold(
    session: Session,
    *,
    by: Principal | None,
    wanted: Wanted,
    start: datetime,
    end: datetime,
    minutes: int,
) -> SlotHold:
    """
    Keep a window for a caller for some minutes, or refuse with fresh offers.

    Raises ``SlotGone`` when nobody can keep the window any more, other holds counted, when the day is left to
    emergencies (R-308), or in a customer's quiet times (R-307); a dispatcher may still book it. A technician
    is asked for by name for a reservation alone (R-306).
    """
    start, end, now = clock.aware(start), clock.aware(end), clock.now()
    check_window(start, end, now)
    if wanted.needs.required_technician_id is not None:
        naming.require_earned(house_rules(session, wanted.contract), start)
    asker = asker_for(session, wanted)
    days = nights.days_for(session, asker.territory_id, start)
    locked = {on.day: heads.locked(session, asker.territory_id, on.day) for on in days}
    keep_store(session, asker.territory_id, wanted.needs.parts)
    _require_no_quiet(session, asker, (start, end))
    sides = [open_days.question_of(session, on, wanted, exact=True) for on in days]
    asked, best = _best(session, asker, sides, (start, end), reserve=reserve_of(session, asker.territory_id))
    day = asked.day.built.day
    kept = SlotHold(
        territory_id=asker.territory_id,
        day=day.day,
        site_id=wanted.site.id,
        window_start=start,
        window_end=end,
        skills=dict(wanted.needs.skills),
        certificates=list(wanted.needs.certificates),
        parts=dict(wanted.needs.parts),
        excluded_technicians=list(wanted.excluded_technicians),
        required_technician_id=wanted.needs.required_technician_id,
        duration_minutes=wanted.needs.duration_minutes,
        crew_size=wanted.needs.crew_size,
        priority=wanted.priority,
        technician_id=uuid.UUID(best.technician_id),
        expected_start=day.moment(best.start),
        cost_minor=best.extra_cost,
        held_by=by.user_id if by else None,
        held_at=now,
        expires_at=now + timedelta(minutes=minutes),
    )
    session.add(kept)
    heads.touch(locked[day.day])
    session.flush()
    return kept


def _best(
    session: Session,
    asker: Asker,
    sides: Sequence[Question],
    window: tuple[datetime, datetime],
    *,
    reserve: Reserve,
) -> tuple[Question, Quote]:
    """
    Return the cheapest way to keep a window and the planning day that has it; or refuse with what is open.

    Where no route has room, the nearest ones are searched for it, all their visits kept within their windows
    (the oracle's second tier), as an offer does it. ``reserve`` is what of the day others than
    emergencies may not have.
    """
    start, end = window
    kept_free = [is_reserved(asker, asked, reserve) for asked in sides]
    found = [(asked, quotes[0]) for asked in sides if (quotes := asked.quote([_within(asked, window)]))]
    allowed = [asked for asked, is_kept in zip(sides, kept_free, strict=True) if not is_kept]
    if inserted := [pair for pair in found if pair[0] in allowed]:
        return _likeliest(session, asker, inserted)
    if found:
        percent = reserve.on(found[0][0].day.built.day.day)
        raise SlotGone(RESERVED.format(percent), fresh=_fresh(session, asker))
    for asked in allowed:
        opened = asked.reopen(_within(asked, window))
        if opened is not None:
            return asked, opened
    raise SlotGone(
        f"nobody can keep {start.isoformat()} to {end.isoformat()}",
        fresh=_fresh(session, asker),
        reasons=_reasons(allowed, window),
    )


def _require_no_quiet(session: Session, asker: Asker, window: tuple[datetime, datetime]) -> None:
    """R-307: refuse a window that is not offered for this work at this place."""
    quiet = asker.quiet
    objection = quiet.objection(*window, clock.business_day(clock.now(), quiet.zone)) if quiet else None
    if objection is not None:
        code, sentence = objection
        reasons = [{"code": code, "sentence": sentence}]
        raise SlotGone(sentence, fresh=_fresh(session, asker), reasons=reasons)


def _reasons(sides: Sequence[Question], window: tuple[datetime, datetime]) -> list[dict[str, str]]:
    """Return why technicians cannot come, the first few: a missing part or skill, or no room."""
    found = [refusal for asked in sides for refusal in asked.closed_because(_within(asked, window))]
    return [{"code": refusal.code, "sentence": refusal.sentence} for refusal in found[:MOST_REASONS]]


def _likeliest(
    session: Session, asker: Asker, inserted: Sequence[tuple[Question, Quote]]
) -> tuple[Question, Quote]:
    """Choose among planning days as an offer does; a single one takes no forecast."""
    if len(inserted) == 1:
        return inserted[0]
    policy = OfferPolicy.of(Settings.from_environment())
    spread = spreads.measured(session, asker.territory_id)
    chances = [Ledger(asked, spread, policy).judge(quote)[1] for asked, quote in inserted]
    costs = [(quote.extra_cost, chance) for (_, quote), chance in zip(inserted, chances, strict=True)]
    return inserted[likeliest(costs, policy.least_chance)]


def _within(asked: Question, window: tuple[datetime, datetime]) -> Window:
    """Return what is still open of a window, in the seconds of a planning day."""
    day, (start, end) = asked.day.built.day, window
    return Window(max(day.seconds(start), 0, day.seconds(clock.now())), day.seconds(end))


def book(
    session: Session,
    *,
    by: Principal | None,
    visit: Visit,
    start: datetime,
    end: datetime,
    channel: str,
    reason: str = "first",
    hold_id: uuid.UUID | None = None,
    named_technician_id: uuid.UUID | None = None,
    for_customer: bool = False,
) -> Promise:
    """
    Promise a window and put the visit into the day's draft plan, or refuse with fresh offers.

    ``hold_id`` uses up a window held before. ``named_technician_id`` is whom the customer asks for by name,
    as a reservation may (R-306); a window held for somebody by name is promised so. Raises ``SlotGone`` when
    no technician can keep the window any more, ``HoldOver``, ``HoldTaken`` or ``HoldMismatch`` when the hold
    is no good. Customers and call takers get nothing that is left to emergencies or disturbs a business
    (R-307, R-308), holds covering the first.
    """
    start, end = clock.aware(start), clock.aware(end)
    check_window(start, end, clock.now())
    order = visit.work_order
    days = nights.days_for(session, order.territory_id, start)
    locked = _lock_days(session, visit, days, hold_id)
    require_plannable(visit)
    kept = _used(session, by, hold_id, visit, (start, end)) if hold_id else None
    if kept is not None:
        days = [replace(days[0], day=kept.day)]
    keep_store(session, order.territory_id, visit.parts)
    named = _named(session, visit, named_technician_id, kept, start)
    asker, is_bound = asker_of(session, visit), for_customer or (by and by.role not in MAY_OVERRULE)
    reserve = _bound(session, asker, (start, end), kept, visit) if is_bound else Reserve()
    sides = [open_days.question(session, on, visit, exact=True, without_hold=hold_id) for on in days]
    asked, best = _best(session, asker, sides, (start, end), reserve=reserve)
    _draw(session, by, visit, locked[asked.day.built.day.day], asked, best)
    _loosen(session, visit, start, end)
    if kept is not None:
        kept.visit_id = visit.id
    if reason == "first":
        reason = leaving_out.reason_seen(session, visit.id) or reason
    leaving_out.settle_cases(session, by, [visit.id], "promised anew")
    promise = promises.promise(
        session,
        by=by,
        visit=visit,
        window=(start, end),
        channel=channel,
        slot_cost_minor=best.extra_cost,
        reason=new_reason(visit.window_start is not None, reason),
        named_technician_id=named,
    )
    if order.priority >= EMERGENCY and day_at(session, order.territory_id, start).is_today():
        outbox.record(session, EmergencyRaised(visit_id=str(visit.id)))
    return promise


def _named(
    session: Session, visit: Visit, asked: uuid.UUID | None, kept: SlotHold | None, start: datetime
) -> uuid.UUID | None:
    """R-306: let a visit need whom its customer asks for by name; return who is promised so, from now on."""
    wish = asked or (kept.required_technician_id if kept else None)
    if wish is None:
        return naming.named_still(session, visit)
    if kept is None or kept.required_technician_id != wish:  # else it was earned when the window was held
        naming.require_earned(rules_under(session, visit.work_order.contract_id), start)
    naming.name(session, visit, wish)
    return wish


def _draw(  # noqa: PLR0917 - who books what, and where it goes
    session: Session, by: Principal | None, visit: Visit, head: PlanHead, asked: Question, best: Quote
) -> None:
    """Draw an offer that is taken into the day's draft, and off the other days."""
    built, day = asked.day.built, asked.day.built.day
    current = heads.in_force(session, head)
    before, after = _without_holds(asked, best)
    drafts.leave_other_days(session, by=by, visit=visit, day=day)
    draft = drafts.draft_of(session, head, built, current)
    plan_rows.replace_routes(session, draft, built, before=before, after=after)
    heads.touch(head)
    for one in live_crew(visit):
        drafts.note_place(session, by, one, day, after)
    _tidy_later(session, head, day)


def _bound(
    session: Session, asker: Asker, window: tuple[datetime, datetime], kept: SlotHold | None, visit: Visit
) -> Reserve:
    """Refuse quiet times; return what of the day is left to emergencies."""
    _require_no_quiet(session, asker, window)
    return Reserve() if _covers(kept, visit) else reserve_of(session, asker.territory_id)


def _covers(kept: SlotHold | None, visit: Visit) -> bool:
    """Tell whether a hold asked for as much of the day as its visit takes now, and as urgently."""
    if kept is None or (kept.priority >= EMERGENCY > visit.work_order.priority):
        return False
    return visit.duration_minutes * len(live_crew(visit)) <= kept.duration_minutes * kept.crew_size


def _used(
    session: Session,
    by: Principal | None,
    hold_id: uuid.UUID,
    visit: Visit,
    window: tuple[datetime, datetime],
) -> SlotHold:
    """Lock the hold that a visit is about to use; it must be for this place and this window."""
    kept = holding.usable(session, hold_id, by=by, now=clock.now())
    if kept.site_id != visit.work_order.site_id:
        raise HoldMismatch("the window is held for another place")
    if (kept.window_start, kept.window_end) != window:
        held = f"{kept.window_start.isoformat()} to {kept.window_end.isoformat()}"
        raise HoldMismatch(f"the window held is {held}")
    return kept


def _without_holds(asked: Question, best: Quote) -> tuple[Plan, Plan]:
    """
    Return the day's plan as it is stored and as it is with an offer taken, without windows held for others.

    Routes that were changed to make room for a held window are stored so, and it keeps its room.
    """
    after, holds = asked.taken(best), asked.day.built.holds
    if holds:
        after = plan_rows.without_holds(asked.problem_with(best), after, holds)
    return asked.day.stored, after


def _lock_days(
    session: Session, visit: Visit, days: Sequence[Day], hold_id: uuid.UUID | None
) -> Mapping[date, PlanHead]:
    """Lock every day concerned in order of time, then the visit and those of its crew; return the heads."""
    territory_id = days[0].territory_id
    require_leader(visit)
    former = {on for one in visit.crew for on in heads.days_with(session, territory_id, one.id)}
    concerned = {*(day.day for day in days), *former}
    concerned |= set(session.scalars(select(SlotHold.day).where(SlotHold.id == hold_id)))
    locked = {on: heads.locked(session, territory_id, on) for on in sorted(concerned)}
    for one in sorted(visit.crew, key=lambda one: one.id):
        session.refresh(one, with_for_update={"of": Visit})
    return locked


def _tidy_later(session: Session, head: PlanHead, day: Day) -> None:
    """Let the day's draft be planned better once the calls of a while are through (``tidying``)."""
    wait = Settings.from_environment().tidy_after_seconds
    if not wait or head.published_plan_id is not None:
        return
    # Real time, since a simulated clock may stand still or leap: one run for the bookings of a while.
    turn, passed = divmod(datetime.now(UTC).timestamp(), wait)
    outbox.request(
        session,
        "planning.tidy_day",
        key=f"{day.territory_id}:{day.day.isoformat()}:{wait}:{turn:.0f}",
        payload={"territory_id": str(day.territory_id), "day": day.day.isoformat()},
        not_before=clock.now() + timedelta(seconds=wait - passed),
    )


def _loosen(session: Session, visit: Visit, start: datetime, end: datetime) -> None:
    """Take the start off a pin that contradicts the window the customer chose; its technician stays."""
    pin = session.scalars(select(PlanLock).where(PlanLock.visit_id == visit.id)).one_or_none()
    if pin is None or pin.start is None or start <= pin.start <= end:
        return
    if pin.technician_id is None:
        session.delete(pin)
    else:
        pin.start = None


def as_fresh(windows: Iterable[WindowOffer]) -> list[dict[str, str]]:
    """Return windows as text for a refusal."""
    return [{"start": one.start.isoformat(), "end": one.end.isoformat()} for one in windows]


def _fresh(session: Session, asker: Asker) -> Sequence[dict[str, str]]:
    """Return windows that are still open, as text for the refusal; none is searched for under the lock."""
    policy = replace(OfferPolicy.of(Settings.from_environment()), searches=0)
    return as_fresh(offers_of(session, asker, limit=5, policy=policy).windows)
