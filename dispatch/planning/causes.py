"""What a scenario assumes about visits that its plan treats otherwise: somebody is away, a road is closed."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch.customers.model import Site
from dispatch.planning.assuming import Assumptions
from dispatch.planning.model import DayPlan, PlanStop, Scenario
from dispatch.technicians.model import Technician
from dispatch.travel.detours import ClosedArea, is_crossed
from dispatch.travel.provider import Point
from dispatch.work_orders.lifecycle import NOT_SET_OUT
from dispatch.work_orders.model import Visit, WorkOrder


@dataclass(frozen=True, slots=True)
class Assumed:
    """
    Visits of a former plan that an assumption bears on.

    away
        Their technician is assumed to be off duty when they were to begin.
    cut_off
        A way that led to them, or to one before them on their route, crosses a closed area.
    """

    away: frozenset[uuid.UUID] = frozenset()
    cut_off: frozenset[uuid.UUID] = frozenset()


def assumed_of(session: Session, former: DayPlan | None, plan: DayPlan) -> Assumed:
    """Return what the scenario of a plan assumes beyond the former plan's own; nothing for a real plan."""
    given = _assumptions(session, plan)
    if former is None or given == Assumptions():
        return Assumed()
    known = _assumptions(session, former)
    closed = [area for area in given.closed_areas if area not in known.closed_areas]
    away = {stop.visit_id for stop in former.stops if _is_away(given, stop) and not _is_away(known, stop)}
    return Assumed(frozenset(away), frozenset(_cut_off(session, former.stops, closed)))


def _assumptions(session: Session, plan: DayPlan) -> Assumptions:
    if plan.state != "what_if":
        return Assumptions()
    given = session.scalars(select(Scenario.assumptions).where(Scenario.plan_id == plan.id)).first()
    return Assumptions.of(given or {})


def _is_away(given: Assumptions, stop: PlanStop) -> bool:
    """Whether a technician is assumed to be absent, or to have another shift, when a stop was to begin."""
    absences = [row for row in given.absences if row.technician_id == stop.technician_id]
    duties = [row for row in given.shifts if row.technician_id == stop.technician_id]
    is_absent = any(row.starts_at < stop.end and row.ends_at > stop.start for row in absences)
    return is_absent or any(not row.starts_at <= stop.start < row.ends_at for row in duties)


def _cut_off(
    session: Session, stops: Sequence[PlanStop], closed: Sequence[ClosedArea]
) -> Iterator[uuid.UUID]:
    """Give the stops ahead from the first closed way of each route on; what comes after it is late too."""
    if not closed:
        return
    homes, sites = _homes(session, stops), _sites(session, stops)
    last: dict[uuid.UUID, tuple[Point, bool]] = {}
    for stop in sorted(stops, key=lambda stop: (stop.technician_id, stop.position)):
        place, is_ahead = sites[stop.visit_id]
        origin, is_cut = last.get(stop.technician_id, (homes[stop.technician_id], False))
        is_cut = is_ahead and (is_cut or is_crossed(closed, origin, place))
        last[stop.technician_id] = place, is_cut
        if is_cut:
            yield stop.visit_id


def _homes(session: Session, stops: Iterable[PlanStop]) -> Mapping[uuid.UUID, Point]:
    people = {stop.technician_id for stop in stops}
    statement = select(Technician.id, Technician.home_latitude, Technician.home_longitude)
    rows = session.execute(statement.where(Technician.id.in_(people)))
    return {name: Point(latitude, longitude) for name, latitude, longitude in rows}


def _sites(session: Session, stops: Iterable[PlanStop]) -> Mapping[uuid.UUID, tuple[Point, bool]]:
    """Return where visits are, and whether nobody has set out to them yet."""
    statement = (
        select(Visit.id, Site.latitude, Site.longitude, Visit.state)
        .join(WorkOrder, WorkOrder.id == Visit.work_order_id)
        .join(Site, Site.id == WorkOrder.site_id)
        .where(Visit.id.in_([stop.visit_id for stop in stops]))
    )
    rows = session.execute(statement)
    return {
        name: (Point(latitude, longitude), state in NOT_SET_OUT) for name, latitude, longitude, state in rows
    }
