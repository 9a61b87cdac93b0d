"""From the database to the optimiser's day: the only place where moments become integers."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import clock
from dispatch.contracts.house_rules import rules_of_contracts
from dispatch.customers.model import Site
from dispatch.planning import crews, nights
from dispatch.planning.begun import Begun
from dispatch.planning.candidates import ANNOUNCED, BEGUN, NOT_BEGUN, Facts, candidates
from dispatch.planning.days import Day
from dispatch.planning.dealing import demands
from dispatch.planning.model import PlanLock, PlanStop, Routes
from dispatch.planning.places import Places
from dispatch.planning.quiet_times import windows_outside_peaks
from dispatch.planning.shares import worked
from dispatch.planning.supplying import Need, Vans, carried, with_store
from dispatch.planning.wanting import held_jobs
from dispatch.promises import holding
from dispatch.promises.model import SlotHold
from dispatch.promises.queries import kept_reservations
from dispatch.technicians import queries as technicians
from dispatch.technicians.queries import AtWork, OnDuty
from dispatch.territories.model import Territory
from dispatch.travel import TravelTimes
from dispatch.work_orders.model import Visit
from dispatch.work_orders.rules import one_step_up
from optimizer.concessions import Concession, conceded
from optimizer.policy import Policy, policy
from optimizer.problem import Break, Certificate, Lock, Problem, Technician, Window
from optimizer.problem import Visit as Job

BEFORE_DUTY = timedelta(hours=3)
"""A visit begun so long before or after a duty still belongs to it."""


@dataclass(frozen=True, slots=True)
class Built:
    """A problem with what is needed to read its plan back."""

    day: Day
    problem: Problem
    visits: Mapping[str, Visit]
    begun: frozenset[str]
    """Ids of visits already under way or finished: facts of the plan."""
    places: Places
    """Points and minutes behind the problem's locations."""
    at_work: Mapping[uuid.UUID, AtWork]
    """When everybody with a shift may begin work, absent or not."""
    coming: Mapping[str, int] = field(default_factory=dict)
    """Seconds at which whoever is on the way to a begun visit will be there."""
    holds: frozenset[str] = frozenset()
    """Ids of windows kept for callers: they take room like visits and are never stored in a plan."""
    told: Mapping[str, Window | None] = field(default_factory=dict)
    """Windows of crews' visits as customers were told them; None for who goes along."""
    concessions: tuple[Concession, ...] = ()
    """What rules have conceded to locks in the problem."""

    def with_decisions(self, problem: Problem) -> Built:
        """Return the day as another problem, in which locks are kept as far as anybody could."""
        problem, more = conceded(problem)
        return replace(self, problem=problem, concessions=(*self.concessions, *more))


def build(
    session: Session,
    day: Day,
    travel: TravelTimes,
    *,
    plan: Routes | None = None,
    extra: Iterable[uuid.UUID] = (),
    relaxed: frozenset[str] = frozenset(),
    only_routes: bool = False,
    without_hold: uuid.UUID | None = None,
    as_teams: bool = False,
    asking: uuid.UUID | None = None,
    of: uuid.UUID | None = None,
    coming: Mapping[uuid.UUID, datetime] | None = None,
) -> Built:
    """
    Gather one day into an optimiser problem.

    ``plan`` is the plan in force (its technicians are the previous ones), ``extra`` names visits to include
    whatever their promise, ``relaxed`` those whose promised window may be missed, as it cannot be kept. With
    ``only_routes`` what is on no route of the plan is left out. Windows held for callers are visits like
    others, but for ``without_hold``. Where routes are kept, crews meet as they are planned to, unless asked
    for ``as_teams``. What ``asking`` has elsewhere is there for it. With ``of`` nobody else is on duty. Those
    ``coming`` to a visit are there at a moment, for a forecast; a plan takes them as it had them.
    """
    now = max(0, day.seconds(clock.now()))
    rostered = technicians.rostered(session, day.territory_id, day.day, only=of)
    crew, present = rostered.on_duty(), rostered.at_work()
    duties = {member.technician.id: member for member in crew}
    found = candidates(session, day, plan, extra, only_routes=only_routes, of=of)
    going = Begun(day, now, coming or {})
    rows = [row for row in found if row[0].state in NOT_BEGUN or _is_of_duty(row[0], duties, Begun(day, now))]
    held, held_at = _held(session, day, without_hold) if crew and of is None else ((), {})
    places = Places(crew, [*(row[2] for row in rows), *held_at.values()])
    pins = _pins(session, [row[0].id for row in rows if row[0].state in NOT_BEGUN])
    jobs = [_job(going, row, places, relaxed, pins.get(row[0].id), set(duties)) for row in rows]
    if not only_routes:
        jobs = _of_new_plan(session, day, rows, jobs, now)
    jobs = crews.tied(rows, jobs, duties, day, priced=not only_routes)
    held_by = [held_jobs(hold, held_at[hold.site_id], day, places, tied=not only_routes) for hold in held]
    jobs += [job for seats in held_by for job in seats]
    begun = {str(row[0].id): row[0] for row in rows if row[0].state in BEGUN}
    stock: Vans = {}
    if of is None or any(job.parts for job in jobs):
        named = [*(r[0].id for r in rows), *(h.id for h in held), *filter(None, [without_hold, asking])]
        vans = carried(session, day, set(duties), without=asking)
        needs = None if only_routes else demands(day, crew, jobs, pins)
        on_routes = _on_routes(plan, rows, held)
        stock = with_store(session, day, vans, of_day=named, routes=on_routes, open_needs=needs)
    prices = policy(session.get_one(Territory, day.territory_id).planning_policy)
    fleet = _vehicles(session, day, crew, places, stock, now, prices)
    locks = (*going.facts(begun.values()), *_locks(day, pins.values(), set(duties), now))
    problem = Problem(day.day, fleet, tuple(jobs), places.matrix(travel), locks, prices, zone=day.timezone)
    problem, against = conceded(problem)
    told = crews.told(problem, rows)
    if only_routes and not as_teams:
        problem = crews.kept_together(problem, plan, day)
    holds = frozenset(job.id for seats in held_by for job in seats)
    visits = {str(row[0].id): row[0] for row in rows}
    return Built(day, problem, visits, frozenset(begun), places, present, going.coming, holds, told, against)


def _held(
    session: Session, day: Day, without: uuid.UUID | None
) -> tuple[Sequence[SlotHold], dict[uuid.UUID, Site]]:
    """Return held windows and their places."""
    held = holding.open_holds(session, day.territory_id, day.day, without=without)
    wanted = {hold.site_id for hold in held}
    sites = session.scalars(select(Site).where(Site.id.in_(wanted)).order_by(Site.id)) if wanted else ()
    return held, {site.id: site for site in sites}


def asked_job(built: Built, row: Facts, places: Places) -> Job:
    """Return a visit that is asked about as it would be on this day, at one of these places."""
    now = max(0, built.day.seconds(clock.now()))
    return _job(Begun(built.day, now), row, places, frozenset(), None, set())


def _is_of_duty(visit: Visit, duties: Mapping[uuid.UUID, OnDuty], under_way: Begun) -> bool:
    """Tell whether a begun visit is part of the duty that its technician has on this day."""
    duty = duties.get(visit.technician_id) if visit.technician_id else None
    if duty is None:
        return False
    begun = under_way.day.moment(under_way.at(visit))
    return duty.starts_at - BEFORE_DUTY <= begun < duty.ends_at + nights.AFTER_DUTY


def _job(  # noqa: PLR0917 - the day, then the visit, then what was decided about it
    begun: Begun,
    row: Facts,
    places: Places,
    relaxed: frozenset[str],
    pin: PlanLock | None,
    present: set[uuid.UUID],
) -> Job:
    visit, order, site = row
    day, is_begun = begun.day, visit.state in BEGUN
    required = visit.required_technician_id
    if pin is not None and pin.technician_id is not None and pin.technician_id not in present:
        required = pin.technician_id  # off duty: nobody may go, and the plan says why
    return Job(
        id=str(visit.id),
        location=places.sites[site.id],
        duration=begun.duration(visit) if is_begun else visit.duration_minutes * 60,
        windows=() if is_begun else _windows(day, visit, begun.now, str(visit.id) in relaxed),
        skills={} if is_begun else {code: int(level) for code, level in visit.skills.items()},
        certificates=frozenset() if is_begun else frozenset(visit.certificates),
        parts={} if is_begun else {sku: int(count) for sku, count in visit.parts.items()},
        territory=str(day.territory_id),
        priority=order.priority,
        optional=visit.window_start is None,
        excluded_technicians=frozenset(str(item) for item in order.excluded_technicians),
        required_technician=str(required) if required else None,
        previous_technician=str(visit.technician_id) if visit.state in ANNOUNCED else None,
    )


def _with_priority(session: Session, rows: Sequence[Facts]) -> frozenset[uuid.UUID]:
    """R-306: return the visits planned above their priority: kept reservations, where the rules say so."""
    reserved = kept_reservations(session, [row[0].id for row in rows])
    contracts = {row[1].contract_id for row in rows if row[0].id in reserved}
    rules = rules_of_contracts(session, contracts)
    return frozenset(
        visit.id
        for visit, order, _ in rows
        if visit.id in reserved and rules[order.contract_id].reservation_priority
    )


def _of_new_plan(
    session: Session, day: Day, rows: Sequence[Facts], jobs: Sequence[Job], now: int
) -> list[Job]:
    """Return the visits with what a new plan minds beyond rules: delays, moves, customers' peak hours."""
    reserved = _with_priority(session, rows)
    quiet = windows_outside_peaks(session, day, rows, now)
    return [
        replace(_with_clocks(day, row, job, reserved), windows=quiet.get(row[0].id, job.windows))
        for row, job in zip(rows, jobs, strict=True)
    ]


def _with_clocks(day: Day, row: Facts, job: Job, reserved: frozenset[uuid.UUID]) -> Job:
    """
    Return a visit with what people were told, reserved and agreed on by contract, as prices of a new plan.

    Quotes leave them out: they compare places in routes that are kept as they are.
    """
    visit, order, _ = row
    if visit.state in BEGUN:
        return job
    if visit.leader_id is not None:  # what the customer hears of is the leader's
        return replace(
            job, priority=one_step_up(order.priority) if visit.leader_id in reserved else job.priority
        )
    told = visit.planned_start if visit.state in ANNOUNCED else None
    response = order.response_due_at if visit.attempt == 1 else None
    return replace(
        job,
        priority=one_step_up(order.priority) if visit.id in reserved else job.priority,
        announced=max(0, day.seconds(told)) if told is not None else None,
        respond_by=_limit(day, response),
        resolve_by=_limit(day, order.resolution_due_at),
    )


def _limit(day: Day, due: datetime | None) -> int | None:
    """A contract's limit in the day's seconds; one on another day does not bear on this one."""
    seconds = None if due is None else day.seconds(due)
    return seconds if seconds is not None and 0 <= seconds < Day.LATEST else None


def _windows(day: Day, visit: Visit, now: int, is_relaxed: bool) -> tuple[Window, ...]:
    if visit.window_start is None or visit.window_end is None:
        return (Window(now, Day.LATEST),)
    start, end = day.seconds(visit.window_start), day.seconds(visit.window_end)
    if is_relaxed or end < now:
        return (Window(max(start, now), Day.LATEST),)
    return (Window(start, end),)


def _on_routes(plan: Routes | None, rows: Sequence[Facts], held: Sequence[SlotHold]) -> list[Need]:
    """Who takes the parts of what is planned or held on a day already, in the order of time."""
    stops = {stop.visit_id: (stop.technician_id, stop.start) for stop in plan.stops} if plan else {}
    found = [
        (start, str(visit.id), who, visit.parts)
        for visit, _, _ in rows
        if visit.state in NOT_BEGUN and visit.parts
        for who, start in [stops.get(visit.id, (visit.technician_id, visit.planned_start))]
        if who is not None and start is not None
    ]
    found += [(hold.expected_start, str(hold.id), hold.technician_id, hold.parts) for hold in held]
    return [(who, parts) for _, _, who, parts in sorted(found, key=lambda item: item[:2])]


def _vehicles(  # noqa: PLR0917 - the day, then who works, then what they have
    session: Session,
    day: Day,
    crew: Sequence[OnDuty],
    places: Places,
    stock: Vans,
    now: int,
    prices: Policy,
) -> tuple[Technician, ...]:
    """Return everybody on duty; what they have worked before counts only where it has a price."""
    before = worked(session, day, {who.technician.id for who in crew}) if prices.fairness_cents else {}
    return tuple(_vehicle(day, who, places, stock, now, before) for who in crew)


def _vehicle(  # noqa: PLR0917 - the day, then who works, then what they have and have done
    day: Day,
    member: OnDuty,
    places: Places,
    stock: Vans,
    now: int,
    before: Mapping[uuid.UUID, int],
) -> Technician:
    person, home = member.technician, places.homes[member.technician.id]
    start, end = day.seconds(member.starts_at), day.seconds(member.ends_at)
    return Technician(
        id=str(person.id),
        name=person.name,
        start=home,
        end=home,
        shift=Window(start, end),
        overtime=person.overtime_minutes * 60,
        breaks=_breaks(day, member, now),
        skills={held.skill_code: held.level for held in person.skills},
        certificates=tuple(
            Certificate(paper.code, paper.valid_from, paper.valid_until) for paper in person.certificates
        ),
        stock=stock.get(person.id, {}),
        territories=frozenset({str(person.territory_id)}),
        earliest_departure=max(start, now),
        worked=before.get(person.id, 0),
    )


def _breaks(day: Day, member: OnDuty, now: int) -> tuple[Break, ...]:
    if not member.break_minutes or member.break_earliest is None or member.break_latest is None:
        return ()
    earliest, latest = day.seconds(member.break_earliest), day.seconds(member.break_latest)
    if now > latest:
        return ()
    return (Break(max(earliest, now), latest, member.break_minutes * 60),)


def _pins(session: Session, visit_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, PlanLock]:
    """Return dispatchers' locks by visit."""
    statement = select(PlanLock).where(PlanLock.visit_id.in_(visit_ids)).order_by(PlanLock.visit_id)
    found = session.scalars(statement.execution_options(populate_existing=True))
    return {pin.visit_id: pin for pin in found}


def _locks(day: Day, pins: Iterable[PlanLock], present: set[uuid.UUID], now: int) -> list[Lock]:
    """
    Dispatchers' locks as the optimiser's.

    A start that has passed binds nobody any more, and a technician who is off duty is named as the required
    one instead, so that the plan says why nobody comes.
    """
    locks = []
    for pin in pins:
        start = day.seconds(pin.start) if pin.start else None
        start = None if start is not None and start < now else start
        technician = str(pin.technician_id) if pin.technician_id in present else None
        if technician is not None or start is not None:
            locks.append(Lock(str(pin.visit_id), technician, start=start))
    return locks


def stops_by_route(stops: Iterable[PlanStop]) -> dict[str, list[str]]:
    """Return technician id to visit ids in order."""
    routes: dict[str, list[tuple[int, str]]] = {}
    for stop in stops:
        routes.setdefault(str(stop.technician_id), []).append((stop.position, str(stop.visit_id)))
    return {technician: [visit for _, visit in sorted(pairs)] for technician, pairs in routes.items()}
