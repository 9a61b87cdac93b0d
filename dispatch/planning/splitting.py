"""
A day beyond one process, as rows: its parts, what each part planned, and when the last one is done.

A split lives from the fan-out to the join. A newer optimisation of the same day makes it void: its parts then
finish without work, and it is never joined. The run of the join is written by the transaction that stores the
last part, under the split's row lock; so there is one join, and no part is missing in it.
"""

from __future__ import annotations

import json
import uuid
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.orm import Session

from dispatch import clock, outbox
from dispatch.planning.model import PlanSplit, PlanSplitPart
from dispatch.planning.places import matrix_between
from dispatch.planning.problem import Built
from dispatch.travel import TravelTimes
from dispatch.travel.provider import Point
from optimizer.decompose import Part, plan_of, problem_of
from optimizer.plan import Plan
from optimizer.problem import Matrix, Problem
from optimizer.wire import problem_from_json, problem_to_json

Orders = dict[str, list[str]]
"""Technician to visits in order; technicians without a route included."""
OPEN, JOINED, VOID = "open", "joined", "void"


@dataclass(frozen=True, slots=True)
class PartToPlan:
    """What one work-horse needs: the problem of a part, where to begin, for how long."""

    problem: Problem
    orders: Orders
    seed: int
    seconds: float


def void(session: Session, territory_id: uuid.UUID, day: date, *, before: uuid.UUID | None = None) -> None:
    """
    Give up the open split of a day and forget its parts; their runs find nothing left to do.

    ``before`` spares a split that was asked for by a later run.
    """
    statement = (
        update(PlanSplit)
        .where(PlanSplit.territory_id == territory_id, PlanSplit.day == day, PlanSplit.state == OPEN)
        .values(state=VOID, places=b"")
        .returning(PlanSplit.id)
        .execution_options(synchronize_session=False)
    )
    if before is not None:
        statement = statement.where(or_(PlanSplit.run_id.is_(None), PlanSplit.run_id <= before))
    for split_id in session.scalars(statement).all():
        _forget_parts(session, split_id)


def is_superseded(session: Session, territory_id: uuid.UUID, day: date, run_id: uuid.UUID) -> bool:
    """Whether a later request than this run has cut the day already."""
    later = select(PlanSplit.id).where(
        PlanSplit.territory_id == territory_id, PlanSplit.day == day, PlanSplit.run_id > run_id
    )
    return session.scalar(later.limit(1)) is not None


def split(
    session: Session,
    built: Built,
    start: Plan,
    parts: Sequence[Part],
    *,
    run_id: uuid.UUID,
    seed: int,
    seconds: float,
    reason: str,
) -> PlanSplit:
    """Write a split with its parts and a run for each of them."""
    places = [
        [point.lat, point.lon, minutes]
        for point, minutes in zip(built.places.points, built.places.minutes, strict=True)
    ]
    row = PlanSplit(
        territory_id=built.day.territory_id,
        day=built.day.day,
        run_id=run_id,
        state=OPEN,
        seed=seed,
        seconds=seconds,
        reason=reason,
        places=_packed(places),
        created_at=clock.now(),
    )
    session.add(row)
    session.flush()
    for number, part in enumerate(parts):
        own = replace(problem_of(built.problem, part), matrix=Matrix())
        content = {
            "problem": problem_to_json(own),
            "orders": orders_of(part.technicians, plan_of(start, part)),
        }
        session.add(PlanSplitPart(split_id=row.id, number=number, content=_packed(content)))
        payload = {"split_id": str(row.id), "number": str(number)}
        outbox.request(session, "planning.optimise_part", key=f"{row.id}:{number}", payload=payload)
    session.flush()
    return row


def part_to_plan(
    session: Session, split_id: uuid.UUID, number: int, travel: TravelTimes
) -> PartToPlan | None:
    """Read one part; None when its split is void, or the part is planned already."""
    found = session.get(PlanSplit, split_id)
    part = session.get(PlanSplitPart, (split_id, number))
    if found is None or found.state != OPEN or part is None or part.orders is not None:
        return None
    content, places = _unpacked(part.content), _unpacked(found.places)
    points = [Point(lat, lon) for lat, lon, _ in places]
    matrix = matrix_between(travel, points, [minutes for _, _, minutes in places])
    problem = replace(problem_from_json(content["problem"]), matrix=matrix)
    return PartToPlan(problem, content["orders"], found.seed, found.seconds)


def store_part(
    session: Session, split_id: uuid.UUID, number: int, orders: Orders, stats: Mapping[str, Any]
) -> bool:
    """Store what a part planned, and ask for the join if it was the last; False when the split is void."""
    found = locked(session, split_id)
    part = session.get(PlanSplitPart, (split_id, number))
    if found is None or found.state != OPEN or part is None:
        return False
    part.orders, part.stats = orders, dict(stats)
    session.flush()
    waiting = select(func.count()).where(PlanSplitPart.split_id == split_id, PlanSplitPart.orders.is_(None))
    if session.scalar(waiting) == 0:
        key = str(split_id)
        outbox.request(session, "planning.join_parts", key=key, payload={"split_id": str(split_id)})
    return True


def parts_planned(session: Session, split_id: uuid.UUID) -> list[Orders]:
    """What all parts planned, in their order."""
    statement = select(PlanSplitPart).where(PlanSplitPart.split_id == split_id)
    rows = session.scalars(statement.order_by(PlanSplitPart.number)).all()
    missing = [row.number for row in rows if row.orders is None]
    if missing or not rows:
        raise ValueError(f"parts {missing} of the split {split_id} are not planned")
    return [row.orders for row in rows if row.orders is not None]


def locked(session: Session, split_id: uuid.UUID) -> PlanSplit | None:
    """Return a split as it is now, locked until the transaction ends."""
    statement = select(PlanSplit).where(PlanSplit.id == split_id).with_for_update()
    return session.scalars(statement.execution_options(populate_existing=True)).one_or_none()


def join(session: Session, found: PlanSplit, plan_id: uuid.UUID) -> None:
    """Mark a split as joined to a proposal and forget its parts."""
    found.state, found.plan_id, found.places = JOINED, plan_id, b""
    _forget_parts(session, found.id)


def orders_of(technicians: Iterable[str], plan: Plan) -> Orders:
    """Orders of a plan, for all of these technicians."""
    routes = {route.technician_id: [stop.visit_id for stop in route.stops] for route in plan.routes}
    return {name: routes.get(name, []) for name in technicians}


def _forget_parts(session: Session, split_id: uuid.UUID) -> None:
    session.execute(
        delete(PlanSplitPart)
        .where(PlanSplitPart.split_id == split_id)
        .execution_options(synchronize_session=False)
    )


def _packed(content: Any) -> bytes:
    return zlib.compress(json.dumps(content, separators=(",", ":")).encode(), level=3)


def _unpacked(packed: bytes) -> Any:
    return json.loads(zlib.decompress(packed))
