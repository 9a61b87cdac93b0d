"""A scenario through the solver: the day as it would be, planned and kept beside the real one."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from dispatch import clock, db
from dispatch.outbox import Lease
from dispatch.planning import heads
from dispatch.planning.assuming import Assumptions, Supposed, supposed
from dispatch.planning.days import day_of
from dispatch.planning.differences import between
from dispatch.planning.doubting import doubts_of
from dispatch.planning.model import DayPlan, PlanUnserved, Scenario
from dispatch.planning.plan_rows import to_stops
from dispatch.planning.snapshot import Limits
from dispatch.planning.solving import Asked, in_two_halves
from optimizer.engines.base import Result
from optimizer.plan import Plan


def plan_scenario(lease: Lease, scenario_id: uuid.UUID, limits: Limits) -> None:
    """
    Plan a scenario's day and keep the plan as a ``what_if``, which nobody can publish.

    A day beyond one search is planned in parts, one after another in this process: the seconds asked for are
    those of each part then, within what the house allows.
    """

    def again(late: frozenset[str]) -> Supposed:
        with db.transaction() as session:
            row = session.get_one(Scenario, scenario_id)
            day = day_of(session, row.territory_id, row.day)
            return supposed(session, day, Assumptions.of(row.assumptions), seed=row.seed, relaxed=late)

    with db.transaction() as session:
        row = session.get_one(Scenario, scenario_id)
        seed, seconds = row.seed, row.seconds
    first = again(frozenset())
    limits.require(first.built.problem)
    parts = -(-len(first.built.problem.visits) // limits.part_visits)
    read, result = in_two_halves(
        lease,
        first,
        _asked,
        again,
        seconds=min(seconds * max(1, parts), limits.seconds),
        seed=seed,
        whole_visits=limits.part_visits,
    )
    with lease.finishing() as session:
        row = session.get_one(Scenario, scenario_id)
        plan = _store(session, row, read, result)
        row.plan_id = plan.id
        row.outcome = _outcome(session, row, read, plan, result)
        lease.result = {"plan_id": str(plan.id), "scenario_id": str(row.id)}


def _asked(read: Supposed) -> Asked:
    return Asked(read.built.problem, read.start, read.version, frozenset(read.promised))


def _store(session: Session, row: Scenario, read: Supposed, result: Result) -> DayPlan:
    """Keep the plan; what is only assumed or held for callers takes its time and has no row."""
    unreal = read.imagined | read.built.holds
    plan = DayPlan(
        territory_id=row.territory_id,
        day=row.day,
        state="what_if",
        base_version=read.version,
        reason="what_if",
        seed=row.seed,
        engine=str(result.stats.get("engine", "")),
        cost_by_term=dict(result.cost_by_term),
        stats=dict(result.stats),
        doubts=doubts_of(session, read.built),
        created_at=clock.now(),
        created_by=row.created_by,
    )
    stops = to_stops(read.built, result.plan.routes)
    plan.stops = [stop for stop in stops if str(stop.visit_id) not in unreal]
    plan.unserved = [
        PlanUnserved(
            visit_id=uuid.UUID(left.visit_id), reason=left.reason, sentence=left.sentence, action=left.action
        )
        for left in result.plan.unserved
        if left.visit_id not in unreal
    ]
    session.add(plan)
    session.flush()
    return plan


def _outcome(
    session: Session, row: Scenario, read: Supposed, plan: DayPlan, result: Result
) -> dict[str, Any]:
    """Figures of a scenario's plan against the plan in force."""
    rows = between(
        session, heads.in_force(session, heads.find(session, row.territory_id, row.day)), plan
    ).rows
    return {
        "served": len(plan.stops),
        "left_out": len(plan.unserved),
        "promises_broken": sum(each.breaks_promise for each in rows),
        "told_anew": sum(each.is_told for each in rows),
        "technicians_changed": sum(each.is_told and each.changes_technician for each in rows),
        "cost_minor": sum(result.cost_by_term.values()),
        "overtime_minor": int(result.cost_by_term.get("overtime", 0)),
        "metres": sum(stop.travel_metres for stop in plan.stops),
        "emergencies": [_emergency(read, result.plan, name) for name in sorted(read.imagined)],
    }


def _emergency(read: Supposed, plan: Plan, name: str) -> Mapping[str, Any]:
    """What became of an emergency that was only assumed."""
    for route in plan.routes:
        for stop in route.stops:
            if stop.visit_id == name:
                start = read.built.day.moment(stop.start).isoformat()
                return {"technician_id": route.technician_id, "start": start, "reason": None}
    left = next((each for each in plan.unserved if each.visit_id == name), None)
    return {"technician_id": None, "start": None, "reason": left.sentence if left else "not planned"}
