"""
Days held open for quotes: the booking oracle of a territory's day, kept in this process while nothing moves.

Each question first asks the database for the day's fingerprint, or for those of all its days at once; an
oracle made from other rows than these is never used. What is kept is bounded, the least recently used day
goes first.
"""

from __future__ import annotations

import uuid
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from threading import Lock

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import clock, travel
from dispatch.customers.model import Site
from dispatch.planning import crews, heads, plan_rows, problem
from dispatch.planning.candidates import Facts
from dispatch.planning.days import Day
from dispatch.planning.fingerprint import fingerprints
from dispatch.planning.load import Load
from dispatch.planning.model import PlanLock
from dispatch.planning.places import Places, matrix_between
from dispatch.planning.problem import Built
from dispatch.planning.questions import MAKING_ROOM, OpenDay, Question, put
from dispatch.planning.refusing import is_free
from dispatch.planning.rules import VisitNotPlannable
from dispatch.planning.wanting import Wanted
from dispatch.work_orders.crews import live_crew
from dispatch.work_orders.model import Visit, WorkOrder
from optimizer import meeting
from optimizer.booking import Quoting, SiteTravel, open_oracle
from optimizer.plan import Plan
from optimizer.problem import Problem, Technician, Window, matrix_of
from optimizer.problem import Visit as Job
from optimizer.timing import timetable

MOST_BYTES = 256 << 20
"""Memory for open days in one process, about."""
Naming = Callable[[Day], str]
"""Names the state of a day, perhaps as it was found a moment ago."""
FRESH_SECONDS = 30
"""How long a day that has begun is quoted as it stood; its technicians move with the clock."""


class Shelf:
    """Open days by territory and day, each with the fingerprint it was opened at; threads may share it."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._lock = Lock()
        self._known: OrderedDict[tuple[uuid.UUID, date], tuple[str, int, OpenDay]] = OrderedDict()

    def find(self, day: Day, mark: str) -> OpenDay | None:
        """Return the day as it was opened at this fingerprint; None if it was not."""
        key = (day.territory_id, day.day)
        with self._lock:
            known = self._known.get(key)
            if known is None or known[0] != mark:
                return None
            self._known.move_to_end(key)
            return known[2]

    def get(self, day: Day, mark: str, open_: Callable[[], OpenDay]) -> OpenDay:
        """Return the day as it was opened at this fingerprint; open it if it was not."""
        known = self.find(day, mark)
        if known is not None:
            return known
        found = open_()
        self.put(day, mark, found)
        return found

    def put(self, day: Day, mark: str, found: OpenDay) -> None:
        """Keep a day; the least recently used ones go when there are too many."""
        size = found.oracle.nbytes
        with self._lock:
            self._known.pop((day.territory_id, day.day), None)
            self._known[day.territory_id, day.day] = mark, size, found
            while len(self._known) > 1 and self.nbytes > self._most_bytes:
                self._known.popitem(last=False)

    def holds(self, day: Day, opened: OpenDay) -> bool:
        """Tell whether this is the very state of the day that is kept."""
        with self._lock:
            known = self._known.get((day.territory_id, day.day))
            return known is not None and known[2] is opened

    @property
    def nbytes(self) -> int:
        """Memory in use, about."""
        return sum(size for _, size, _ in self._known.values())

    def __len__(self) -> int:
        """Return the number of days kept."""
        return len(self._known)

    def clear(self) -> None:
        """Forget every day."""
        with self._lock:
            self._known.clear()


SHELF = Shelf()


def question(
    session: Session,
    day: Day,
    visit: Visit,
    *,
    exact: bool = False,
    without_hold: uuid.UUID | None = None,
    mark: Naming | None = None,
) -> Question:
    """
    Put a visit to the day as the database holds it now; one that waits for something is refused.

    ``exact`` reads the day anew, since what is written must fit the rows as they are under the day's lock;
    ``without_hold`` is the held window that the visit is about to take; ``mark`` names the days of
    one who asks about several.
    """
    row = _row(session, visit.id)
    if visit.crew_size > 1:
        return _of_crew(session, day, visit, row, exact=exact, without_hold=without_hold, mark=mark)
    opened = (
        open_day(session, day, without_hold=without_hold, asking=visit.id)
        if exact or _moves_parts(visit)
        else _kept(session, day, mark)
    )
    known = opened.built.problem.visit(str(visit.id))
    if known is not None:
        return Question(opened, known, opened.built.places)
    if row is None or row[1].waiting_reason is not None:
        raise _waits(visit)
    if session.scalar(select(PlanLock.id).where(PlanLock.visit_id == visit.id)) is not None:
        opened = open_day(session, day, extra=[visit.id], without_hold=without_hold, asking=visit.id)
        pinned = opened.built.problem.visit(str(visit.id))
        if pinned is None:
            raise _waits(visit)
        return Question(opened, pinned, opened.built.places)
    places = opened.built.places.with_site(row[2])
    is_known = places is opened.built.places or not opened.built.problem.technicians
    job = problem.asked_job(opened.built, row, places)
    return Question(opened, job, places, None if is_known else _travel(places))


def question_of(
    session: Session, day: Day, wanted: Wanted, *, exact: bool = False, mark: Naming | None = None
) -> Question:
    """Put to a day what has no visit yet; ``exact`` reads the day anew, ``mark`` as for a visit."""
    opened = open_day(session, day) if exact else _kept(session, day, mark)
    places = opened.built.places.with_site(wanted.site)
    is_known = places is opened.built.places or not opened.built.problem.technicians
    return put(opened, wanted.jobs(day, places), places, None if is_known else _travel(places))


def _of_crew(
    session: Session,
    day: Day,
    visit: Visit,
    row: Facts | None,
    *,
    exact: bool,
    without_hold: uuid.UUID | None,
    mark: Naming | None,
) -> Question:
    """Put a crew to a day, as if none of it were planned there."""
    if row is None or row[1].waiting_reason is not None:
        raise _waits(visit)
    seats = live_crew(visit)
    apart = frozenset(str(seat.id) for seat in seats)
    kept = None if exact or _moves_parts(visit) else _kept(session, day, mark)
    if kept is None or any(kept.built.problem.visit(name) for name in apart):
        kept = open_day(session, day, apart=apart, without_hold=without_hold, asking=visit.id)
    places = kept.built.places.with_site(row[2])
    is_known = places is kept.built.places or not kept.built.problem.technicians
    pins = select(PlanLock.visit_id, PlanLock.technician_id).where(
        PlanLock.visit_id.in_([seat.id for seat in seats]), PlanLock.technician_id.is_not(None)
    )
    pinned = {str(pin.visit_id): str(pin.technician_id) for pin in session.execute(pins)}
    jobs = [problem.asked_job(kept.built, (seat, row[1], row[2]), places) for seat in seats]
    jobs = [replace(job, required_technician=pinned.get(job.id, job.required_technician)) for job in jobs]
    return put(kept, jobs, places, None if is_known else _travel(places))


def _waits(visit: Visit) -> VisitNotPlannable:
    return VisitNotPlannable(f"visit {visit.number} waits for {visit.work_order.waiting_reason}")


def _moves_parts(visit: Visit) -> bool:
    """Tell whether a visit has pieces on some day, which are there for it on another one."""
    return bool(visit.parts) and visit.planned_start is not None


def _kept(session: Session, day: Day, mark: Naming | None) -> OpenDay:
    """
    Return the day as it stands, opened before if nothing has moved since.

    A name from a while ago does for a day that is open; one that has to be opened is named by what it is now.
    """
    if mark is not None and (known := SHELF.find(day, mark(day))) is not None:
        return known
    return SHELF.get(day, marks(session, [day])[0], lambda: open_day(session, day))


def marks(session: Session, days: Sequence[Day]) -> list[str]:
    """Name the state of each day: its rows, the source of travel times, and the time once it has begun."""
    now, source = clock.now(), id(travel.times())
    found = zip(days, fingerprints(session, days), strict=True)
    return [f"{mark} {source} {max(0, day.seconds(now)) // FRESH_SECONDS}" for day, mark in found]


def _row(session: Session, visit_id: uuid.UUID) -> Facts | None:
    statement = (
        select(Visit, WorkOrder, Site)
        .join(WorkOrder, Visit.work_order_id == WorkOrder.id)
        .join(Site, WorkOrder.site_id == Site.id)
        .where(Visit.id == visit_id)
    )
    return session.execute(statement.execution_options(populate_existing=True)).one_or_none()


def open_day(
    session: Session,
    day: Day,
    *,
    extra: Sequence[uuid.UUID] = (),
    apart: frozenset[str] = frozenset(),
    without_hold: uuid.UUID | None = None,
    asking: uuid.UUID | None = None,
) -> OpenDay:
    """Read a day; visits that are kept apart are on its stored routes, but not on those that are asked."""
    session.flush()
    session.expire_all()  # what this session read before may be older than the rows the day is named by
    current = heads.in_force(session, heads.find(session, day.territory_id, day.day))
    built = problem.build(
        session, day, travel.times(), plan=current, extra=extra, only_routes=True, asking=asking
    )
    stored = plan_rows.to_plan(built, current)
    if apart:
        built = _without(built, apart)
    oracle = open_oracle(built.problem, plan_rows.to_plan(built, current) if apart else stored)
    _keep_held(oracle, built)
    if without_hold is not None and str(without_hold) in built.holds:
        built, oracle = _freed(oracle, built, str(without_hold))
    load = Load.of(oracle.problem, oracle.plan)
    free = is_free(oracle.problem)
    return OpenDay(replace(built, visits={}), oracle, travel.times(), load, stored, free)


def _keep_held(oracle: Quoting, built: Built) -> None:
    """
    Let what is held for callers take its room, in the order in which it was held.

    Room is searched for just as it was when the window was held, with the same effort and so the same
    answer; a hold that no longer fits is told when it is used.
    """
    for job in built.problem.visits:
        if job.id not in built.holds or crews.MEMBER in job.id:
            continue
        along = [seat for seat in built.problem.visits if seat.id.startswith(job.id + crews.MEMBER)]
        if along:
            for meet in meeting.quote(oracle, crews.asked_for([job, *along]), job.windows):
                for seat in meet.seats:
                    oracle.commit(seat)
            continue
        found = next(iter(oracle.quote(job, job.windows)), None)
        found = found or oracle.reopen(job, job.windows[0], effort=MAKING_ROOM)
        if found is not None:
            oracle.commit(found)


def has_room_for_held(built: Built, plan: Plan, before: Plan) -> bool:
    """Tell whether whatever was held on a day's routes finds its room on others as well."""
    oracle = open_oracle(built.problem, plan)
    _keep_held(oracle, built)
    found, known = (set(plan_rows.ids_on(each)) for each in (oracle.plan, before))
    return known & built.holds <= found


def _freed(oracle: Quoting, built: Built, hold: str) -> tuple[Built, Quoting]:
    """Take one held window off the routes as they are with it, so that its visit finds its place there."""
    gone = frozenset(name for name in built.holds if name.partition(crews.MEMBER)[0] == hold)
    plan = plan_rows.without_holds(oracle.problem, oracle.plan, gone)
    rest = tuple(job for job in oracle.problem.visits if job.id not in gone)
    freed = oracle.problem.changed(visits=rest)
    return replace(built, problem=freed, holds=built.holds - gone), open_oracle(freed, plan)


def _without(built: Built, apart: frozenset[str]) -> Built:
    """Return a day without visits that are asked about as if they were not there."""
    day = built.problem.with_locks(lock for lock in built.problem.locks if lock.visit_id not in apart)
    return replace(built, problem=day.changed(visits=tuple(job for job in day.visits if job.id not in apart)))


def _travel(places: Places) -> SiteTravel:
    """Ask for the ways between the last place and all others."""
    last = len(places.points) - 1
    matrix = matrix_between(travel.times(), places.points, places.minutes)
    others = np.arange(last)
    there, back = matrix.block(others, [last]), matrix.block([last], others)
    return SiteTravel(there[0].ravel(), there[1].ravel(), back[0].ravel(), back[1].ravel())


def warm() -> None:
    """Load the loops that quotes run on, and compile them if need be."""
    shift = Window(0, 9 * 3600)
    crew = (Technician("", "", 0, 0, shift),)
    visits = tuple(Job(str(n), n, 600, (shift,)) for n in range(2))
    day = Problem(date(2026, 1, 1), crew, visits, matrix_of([[60, 60], [60, 60]]))
    desk = open_oracle(day, Plan((timetable(day, crew[0], visits[:1]),)))
    for found in desk.quote(visits[1], [shift]):
        desk.commit(found)
