"""A day as it is read for planning, and the proposal that planning leaves behind."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import Session

from dispatch import clock, travel
from dispatch.planning import heads, plan_rows, problem
from dispatch.planning.days import day_of
from dispatch.planning.model import DayPlan
from dispatch.planning.problem import Built
from dispatch.planning.rules import DayTooLarge
from dispatch.territories.model import Territory
from optimizer.engines.base import Result
from optimizer.freezing import frozen
from optimizer.plan import Plan
from optimizer.problem import Problem

FROZEN_TOLERANCE = 900
"""Seconds by which what begins soon may still move: nobody is told anew for that."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Caps of one optimisation (S9), and the size from which a day is planned in parts."""

    seconds: float = 10
    visits: int = 25_000
    technicians: int = 3_000
    part_visits: int = 5_000
    processes: int = 1

    def require(self, problem: Problem) -> None:
        """Refuse a day beyond the caps."""
        if len(problem.visits) > self.visits or len(problem.technicians) > self.technicians:
            raise DayTooLarge(
                f"{len(problem.visits)} visits and {len(problem.technicians)} technicians",
                visits_most=self.visits,
                technicians_most=self.technicians,
            )


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A day at one version: the problem, and the plan in force as the start."""

    built: Built
    start: Plan
    version: int


def read(
    session: Session, territory_id: uuid.UUID, on: date, limits: Limits, relaxed: frozenset[str]
) -> Snapshot:
    """Read a day; ``relaxed`` names visits whose promised window may be missed."""
    day = day_of(session, territory_id, on)
    head = heads.locked(session, territory_id, on)
    current = heads.in_force(session, head)
    built = problem.build(session, day, travel.times(), plan=current, relaxed=relaxed)
    limits.require(built.problem)
    start = plan_rows.to_plan(built, current)
    if current is not None and current.state == "published":
        built = _frozen(session, built, start)
    return Snapshot(built, start, head.version)


def _frozen(session: Session, built: Built, start: Plan) -> Built:
    """Hold published stops that begin soon, where the territory says so, to technician and about to time."""
    minutes = session.get_one(Territory, built.day.territory_id).freeze_minutes
    if not minutes:
        return built
    until = built.day.seconds(clock.now()) + 60 * minutes
    held = frozen(built.problem, start, until, tolerance=FROZEN_TOLERANCE)
    return built.with_decisions(held)


def is_promised(built: Built, visit_id: str) -> bool:
    """Whether a customer was told a window for a visit; a held window is no promise yet."""
    visit = built.visits.get(visit_id)
    return visit is not None and visit.window_start is not None


def propose(session: Session, snapshot: Snapshot, result: Result, *, seed: int, reason: str) -> DayPlan:
    """Store a result as a proposal on the version that it was read at."""
    return plan_rows.store(
        session,
        snapshot.built,
        result.plan,
        state="proposed",
        base_version=snapshot.version,
        reason=reason,
        seed=seed,
        engine=str(result.stats.get("engine", "")),
        cost_by_term=dict(result.cost_by_term),
        stats=dict(result.stats),
    )
