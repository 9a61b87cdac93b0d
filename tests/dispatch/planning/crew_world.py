"""Crews in a town, for the tests of planning."""

from __future__ import annotations

from dispatch.planning.commands import book
from dispatch.planning.model import DayPlan
from dispatch.work_orders import crews
from dispatch.work_orders.model import Visit
from tests import builders as b
from tests.builders import at
from tests.planning_world import Town

DESK = b.a_principal()


def a_crew(town: Town, size: int = 2, **fields: object) -> Visit:
    """The visit of a crew's leader, with its members."""
    leader = town.visit(crew_size=size, **fields)
    crews.man(town.session, leader)
    return leader


def meeting(town: Town, leader: Visit, plan: DayPlan | None = None) -> dict[object, object]:
    """Technicians of a crew as planned, each with the start."""
    plan = plan or town.in_force()
    assert plan is not None
    ids = {one.id for one in leader.crew}
    return {stop.technician_id: stop.start for stop in plan.stops if stop.visit_id in ids}


def booked(town: Town, leader: Visit, start: float, end: float) -> None:
    book(town.session, by=None, visit=leader, start=at(start), end=at(end), channel="phone")
