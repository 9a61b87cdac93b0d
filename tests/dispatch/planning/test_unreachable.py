"""A site to which no road leads stops nobody else's day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import cache

import pytest

from dispatch import outbox, travel
from dispatch.outbox import JobRun
from dispatch.planning import problem
from dispatch.planning.commands import book, lock_visit, offer, request_optimise
from dispatch.planning.model import DayPlan
from dispatch.planning.places import matrix_between
from dispatch.planning.rules import SlotGone
from dispatch.travel.asked import AskedRoads
from dispatch.travel.detours import ClosedArea, DetouredTravel
from dispatch.travel.geodesic import GeodesicTravel
from dispatch.travel.provider import UNREACHABLE_METRES, UNREACHABLE_SECONDS, Point, TravelMatrix
from optimizer.roads import Cells
from optimizer.units import HORIZON
from optimizer.validate import errors_in
from tests.builders import DAY, at
from tests.planning_world import Town, violations

ISLAND = Point(60.3, 25.3)


class WithIsland:
    """The straight line everywhere but to and from one place, as a router without a ferry answers."""

    def matrix(self, points: Sequence[Point]) -> TravelMatrix:
        """Travel between all pairs."""
        table = GeodesicTravel().matrix(points)
        for at_, one in enumerate(points):
            if one == ISLAND:
                for cells, none in ((table.seconds, UNREACHABLE_SECONDS), (table.metres, UNREACHABLE_METRES)):
                    cells[at_, :] = cells[:, at_] = none
                    cells[at_, at_] = 0
        return table

    def roads(self, points: Sequence[Point]) -> AskedRoads:
        """The same travel, as it is needed."""
        table = self.matrix(points)

        def ask(starts: Sequence[int], ends: Sequence[int]) -> tuple[Cells, Cells]:
            rows, columns = [[start] for start in starts], list(ends)
            return table.seconds[rows, columns].astype("i4"), table.metres[rows, columns].astype("i4")

        return AskedRoads(len(points), ask, remembers=False)


SOURCE = WithIsland()


@pytest.fixture(autouse=True)
def roads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every drive is asked of the map with the island."""
    monkeypatch.setattr(travel, "times", cache(lambda: SOURCE))


def planned(town: Town) -> DayPlan:
    """The day's proposal."""
    session = town.session
    run_id = request_optimise(session, by=None, territory_id=town.territory.id, day=DAY, seconds=0.25)
    session.commit()
    outbox.perform(str(run_id))
    session.expire_all()
    run = session.get_one(JobRun, run_id)
    assert run.state == "done", run.error
    return session.get_one(DayPlan, (run.result or {})["plan_id"])


def test_a_site_without_a_road_is_left_out_with_a_reason_and_the_day_is_planned(lasting_town: Town) -> None:
    town = lasting_town
    town.technician()
    near = town.visit(parking_minutes=5)
    far = town.visit(ISLAND.lat, ISLAND.lon, parking_minutes=5)
    plan = planned(town)
    assert [stop.visit_id for stop in plan.stops] == [near.id]
    assert [(left.visit_id, left.reason) for left in plan.unserved] == [(far.id, "ARRIVAL_WINDOW")]
    assert all(left.sentence and left.action for left in plan.unserved)
    assert violations(town, plan) == []


def test_a_site_without_a_road_may_even_be_locked(lasting_town: Town) -> None:
    town = lasting_town
    who = town.technician()
    near, far = town.visit(), town.visit(ISLAND.lat, ISLAND.lon, parking_minutes=30)
    lock_visit(town.session, by=None, visit=far, technician_id=who.id, start=at(10))
    plan = planned(town)
    assert [stop.visit_id for stop in plan.stops] == [near.id]
    assert [left.visit_id for left in plan.unserved] == [far.id]


def test_a_site_without_a_road_is_offered_nothing_and_leaves_others_their_windows(town: Town) -> None:
    town.technician()
    town.visit(ISLAND.lat, ISLAND.lon, parking_minutes=5)
    far, near = town.visit(ISLAND.lat, ISLAND.lon, parking_minutes=5), town.visit(parking_minutes=5)
    nowhere = offer(town.session, far, days=1)
    assert nowhere.windows == ()
    assert {refusal.code for refusal in nowhere.refusals} <= {"ARRIVAL_WINDOW", "SHIFT"}
    assert nowhere.refusals
    with pytest.raises(SlotGone):
        book(town.session, by=None, visit=far, start=at(8), end=at(10), channel="phone")
    window = offer(town.session, near, days=1).windows[0]
    book(town.session, by=None, visit=near, start=window.start, end=window.end, channel="phone")
    assert [stop.visit_id for stop in (town.in_force() or DayPlan()).stops] == [near.id]


def test_detours_around_closed_areas_do_not_lengthen_what_has_no_road(town: Town) -> None:
    town.technician()
    town.visit(ISLAND.lat, ISLAND.lon, parking_minutes=5)
    closed = DetouredTravel(SOURCE, (ClosedArea(ISLAND.lat, ISLAND.lon, 500, 60),))
    built = problem.build(town.session, town.day, closed)
    assert max(map(max, built.problem.matrix.seconds)) == HORIZON
    assert errors_in(built.problem) == []


def test_ways_asked_for_one_by_one_are_never_longer_than_a_plan_may_be(town: Town) -> None:
    points, minutes = [Point(60.17, 24.94), ISLAND, Point(60.2, 24.99)], [0, 10, 7]
    matrix = matrix_between(SOURCE, points, minutes)
    assert matrix.leg(0, 1) == (HORIZON, UNREACHABLE_METRES)
    seconds, _ = matrix.block([0, 1, 2], [0, 1, 2])
    assert [[matrix.leg(i, j)[0] for j in range(3)] for i in range(3)] == seconds.tolist()
    assert seconds.max() == HORIZON
    assert seconds[0, 2] == SOURCE.matrix(points).seconds[0, 2] + timedelta(minutes=7).seconds
