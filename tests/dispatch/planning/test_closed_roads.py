"""A road closed for an area: what becomes of promises in it, beyond it, and of those it does not concern."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import func, select

from dispatch import outbox
from dispatch.planning import spreads
from dispatch.planning.assuming import Assumptions
from dispatch.planning.commands import book, publish
from dispatch.planning.differences import SENTENCES, Cause, Change, differences
from dispatch.planning.impact import impact
from dispatch.planning.model import DayPlan, Scenario
from dispatch.planning.rules import Danger, PlanNotPublishable
from dispatch.planning.scenarios import compared, request_scenario, view_of
from dispatch.promises.model import Promise
from dispatch.technicians.model import Technician
from dispatch.travel.detours import ClosedArea, DetouredTravel, is_crossed
from dispatch.travel.geodesic import GeodesicTravel
from dispatch.travel.provider import Point
from dispatch.work_orders.model import Visit
from tests.builders import DAY, a_principal, at
from tests.dispatch.conftest import MovableClock
from tests.dispatch.planning.watch_world import alarms, look
from tests.planning_world import Town

SOUTH, INSIDE, NEXT_DOOR = (60.17, 24.94), (60.23, 24.94), (60.232, 24.941)
BEYOND, WEST = (60.27, 24.94), (60.17, 24.84)
AREA = {"latitude": 60.23, "longitude": 24.94, "radius_metres": 1_500, "detour_minutes": 240}
ELSEWHERE = AREA | {"latitude": 61.0, "longitude": 26.0}


@pytest.fixture(autouse=True)
def forgotten() -> None:
    """Nothing was measured before."""
    spreads.forget()


def closed(*areas: dict[str, Any]) -> Assumptions:
    """Roads closed around some places."""
    return Assumptions.of({"closed_areas": areas})


def duty(town: Town, home: tuple[float, float]) -> Technician:
    """Somebody on duty from eight to eight."""
    town.territory.emergency_reserve_percent = 0
    return town.technician((8, 20), break_minutes=0, home_latitude=home[0], home_longitude=home[1])


def promised(town: Town, place: tuple[float, float], hour: int) -> Visit:
    """A visit of an hour, promised for two hours."""
    visit = town.visit(*place, duration_minutes=60)
    book(town.session, by=None, visit=visit, start=at(hour), end=at(hour + 2), channel="phone")
    return visit


def publish_day(town: Town) -> DayPlan:
    """Publish what was promised."""
    plan = town.in_force()
    assert plan is not None
    publish(town.session, by=None, plan=plan, expected_version=town.head().version)
    return plan


@pytest.mark.parametrize(
    ("home", "place", "is_endangered"),
    [(SOUTH, INSIDE, True), (INSIDE, WEST, True), (SOUTH, BEYOND, True), (SOUTH, WEST, False)],
    ids=["into", "out of", "through", "beside"],
)
def test_a_closed_road_endangers_what_lies_behind_it(
    town: Town, home: tuple[float, float], place: tuple[float, float], is_endangered: bool
) -> None:
    """R-503: on the way into the area, out of it and through it; what is beside it stays as it was."""
    duty(town, home)
    visit = promised(town, place, 9)
    plan = publish_day(town)
    before = stops_of(plan)
    rows = impact(town.session, town.day, closed(AREA))
    assert [row.visit_id for row in rows] == [visit.id] * is_endangered
    for row in rows:
        assert (row.danger_now, row.danger) == (Danger.SAFE, Danger.BREAKING)
        assert row.expected_arrival is not None
        assert row.expected_arrival >= at(12)
        assert row.repair is None or not row.repair.keeps_promise
    assert stops_of(plan) == before
    assert impact(town.session, town.day, closed(ELSEWHERE)) == []
    look(town)
    assert alarms(town) == []


def test_a_road_closed_in_mid_day_concerns_what_is_still_ahead(town: Town, now: MovableClock) -> None:
    """R-503: what is done stays done; from there every way out of the area is long."""
    duty(town, SOUTH)
    first, second = promised(town, INSIDE, 9), promised(town, NEXT_DOOR, 14)
    publish_day(town)
    finish(town, first, at(10))
    now.set(at(13))
    [row] = impact(town.session, town.day, closed(AREA))
    assert (row.visit_id, row.danger_now, row.danger) == (second.id, Danger.SAFE, Danger.BREAKING)
    assert row.expected_arrival is not None
    assert row.expected_arrival > at(16)
    assert impact(town.session, town.day, closed(ELSEWHERE)) == []


def test_somebody_who_is_in_the_area_already_keeps_the_promise_next_door(town: Town) -> None:
    """The cheapest repair is whoever need not pass the closed road."""
    duty(town, SOUTH)
    visit = promised(town, INSIDE, 9)
    publish_day(town)
    neighbour = duty(town, INSIDE)
    [row] = impact(town.session, town.day, closed(AREA))
    assert row.visit_id == visit.id
    assert row.repair is not None
    assert (row.repair.technician_id, row.repair.keeps_promise) == (neighbour.id, True)


# Scenarios ---------------------------------------------------------------------------------------


def stops_of(plan: DayPlan) -> list[tuple[Any, ...]]:
    """What a plan says."""
    rows = [(stop.visit_id, stop.technician_id, stop.start, stop.end) for stop in plan.stops]
    return sorted(rows, key=str)


def finish(town: Town, visit: Visit, moment: datetime) -> None:
    """Let a visit be over."""
    visit.travelling_at = visit.arrived_at = visit.started_at = at(9)
    visit.finished_at = moment
    for state in ("travelling", "on_site", "working", "done"):
        visit.state = state
        town.session.flush()


def scenario(town: Town, *areas: dict[str, Any]) -> tuple[Scenario, DayPlan]:
    """A scenario in which roads are closed, planned."""
    row = request_scenario(
        town.session,
        by=a_principal(),
        territory=town.territory,
        day=DAY,
        title="Roads",
        assumptions={"closed_areas": list(areas)},
        seconds=0.3,
    )
    run_id, scenario_id = row.run_id, row.id
    town.session.commit()
    outbox.perform(str(run_id))
    town.session.expire_all()
    found = town.session.get_one(Scenario, scenario_id)
    assert view_of(town.session, found).state == "done"
    return found, town.session.get_one(DayPlan, found.plan_id)


def test_a_promise_behind_a_closed_road_is_broken_in_the_scenario_and_kept_when_it_opens(
    lasting_town: Town,
) -> None:
    """R-309, R-503: the difference list says which promise breaks and why; the day itself is untouched."""
    town = lasting_town
    duty(town, SOUTH)
    duty(town, WEST)
    inside, west = promised(town, INSIDE, 9), promised(town, WEST, 14)
    plan = publish_day(town)
    town.session.commit()
    before, version = stops_of(plan), town.head().version

    shut, shut_plan = scenario(town, AREA)
    assert (shut.outcome["served"], shut.outcome["left_out"]) == (2, 0)
    assert (shut.outcome["promises_broken"], shut.outcome["told_anew"]) == (1, 1)
    [row] = differences(town.session, shut_plan).rows
    assert (row.visit_id, row.change, row.breaks_promise) == (inside.id, Change.LATER, True)
    assert (row.cause, row.sentence) == (Cause.ROAD_CLOSED, "a road on the way to it is closed")
    assert row.after is not None
    assert row.after.start >= at(12)

    opened, open_plan = scenario(town, ELSEWHERE)
    assert (opened.outcome["promises_broken"], opened.outcome["told_anew"]) == (0, 0)
    assert differences(town.session, open_plan).rows == []
    [back] = compared(town.session, shut, opened).rows
    assert (back.visit_id, back.change, back.breaks_promise) == (inside.id, Change.EARLIER, False)
    assert back.cause is Cause.CHEAPER
    [again] = compared(town.session, opened, shut).rows
    assert (again.change, again.breaks_promise, again.cause) == (Change.LATER, True, Cause.ROAD_CLOSED)

    assert (town.head().version, stops_of(town.in_force() or plan)) == (version, before)
    assert town.session.scalar(select(func.count()).select_from(Promise)) == 2
    look(town)
    assert alarms(town) == []
    with pytest.raises(PlanNotPublishable):
        publish(town.session, by=None, plan=shut_plan, expected_version=version)
    assert {inside.state, west.state} == {"published"}


def test_what_cannot_be_reached_at_all_is_dropped_with_the_closed_road_as_cause(lasting_town: Town) -> None:
    """R-503: two closed areas on one way, and no shift is long enough to go around both."""
    town = lasting_town
    duty(town, SOUTH)
    inside = promised(town, INSIDE, 9)
    publish_day(town)
    town.session.commit()
    shut, plan = scenario(town, AREA, AREA | {"radius_metres": 1_400})
    assert (shut.outcome["served"], shut.outcome["left_out"]) == (0, 1)
    assert shut.outcome["promises_broken"] == 1
    [row] = differences(town.session, plan).rows
    assert (row.visit_id, row.change, row.after) == (inside.id, Change.DROPPED, None)
    assert (row.cause, row.breaks_promise) == (Cause.ROAD_CLOSED, True)
    assert row.sentence not in set(SENTENCES.values())  # which rule stands in the way, as the engine says


def test_an_absence_that_is_only_assumed_is_the_cause_of_what_a_scenario_changes(lasting_town: Town) -> None:
    """Neither "cheaper" nor "late": whoever was to come is away."""
    town = lasting_town
    ill, other = duty(town, SOUTH), duty(town, WEST)
    visit = promised(town, SOUTH, 9)
    plan = publish_day(town)
    assert {stop.technician_id for stop in plan.stops} == {ill.id}
    town.session.commit()
    away = {"technician_id": ill.id, "starts_at": at(8), "ends_at": at(20)}
    row = request_scenario(
        town.session,
        by=a_principal(),
        territory=town.territory,
        day=DAY,
        title="Ill",
        assumptions={"absences": [away]},
        seconds=0.3,
    )
    run_id = row.run_id
    town.session.commit()
    outbox.perform(str(run_id))
    town.session.expire_all()
    [found] = differences(town.session, town.session.get_one(DayPlan, row.plan_id)).rows
    assert (found.visit_id, found.change, found.cause) == (visit.id, Change.TECHNICIAN, Cause.OFF_DUTY)
    assert found.after is not None
    assert found.after.technician_id == other.id


# Ways --------------------------------------------------------------------------------------------


def test_where_one_stands_already_no_road_is_needed() -> None:
    """Two flats of one house in a closed area: no detour from one to the other, by either source."""
    shut = DetouredTravel(GeodesicTravel(), [ClosedArea(*INSIDE, 1_500, 240)])
    flats = [Point(*INSIDE), Point(*INSIDE), Point(*NEXT_DOOR)]
    seconds = shut.matrix(flats).seconds
    assert (seconds[0, 1], seconds[1, 0]) == (0, 0)
    assert seconds[0, 2] > 4 * 3600
    assert shut.roads(flats).leg(0, 1)[0] == 0
    assert not is_crossed([ClosedArea(*INSIDE, 1_500, 240)], flats[0], flats[1])
    assert is_crossed([ClosedArea(*INSIDE, 1_500, 240)], flats[0], flats[2])
