"""
What an absence, a changed shift, a delay or a moved site would put in danger, and what would mend it.

Every promise that would stand worse than now is listed with the cheapest way to keep it on the rest of the
day as it is planned, one after the other, so that two of them never count on the same gap.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch.planning import forecasting, heads, plan_rows, spreads
from dispatch.planning.assuming import Assumptions, Supposed, checked, supposed
from dispatch.planning.chances import Spread
from dispatch.planning.days import Day
from dispatch.planning.forecasting import StopForecast
from dispatch.planning.model import DayPlan, PlanStop
from dispatch.planning.rules import Danger
from dispatch.work_orders.model import Visit
from optimizer.booking import open_oracle
from optimizer.oracle import Offer
from optimizer.problem import Visit as Job
from optimizer.problem import Window

ORDER = (Danger.SAFE, Danger.AT_RISK, Danger.BREAKING)


@dataclass(frozen=True, slots=True)
class Repair:
    """
    What would mend a promise: who would come when, and what it costs the plan in minor units.

    keeps_promise
        Whether within the promised window; otherwise the customer is told another time.
    """

    technician_id: uuid.UUID
    start: datetime
    extra_minor: int
    keeps_promise: bool


@dataclass(frozen=True, slots=True)
class Endangered:
    """
    A visit that would stand worse.

    expected_arrival
        When its technician would come as the routes are; None when its technician would not come at all.
    """

    visit_id: uuid.UUID
    number: str
    technician_id: uuid.UUID
    window_end: datetime | None
    danger_now: Danger
    danger: Danger
    expected_arrival: datetime | None
    repair: Repair | None
    sentence: str


def impact(session: Session, day: Day, given: Assumptions) -> Sequence[Endangered]:
    """Return the visits that would stand worse under assumptions, by former start; nothing is written."""
    checked(session, day, given)
    current = heads.in_force(session, heads.find(session, day.territory_id, day.day))
    if current is None:
        return ()
    real = supposed(session, day, Assumptions(), only_routes=True)
    read = supposed(session, day, given, only_routes=True)
    spread = spreads.measured(session, day.territory_id)
    now, then = (_within_duty(each, current, spread) for each in (real, read))
    worse = [stop for stop in current.stops if _is_worse(now.get(stop.visit_id), then.get(stop.visit_id))]
    visits = {
        visit.id: visit
        for visit in session.scalars(select(Visit).where(Visit.id.in_([stop.visit_id for stop in worse])))
    }
    repairs = _repairs(read, current, worse)
    return [
        _row(stop, visits[stop.visit_id], now[stop.visit_id], then.get(stop.visit_id), repairs)
        for stop in sorted(worse, key=lambda stop: (stop.start, stop.visit_id))
    ]


def _within_duty(read: Supposed, plan: DayPlan, spread: Spread) -> dict[uuid.UUID, StopForecast]:
    """The stops that somebody will come to, as routes will probably go on."""
    routes = forecasting.driven_on(read.built, plan, spread, read.promised)
    return {
        stop.visit_id: stop for route in routes for stop in route.stops if stop.expected_arrival is not None
    }


def _is_worse(now: StopForecast | None, then: StopForecast | None) -> bool:
    if now is None:
        return False
    return then is None or ORDER.index(then.danger) > ORDER.index(now.danger)


TOGETHER = "it is a crew's: a new plan moves all of them together"


@dataclass(frozen=True, slots=True)
class _Answer:
    """What was found for one visit: a repair, or why there is none."""

    repair: Repair | None
    sentence: str


def _repairs(read: Supposed, plan: DayPlan, worse: Sequence[PlanStop]) -> dict[str, _Answer]:
    """Find a place for each visit on the rest of the day, the most urgent promise first."""
    crews = {name for name, visit in read.built.visits.items() if visit.crew_size > 1}
    found = {str(s.visit_id): _Answer(None, TOGETHER) for s in worse if str(s.visit_id) in crews}
    names = frozenset(str(stop.visit_id) for stop in worse) - crews
    jobs = [job for job in read.built.problem.visits if job.id in names]
    oracle = open_oracle(read.built.problem, plan_rows.to_plan(read.built, plan, without=names))
    for job in sorted(jobs, key=lambda job: (_until(job), job.id)):
        for windows in (job.windows, (Window(0, Day.LATEST),)):
            offers: list[Offer] = oracle.quote(job, windows)
            if offers:
                best = min(offers, key=lambda offer: (offer.extra_cost, offer.start))
                oracle.commit(best)
                found[job.id] = _repaired(read, job, best)
                break
        else:
            refusals = oracle.refusals(job, (Window(0, Day.LATEST),))
            found[job.id] = _Answer(None, refusals[0].sentence if refusals else "nobody is on duty")
    return found


def _until(job: Job) -> int:
    return max((window.end for window in job.windows), default=Day.LATEST)


def _repaired(read: Supposed, job: Job, offer: Offer) -> _Answer:
    window = read.promised.get(job.id)
    keeps = window is None or window.start <= offer.start <= window.end
    start = read.built.day.moment(offer.start)
    repair = Repair(uuid.UUID(offer.technician_id), start, offer.extra_cost, keeps)
    return _Answer(repair, "the promise can be kept" if keeps else "only another time is left")


def _row(
    stop: PlanStop,
    visit: Visit,
    now: StopForecast,
    then: StopForecast | None,
    answers: Mapping[str, _Answer],
) -> Endangered:
    answer = answers.get(str(stop.visit_id)) or _Answer(None, "it is not of the day as assumed")
    return Endangered(
        visit_id=stop.visit_id,
        number=visit.number,
        technician_id=stop.technician_id,
        window_end=visit.window_end,
        danger_now=now.danger,
        danger=then.danger if then is not None else Danger.BREAKING,
        expected_arrival=then.expected_arrival if then is not None else None,
        repair=answer.repair,
        sentence=answer.sentence,
    )
