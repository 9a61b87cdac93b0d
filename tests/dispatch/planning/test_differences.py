"""What a proposal changes for people, row by row, with reasons."""

from __future__ import annotations

from datetime import datetime, timedelta

from dispatch.planning.commands import book, publish
from dispatch.planning.differences import Cause, Change, Difference, differences
from dispatch.planning.model import DayPlan, PlanStop, PlanUnserved
from dispatch.technicians.model import Technician
from dispatch.work_orders.model import Visit
from tests.builders import DAY, an_absence, at
from tests.dispatch.conftest import MovableClock
from tests.planning_world import Town


def published(town: Town, *hours: int) -> list[Visit]:
    """Visits booked for two hours each, and the plan published."""
    town.territory.emergency_reserve_percent = 0
    found = []
    for hour in hours:
        visit = town.visit(60.2, 24.99, duration_minutes=30)
        book(town.session, by=None, visit=visit, start=at(hour), end=at(hour + 2), channel="phone")
        found.append(visit)
    plan = town.in_force()
    assert plan is not None
    publish(town.session, by=None, plan=plan, expected_version=town.head().version)
    return found


def proposal(
    town: Town, *stops: tuple[Visit, Technician, datetime], left_out: Visit | None = None
) -> DayPlan:
    """A proposal with these stops."""
    plan = DayPlan(
        territory_id=town.territory.id,
        day=DAY,
        state="proposed",
        base_version=town.head().version,
        reason="optimise",
        created_at=at(8),
        cost_by_term={"travel": 100},
    )
    for position, (visit, technician, start) in enumerate(stops):
        plan.stops.append(
            PlanStop(
                visit_id=visit.id,
                technician_id=technician.id,
                position=position,
                arrival=start,
                start=start,
                end=start + timedelta(minutes=30),
                travel_seconds=0,
                travel_metres=0,
            )
        )
    if left_out is not None:
        plan.unserved.append(
            PlanUnserved(visit_id=left_out.id, reason="SKILL", sentence="nobody holds it", action="-")
        )
    town.session.add(plan)
    town.session.flush()
    return plan


def rows(town: Town, plan: DayPlan) -> dict[object, Difference]:
    """The differences by visit."""
    return {row.visit_id: row for row in differences(town.session, plan).rows}


def start_of(visit: Visit) -> datetime:
    """When the published plan begins a visit."""
    assert visit.planned_start is not None
    return visit.planned_start


def test_only_what_somebody_would_notice_is_a_difference(town: Town) -> None:
    who = town.technician((8, 18), break_minutes=0)
    first, second = published(town, 8, 12)
    plan = proposal(
        town,
        (first, who, start_of(first) + timedelta(seconds=59)),
        (second, who, start_of(second)),
    )
    found = differences(town.session, plan)
    assert found.rows == []
    assert found.against_plan_id is not None
    assert found.cost_after == {"travel": 100}


def test_each_kind_of_change_is_named_with_who_was_told(town: Town) -> None:
    ada = town.technician((8, 18), break_minutes=0)
    ben = town.technician((8, 18), break_minutes=0)
    given, early, late, gone = published(town, 8, 10, 12, 14)
    own = {visit.id: ada if visit.technician_id == ada.id else ben for visit in (given, early, late, gone)}
    other = ben if own[given.id] is ada else ada
    fresh = town.visit(60.21, 24.98, duration_minutes=30)
    plan = proposal(
        town,
        (given, other, start_of(given)),
        (early, own[early.id], start_of(early) - timedelta(minutes=5)),
        (late, own[late.id], at(15)),
        (fresh, ada, at(16)),
        left_out=gone,
    )
    found = rows(town, plan)
    assert {name: row.change for name, row in found.items()} == {
        given.id: Change.TECHNICIAN,
        early.id: Change.EARLIER,
        late.id: Change.LATER,
        gone.id: Change.DROPPED,
        fresh.id: Change.ADDED,
    }
    assert {name for name, row in found.items() if row.is_told} == {given.id, early.id, late.id, gone.id}
    assert {name for name, row in found.items() if row.breaks_promise} == {late.id, gone.id}
    assert (found[gone.id].cause, found[gone.id].sentence) == (Cause.RULE, "nobody holds it")
    assert found[fresh.id].cause is Cause.NEW
    assert found[given.id].cause is Cause.CHEAPER


def test_absence_and_lateness_are_reasons(town: Town, now: MovableClock) -> None:
    ada = town.technician((8, 18), break_minutes=0)
    ben = town.technician((8, 18), break_minutes=0)
    first, second = published(town, 8, 12)
    mine = next(each for each in (ada, ben) if each.id == first.technician_id)
    now.set(at(9))
    found = rows(town, proposal(town, (first, mine, at(9.5)), (second, mine, start_of(second))))
    assert found[first.id].cause is Cause.LATE
    an_absence(town.session, mine)
    other = ben if mine is ada else ada
    found = rows(town, proposal(town, (first, other, at(9.5)), (second, other, start_of(second))))
    assert found[first.id].cause is Cause.OFF_DUTY


def test_the_plan_in_force_differs_from_nothing(town: Town) -> None:
    town.technician((8, 18), break_minutes=0)
    published(town, 8)
    plan = town.in_force()
    assert plan is not None
    found = differences(town.session, plan)
    assert found.against_plan_id is None
    assert [row.change for row in found.rows] == [Change.ADDED]
