"""Whether the pieces that a proposal counts on are still there when it is published (R-511)."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch.planning.candidates import NOT_BEGUN
from dispatch.planning.days import Day, day_of
from dispatch.planning.model import DayPlan, PlanLock, PlanStop
from dispatch.planning.rules import PlanNotPublishable
from dispatch.planning.supplying import Need, carried, keep_store, with_store
from dispatch.promises import holding
from dispatch.work_orders.model import Visit

Parts = Mapping[uuid.UUID, Mapping[str, int]]


def require_pieces(session: Session, plan: DayPlan, current: DayPlan | None) -> None:
    """
    Refuse a proposal that needs pieces which another day's visits or held windows have taken since then.

    What the plan in force lacks already is no reason, nor is what a pinned visit lacks. Holds the store's
    parts until the end, so that no other day promises them meanwhile; before any visit is locked.
    """
    ids = {stop.visit_id for one in (plan, current) if one is not None for stop in one.stops}
    needing = select(Visit.id, Visit.parts).where(
        Visit.id.in_(ids), Visit.state.in_(NOT_BEGUN), Visit.parts != {}
    )
    wanted = {row.id: row.parts for row in session.execute(needing)}
    if not any(stop.visit_id in wanted for stop in plan.stops):
        return
    keep_store(session, plan.territory_id, {sku for parts in wanted.values() for sku in parts})
    day = day_of(session, plan.territory_id, plan.day)
    short = _lacking(session, day, plan.stops, wanted)
    if short:
        short -= _lacking(session, day, current.stops if current is not None else (), wanted)
    if short:
        raise PlanNotPublishable(
            f"pieces that the plan counts on are promised elsewhere since: {', '.join(sorted(short))}",
            parts=dict(sorted(short.items())),
        )


def _lacking(session: Session, day: Day, stops: Iterable[PlanStop], wanted: Parts) -> Counter[str]:
    """How many pieces of each part visits that nobody pinned have neither on the van nor in the store."""
    pinned = set(session.scalars(select(PlanLock.visit_id).where(PlanLock.visit_id.in_(wanted))))
    held = holding.open_holds(session, day.territory_id, day.day)
    needs: list[tuple[bool, datetime, str, Need]] = [
        (stop.visit_id in pinned, stop.start, str(stop.visit_id), (stop.technician_id, wanted[stop.visit_id]))
        for stop in stops
        if stop.visit_id in wanted
    ]
    needs += [(False, one.expected_start, str(one.id), (one.technician_id, one.parts)) for one in held]
    needs.sort(key=lambda need: need[:3])
    crew = {who for *_, (who, _) in needs}
    vans = with_store(
        session,
        day,
        carried(session, day, crew),
        of_day=[*wanted, *(one.id for one in held)],
        routes=[need for *_, need in needs],
        open_needs=None,
    )
    left = {who: Counter(stock) for who, stock in vans.items()}
    short: Counter[str] = Counter()
    for is_pinned, _, _, (who, parts) in needs:
        for sku, count in parts.items():
            short[sku] += 0 if is_pinned else max(0, int(count) - max(0, left[who][sku]))
            left[who][sku] -= int(count)
    return +short
