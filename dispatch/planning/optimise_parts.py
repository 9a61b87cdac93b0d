"""
Parts of a day through the solver, each in a work-horse of its own, and their join.

Loads the solving engine like ``optimise``; the web process imports neither (contract 10).
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from time import monotonic

from dispatch import db, travel
from dispatch.crashpoints import crashpoint
from dispatch.outbox import Lease
from dispatch.planning import auto_publishing, heads, splitting
from dispatch.planning.model import PlanSplit
from dispatch.planning.snapshot import Limits, Snapshot, is_promised, propose, read
from dispatch.planning.splitting import Orders
from dispatch.planning.telling import Telling
from optimizer.check import cost
from optimizer.decompose import Part, cut
from optimizer.engines.base import DEFAULT, Budget, Result, available, engine
from optimizer.in_parts import LEAST_SECONDS, Workshop, laid, polished
from optimizer.insertion import Sequences
from optimizer.plan import Plan
from optimizer.problem import Problem
from optimizer.solve import judged
from optimizer.steps import Steps

JUDGED_TO_LAID = 1.5
"""Judging and explaining a plan takes at most so many times as long as laying it."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the split was asked for, beyond its session."""

    territory_id: uuid.UUID
    day: date
    seed: int
    seconds: float
    reason: str


def split_day(lease: Lease, snapshot: Snapshot, *, seed: int, reason: str, limits: Limits) -> None:
    """
    Cut a day into parts and ask for each to be planned; an older split of the day becomes void.

    Under the day's lock, so that of two runs at once the later request stays; the other is over then.
    """
    territory_id, day = snapshot.built.day.territory_id, snapshot.built.day.day
    problem = snapshot.built.problem
    parts = cut(problem, limits.part_visits, plan=snapshot.start)
    with lease.finishing() as session:
        heads.locked(session, territory_id, day)
        lease.cancelled = lease.is_called_off(session)
        if lease.cancelled or splitting.is_superseded(session, territory_id, day, lease.run_id):
            lease.result = {"void": True}
            return
        splitting.void(session, territory_id, day)
        row = splitting.split(
            session,
            snapshot.built,
            snapshot.start,
            parts,
            run_id=lease.run_id,
            seed=seed,
            seconds=limits.seconds,
            reason=reason,
        )
        lease.result = {"split_id": str(row.id), "parts": len(parts)}
        crashpoint("split.before_commit")


def optimise_part(lease: Lease, split_id: uuid.UUID, number: int) -> None:
    """Plan one part and store its orders."""
    with db.transaction() as session:
        part = splitting.part_to_plan(session, split_id, number, travel.times())
    if part is None:
        with lease.finishing():
            lease.result = {"void": True}
        return
    crashpoint("part.before_solve")
    lease.heartbeat(busy_seconds=part.seconds)
    telling = Telling(lease)
    result = engine(available(DEFAULT)).solve(
        part.problem,
        budget=Budget(seconds=part.seconds),
        seed=part.seed,
        start=_laid(part.problem, [part.orders]),
        on_progress=telling.hear,
        cancel=telling.is_called_off,
    )
    orders = splitting.orders_of(part.orders, result.plan)
    with lease.finishing() as session:
        stored = splitting.store_part(session, split_id, number, orders, result.stats)
        lease.result = {"unserved": len(result.plan.unserved)} if stored else {"void": True}
        lease.cancelled = not stored and lease.called_off
        crashpoint("part.before_commit")
    crashpoint("part.after_commit")


def join_parts(lease: Lease, split_id: uuid.UUID, limits: Limits) -> None:
    """
    Make one proposal of all parts: as the day stands now, with the strips along their borders planned anew.

    What changed since the fan-out is taken over: orders that no longer hold are mended, and visits that came
    since are planned with the strips. A promise that cannot be kept is planned with an open end, as in a day
    of one piece. All of it keeps to the seconds of the day: polishing gets what laying the orders, judging
    and explaining leave of them.
    """
    steps = Steps(0.0, monotonic)
    with steps.step("read"), db.transaction() as session:
        row = session.get_one(PlanSplit, split_id)
        asked = _Asked(row.territory_id, row.day, row.seed, row.seconds, row.reason)
        is_open = row.state == splitting.OPEN
        if is_open:
            orders = splitting.parts_planned(session, split_id)
            snapshot = read(session, asked.territory_id, asked.day, limits, frozenset())
    if not is_open:
        with lease.finishing():
            lease.result = {"void": True}
        return
    steps.seconds = asked.seconds
    lease.heartbeat(busy_seconds=asked.seconds)
    with steps.step("lay"):
        plan = _laid(snapshot.built.problem, orders)
    judging = JUDGED_TO_LAID * steps.spent["lay"]
    again = sum(steps.spent.values()) if _broken(snapshot, plan) else 0.0
    seconds = steps.left(keep=judging + again) / 2
    plan = _polished(snapshot, plan, orders, steps, seconds=seconds, seed=asked.seed)
    late = _broken(snapshot, plan)
    if late:
        with steps.step("read"), db.transaction() as session:
            relaxed = read(session, asked.territory_id, asked.day, limits, late)
        snapshot = relaxed if relaxed.version == snapshot.version else snapshot
        problem = snapshot.built.problem
        with steps.step("lay"):
            plan = _laid(problem, [splitting.orders_of([t.id for t in problem.technicians], plan)])
    seconds = steps.left(keep=judging)
    plan = _polished(snapshot, plan, orders, steps, seconds=seconds, seed=asked.seed + 1)
    with steps.step("judge"):
        prices = cost(snapshot.built.problem, plan)
        result = judged(snapshot.built.problem, Result(plan, prices), available(DEFAULT))
    stats: dict[str, int | float | str] = {
        "engine": available(DEFAULT),
        "parts": len(orders),
        **steps.stats(),
    }
    _store(lease, split_id, snapshot, replace(result, stats=stats), asked)


def _store(lease: Lease, split_id: uuid.UUID, snapshot: Snapshot, result: Result, asked: _Asked) -> None:
    with lease.finishing() as session:
        heads.locked(session, asked.territory_id, asked.day)  # before rows of splits, as everywhere
        row = splitting.locked(session, split_id)
        if row is None or row.state != splitting.OPEN:
            lease.result = {"void": True}
            return
        plan = propose(session, snapshot, result, seed=asked.seed, reason=asked.reason)
        splitting.join(session, row, plan.id)
        lease.result = {"plan_id": str(plan.id), "unserved": len(result.plan.unserved)}
        lease.result |= auto_publishing.consider(session, plan)
        crashpoint("join.before_commit")


def _broken(snapshot: Snapshot, plan: Plan) -> frozenset[str]:
    """Visits left out although their customers were promised a window."""
    return frozenset(left.visit_id for left in plan.unserved if is_promised(snapshot.built, left.visit_id))


def _polished(
    snapshot: Snapshot, plan: Plan, orders: list[Orders], steps: Steps, *, seconds: float, seed: int
) -> Plan:
    """The plan with the strips along the borders of its parts planned anew, if there is time."""
    if seconds < LEAST_SECONDS:
        return plan
    end = steps.now() + seconds
    shop = replace(_shop(seed), cancel=lambda: steps.now() >= end)
    parts = [Part(tuple(crew), ()) for crew in orders]
    budget = Budget(seconds=seconds)
    with steps.step("polish"):
        return polished(shop, snapshot.built.problem, plan, parts, budget=budget, turn=seed)


def _laid(problem: Problem, orders: Sequence[Orders]) -> Plan:
    """Orders by name as a plan; what is gone, or no longer possible, is left out."""
    found: Sequences = {}
    for crew in orders:
        for name, visit_ids in crew.items():
            visits = (problem.visit(visit_id) for visit_id in visit_ids)
            found[name] = tuple(visit for visit in visits if visit is not None)
    return laid(problem, found)


def _shop(seed: int) -> Workshop:
    return Workshop(engine(available(DEFAULT)), seed)
