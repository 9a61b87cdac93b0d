"""
Why a visit is where a plan has it, or on no route: who could go at what price, who cannot and by which rule,
and which rules to loosen. Answered by the engine on the day as it stands now.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import travel
from dispatch.errors import NotFound
from dispatch.planning import heads, plan_rows, problem
from dispatch.planning.assuming import Assumptions, imaginary, supposed
from dispatch.planning.crews import require_plannable
from dispatch.planning.days import Day, day_of
from dispatch.planning.model import DayPlan, PlanStop, Scenario
from dispatch.planning.problem import Built
from dispatch.planning.rules import VisitNotPlannable
from dispatch.work_orders.model import Visit
from optimizer.alternatives import Choice as Able
from optimizer.alternatives import choices
from optimizer.loosening import Relaxation as Looser
from optimizer.loosening import relaxations
from optimizer.plan import Plan


@dataclass(frozen=True, slots=True)
class Choice:
    """
    A technician who could go; money in minor units.

    extra_minor
        What the plan costs more than without the visit.
    more_than_best_minor
        What it costs more than with the cheapest technician.
    by_term
        The extra cost by term; empty beyond the cheapest three.
    is_planned
        Whether the plan sends this one.
    """

    technician_id: uuid.UUID
    start: datetime
    extra_minor: int
    more_than_best_minor: int
    by_term: Mapping[str, int]
    is_planned: bool


@dataclass(frozen=True, slots=True)
class Obstacle:
    """A technician who cannot go, the rule, and the rule in words."""

    technician_id: uuid.UUID
    code: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Relaxation:
    """
    Rules that, loosened, would let the visit in, or save: what to decide, who would go, and the price.

    needed_minutes
        For time: how many minutes at least.
    saved_minor
        What the plan costs less than with the cheapest technician; None where nobody can go.
    """

    rule: str
    action: str
    technician_id: uuid.UUID
    extra_minor: int
    needed_minutes: int | None
    saved_minor: int | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """A visit in a plan; ``day_version`` is the day's when the engine was asked."""

    plan_id: uuid.UUID
    visit_id: uuid.UUID
    number: str
    day_version: int
    technician_id: uuid.UUID | None
    choices: Sequence[Choice]
    obstacles: Sequence[Obstacle]
    relaxations: Sequence[Relaxation]


def explanation(session: Session, plan: DayPlan, visit: Visit) -> Explanation:
    """
    Explain a visit in a plan of its territory; where somebody can go, relaxations are those that save.

    A visit of a scenario's plan is explained on the day as it would be, what is only assumed included.

    Raises ``VisitNotPlannable`` for one that has begun, is over, or waits for something.
    """
    require_plannable(visit)
    if visit.work_order.territory_id != plan.territory_id:
        raise NotFound("the plan is of another territory")
    day = day_of(session, plan.territory_id, plan.day)
    if plan.state == "what_if":
        built, timed = _supposed(session, day, plan, visit)
    else:
        built = problem.build(
            session,
            day,
            travel.times(),
            plan=plan,
            extra=[visit.id],
            only_routes=True,
            as_teams=visit.crew_size > 1,
        )
        timed = plan_rows.to_plan(built, plan)
    if built.problem.visit(str(visit.id)) is None:
        raise VisitNotPlannable(f"visit {visit.number} waits for {visit.work_order.waiting_reason}")
    able, refused = choices(built.problem, timed, str(visit.id))
    loose = relaxations(built.problem, timed, str(visit.id))
    head = heads.find(session, plan.territory_id, plan.day)
    planned = {stop.visit_id: stop.technician_id for stop in plan.stops}.get(visit.id)
    return Explanation(
        plan.id,
        visit.id,
        visit.number,
        head.version if head else 0,
        planned,
        [_choice(day, one, able[0], planned) for one in able],
        [Obstacle(uuid.UUID(one.technician_id), one.code, one.sentence) for one in refused],
        [_relaxation(one) for one in loose],
    )


def _supposed(session: Session, day: Day, plan: DayPlan, visit: Visit) -> tuple[Built, Plan]:
    """The day as a scenario assumes it, and the scenario's plan on it."""
    scenario = session.scalars(select(Scenario).where(Scenario.plan_id == plan.id)).one_or_none()
    if scenario is None:
        raise NotFound("the plan's scenario is gone")
    read = supposed(
        session,
        day,
        Assumptions.of(scenario.assumptions),
        seed=scenario.seed,
        only_routes=True,
        plan=_with_imagined(plan, scenario),
        extra=[visit.id],
    )
    return read.built, read.start


def _with_imagined(plan: DayPlan, scenario: Scenario) -> DayPlan:
    """Put emergencies that were only assumed back on the routes: they took their time and have no row."""
    stops = [(stop.technician_id, stop.start, stop.end, stop.visit_id) for stop in plan.stops]
    for number, row in enumerate(scenario.outcome.get("emergencies", ()), start=1):
        if row["technician_id"] is not None:
            start = datetime.fromisoformat(row["start"])
            stops.append((uuid.UUID(row["technician_id"]), start, start, imaginary(number)))
    told = {stop.visit_id: stop for stop in plan.stops}
    return DayPlan(
        territory_id=plan.territory_id,
        day=plan.day,
        state=plan.state,
        stops=[
            PlanStop(
                visit_id=visit_id,
                technician_id=who,
                position=position,
                arrival=told[visit_id].arrival if visit_id in told else start,
                start=start,
                end=end,
                travel_seconds=told[visit_id].travel_seconds if visit_id in told else 0,
                travel_metres=told[visit_id].travel_metres if visit_id in told else 0,
            )
            for position, (who, start, end, visit_id) in enumerate(sorted(stops))
        ],
    )


def _choice(day: Day, found: Able, best: Able, planned: uuid.UUID | None) -> Choice:
    technician_id = uuid.UUID(found.technician_id)
    return Choice(
        technician_id,
        day.moment(found.start),
        found.extra_cost,
        found.extra_cost - best.extra_cost,
        dict(found.by_term),
        technician_id == planned,
    )


def _relaxation(found: Looser) -> Relaxation:
    minutes = None if found.needed is None else -(-found.needed // 60)
    who = uuid.UUID(found.technician_id)
    return Relaxation(found.rule, found.action, who, found.extra_cost, minutes, found.saved)
