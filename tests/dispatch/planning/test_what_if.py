"""Days as they would be: assumptions leave no trace, scenarios are kept beside the real plan."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from dispatch import outbox, travel
from dispatch.customers.model import Site
from dispatch.planning import spreads
from dispatch.planning.assuming import Assumptions, supposed
from dispatch.planning.commands import book, publish
from dispatch.planning.explaining import explanation
from dispatch.planning.impact import impact
from dispatch.planning.model import DayPlan, Scenario
from dispatch.planning.rules import AssumptionInvalid, Danger, PlanNotPublishable
from dispatch.planning.scenarios import compared, request_scenario, view_of
from dispatch.settings import Settings
from dispatch.technicians.model import Absence, Shift, Technician
from dispatch.territories.rules import PLANNING_POLICIES
from dispatch.travel.detours import ClosedArea, DetouredTravel
from dispatch.travel.geodesic import GeodesicTravel
from dispatch.travel.provider import Point
from dispatch.work_orders.model import Visit
from optimizer.policy import policy
from tests.builders import DAY, a_principal, a_technician, a_territory, at
from tests.planning_world import Town, a_published_day


@pytest.fixture(autouse=True)
def forgotten() -> None:
    """Nothing was measured before."""
    spreads.forget()


def published(town: Town, *hours: int) -> tuple[Technician, Technician, list[Visit]]:
    """Two technicians, one at the visits and one further away; visits of an hour, published."""
    return a_published_day(town, *hours, minutes=60)


def away(technician: Technician, start: float = 8, end: float = 18) -> dict[str, Any]:
    """Somebody away between two local hours."""
    return {"absences": [{"technician_id": technician.id, "starts_at": at(start), "ends_at": at(end)}]}


def trace(town: Town) -> tuple[Any, ...]:
    """Everything that an assumption might have left behind."""
    session = town.session
    counts = [session.scalar(select(func.count()).select_from(kind)) for kind in (Absence, Shift, DayPlan)]
    places = session.execute(select(Site.id, Site.latitude, Site.longitude).order_by(Site.id)).all()
    shifts = session.execute(select(Shift.starts_at, Shift.ends_at).order_by(Shift.id)).all()
    return tuple(counts), tuple(places), tuple(shifts), town.head().version


def test_an_absence_endangers_what_its_technician_was_to_do_and_somebody_else_could(town: Town) -> None:
    near, far, visits = published(town, 9, 14)
    before = trace(town)
    rows = impact(town.session, town.day, Assumptions.of(away(near)))
    assert trace(town) == before
    assert [row.visit_id for row in rows] == [visit.id for visit in visits]
    for row in rows:
        assert (row.danger_now, row.danger, row.expected_arrival) == (Danger.SAFE, Danger.BREAKING, None)
        assert row.repair is not None
        assert (row.repair.technician_id, row.repair.keeps_promise) == (far.id, True)
        assert row.repair.extra_minor > 0


@pytest.mark.parametrize(("start", "end"), [(12, 18), (10.5, 18), (13, 24)])
def test_who_falls_ill_during_the_day_endangers_what_is_still_ahead(
    town: Town, start: float, end: float
) -> None:
    near, far, [_, last] = published(town, 8, 14)
    [row] = impact(town.session, town.day, Assumptions.of(away(near, start, end)))
    assert (row.visit_id, row.danger, row.expected_arrival) == (last.id, Danger.BREAKING, None)
    assert row.repair is not None
    assert row.repair.technician_id == far.id


def test_a_shift_that_ends_at_noon_endangers_the_afternoon(town: Town) -> None:
    near, _, [_, last] = published(town, 8, 14)
    shorter = {"technician_id": near.id, "starts_at": at(8), "ends_at": at(12)}
    assert [
        row.visit_id for row in impact(town.session, town.day, Assumptions.of({"shifts": [shorter]}))
    ] == [last.id]


@pytest.mark.parametrize("days", [-3, 2])
@pytest.mark.parametrize("kind", ["absences", "shifts", "emergencies"])
def test_assumptions_about_another_day_are_refused(town: Town, kind: str, days: int) -> None:
    near, _, _ = published(town, 9)
    row: dict[str, Any] = {"starts_at": at(9, days=days)}
    if kind == "emergencies":
        row |= {"count": 1, "within_minutes": 60, "duration_minutes": 30, "skills": {}}
    else:
        row |= {"technician_id": near.id, "ends_at": at(12, days=days)}
    with pytest.raises(AssumptionInvalid, match="another day"):
        impact(town.session, town.day, Assumptions.of({kind: [row]}))


def test_an_absence_of_somebody_without_visits_endangers_nothing(town: Town) -> None:
    _, far, _ = published(town, 9, 14)
    assert impact(town.session, town.day, Assumptions.of(away(far))) == []


def test_two_repairs_never_count_on_the_same_gap(town: Town) -> None:
    near, far, visits = published(town, 8, 8)
    far_visit = town.visit(60.13, 24.85, duration_minutes=60)
    book(town.session, by=None, visit=far_visit, start=at(8), end=at(10), channel="phone")
    rows = impact(town.session, town.day, Assumptions.of(away(near)))
    assert {row.visit_id for row in rows} == {visit.id for visit in visits}
    starts = sorted(row.repair.start for row in rows if row.repair is not None)
    assert len(starts) == 2
    assert starts[1] - starts[0] >= timedelta(hours=1)
    assert [row.repair.keeps_promise for row in rows if row.repair].count(True) <= 1
    assert {row.repair.technician_id for row in rows if row.repair} == {far.id}


def test_a_late_van_and_a_shorter_shift_endanger_the_visits_they_touch(town: Town) -> None:
    near, _, [first, last] = published(town, 8, 16)
    late = Assumptions.of({"delays": [{"technician_id": near.id, "minutes": 150}]})
    assert [row.visit_id for row in impact(town.session, town.day, late)] == [first.id]
    shorter = {"technician_id": near.id, "starts_at": at(11), "ends_at": at(18)}
    rows = impact(town.session, town.day, Assumptions.of({"shifts": [shorter]}))
    assert [row.visit_id for row in rows] == [first.id]
    assert last.id not in {row.visit_id for row in rows}


def test_a_site_that_moved_far_away_is_reached_too_late(town: Town) -> None:
    _, _, [visit] = published(town, 8)
    moved = {"site_id": visit.work_order.site_id, "latitude": 60.9, "longitude": 24.99}
    before = trace(town)
    [row] = impact(town.session, town.day, Assumptions.of({"moved_sites": [moved]}))
    assert row.visit_id == visit.id
    assert row.expected_arrival is not None
    assert row.expected_arrival > at(10)
    assert trace(town) == before


@pytest.mark.parametrize(
    "given_",
    [
        {"absences": [{"technician_id": uuid.UUID(int=1), "starts_at": at(8), "ends_at": at(9)}]},
        {"moved_sites": [{"site_id": uuid.UUID(int=1), "latitude": 60.0, "longitude": 24.0}]},
    ],
)
def test_assumptions_about_nobody_and_nowhere_are_refused(town: Town, given_: dict[str, Any]) -> None:
    published(town, 9)
    with pytest.raises(AssumptionInvalid):
        impact(town.session, town.day, Assumptions.of(given_))


def test_somebody_of_another_territory_is_nobody(town: Town) -> None:
    published(town, 9)
    stranger = a_technician(town.session, territory=a_territory(town.session))
    with pytest.raises(AssumptionInvalid):
        impact(town.session, town.day, Assumptions.of(away(stranger)))


def test_a_stretch_that_ends_before_it_starts_is_refused(town: Town) -> None:
    near, _, _ = published(town, 9)
    with pytest.raises(AssumptionInvalid):
        impact(town.session, town.day, Assumptions.of(away(near, 12, 10)))


def test_assumptions_come_back_from_their_row_as_they_were(town: Town) -> None:
    near, _, [visit] = published(town, 9)
    everything = Assumptions.of(
        {
            **away(near),
            "delays": [{"technician_id": near.id, "minutes": 20}],
            "shifts": [{"technician_id": near.id, "starts_at": at(9), "ends_at": at(12)}],
            "moved_sites": [{"site_id": visit.work_order.site_id, "latitude": 60.1, "longitude": 24.9}],
            "emergencies": [
                {"count": 3, "starts_at": at(12), "within_minutes": 60, "duration_minutes": 45, "skills": {}}
            ],
            "closed_areas": [
                {"latitude": 60.1, "longitude": 24.9, "radius_metres": 500, "detour_minutes": 10}
            ],
        }
    )
    assert Assumptions.of(everything.plain()) == everything


def test_three_more_emergencies_are_drawn_by_the_seed_and_leave_no_trace(town: Town) -> None:
    published(town, 9, 14)
    three = {"count": 3, "starts_at": at(12), "within_minutes": 120, "duration_minutes": 30, "skills": {}}
    given_ = Assumptions.of({"emergencies": [three]})
    before = trace(town)
    first, same, other = (supposed(town.session, town.day, given_, seed=seed) for seed in (5, 5, 6))
    assert trace(town) == before

    def places(read: Any) -> list[int]:
        return [job.location for job in read.built.problem.visits if job.id in read.imagined]

    assert len(places(first)) == 3
    assert places(first) == places(same)
    assert {first.imagined & set(first.promised), other.imagined & set(other.promised)} == {frozenset()}


# Planned -----------------------------------------------------------------------------------------


def scenario(town: Town, title: str, seconds: float = 0.3, **assumptions: Any) -> Scenario:
    """A scenario that was planned."""
    row = request_scenario(
        town.session,
        by=a_principal(),
        territory=town.territory,
        day=DAY,
        title=title,
        assumptions=assumptions,
        seconds=seconds,
    )
    run_id, scenario_id = row.run_id, row.id
    town.session.commit()
    outbox.perform(str(run_id))
    town.session.expire_all()
    return town.session.get_one(Scenario, scenario_id)


def test_a_scenario_is_planned_kept_compared_and_never_published(lasting_town: Town) -> None:
    town = lasting_town
    near, far, visits = published(town, 9, 14)
    town.session.commit()
    version, in_force = town.head().version, town.in_force()
    ill = scenario(town, "Ill", **away(near))
    view = view_of(town.session, ill)
    assert (view.state, view.is_stale) == ("done", False)
    plan = town.session.get_one(DayPlan, ill.plan_id)
    assert {stop.technician_id for stop in plan.stops} == {far.id}
    assert ill.outcome["served"] == len(visits)
    assert (ill.outcome["told_anew"], ill.outcome["technicians_changed"]) == (2, 2)
    assert ill.outcome["promises_broken"] == 0
    assert (town.head().version, town.in_force()) == (version, in_force)
    assert town.session.scalar(select(func.count()).select_from(Absence)) == 0
    with pytest.raises(PlanNotPublishable):
        publish(town.session, by=None, plan=plan, expected_version=version)

    three = {"count": 3, "starts_at": at(12), "within_minutes": 120, "duration_minutes": 30, "skills": {}}
    busy = scenario(town, "Busy", emergencies=[three])
    assert len(busy.outcome["emergencies"]) == 3
    assert all(row["technician_id"] for row in busy.outcome["emergencies"])
    assert busy.outcome["served"] == len(visits)
    found = compared(town.session, ill, busy)
    assert {row.visit_id for row in found.rows} == {visit.id for visit in visits}
    assert found.cost_before != found.cost_after


def test_an_emergency_that_nobody_can_serve_is_said(lasting_town: Town) -> None:
    town = lasting_town
    published(town, 9)
    one = {
        "count": 1,
        "starts_at": at(12),
        "within_minutes": 60,
        "duration_minutes": 30,
        "skills": {"gas": 3},
    }
    found = scenario(town, "Gas", emergencies=[one])
    [row] = found.outcome["emergencies"]
    assert row["technician_id"] is None
    assert row["reason"]


def test_a_visit_of_a_scenarios_plan_is_explained_on_the_day_as_it_would_be(lasting_town: Town) -> None:
    """The one who is ill cannot go, and who takes over is the cheapest left; the real day is another."""
    town = lasting_town
    near, far, [visit, _] = published(town, 9, 14)
    real = town.in_force()
    assert real is not None
    town.session.commit()
    before = trace(town)
    ill = scenario(town, "Ill", **away(near))
    plan = town.session.get_one(DayPlan, ill.plan_id)
    counted = trace(town)
    found = explanation(town.session, plan, visit)
    assert trace(town) == counted
    assert counted[1:] == before[1:]
    assert (found.plan_id, found.technician_id) == (plan.id, far.id)
    assert [(one.technician_id, one.is_planned) for one in found.choices] == [(far.id, True)]
    assert [one.technician_id for one in found.obstacles] in ([near.id], [])
    usual = explanation(town.session, real, visit)
    assert {one.technician_id for one in usual.choices} == {near.id, far.id}


def test_what_nobody_can_serve_under_a_scenario_says_what_would_let_it_in(lasting_town: Town) -> None:
    town = lasting_town
    near, far, [visit, _] = published(town, 9, 14)
    town.session.commit()
    both = [*away(near)["absences"], {"technician_id": far.id, "starts_at": at(8), "ends_at": at(15)}]
    nobody = scenario(town, "Both ill", absences=both)
    plan = town.session.get_one(DayPlan, nobody.plan_id)
    assert visit.id in {left.visit_id for left in plan.unserved} | {stop.visit_id for stop in plan.stops}
    found = explanation(town.session, plan, visit)
    assert found.choices == []
    assert {one.technician_id for one in found.obstacles} == {far.id}
    assert found.relaxations


def test_emergencies_of_a_scenario_take_their_time_when_it_is_explained(lasting_town: Town) -> None:
    """They have no row in the plan, and nobody is explained as free who would be at one of them."""
    town = lasting_town
    near, far, [visit] = published(town, 9)
    town.session.commit()
    two = {"count": 2, "starts_at": at(8), "within_minutes": 60, "duration_minutes": 480, "skills": {}}
    busy = scenario(town, "Busy", emergencies=[two])
    taken = {uuid.UUID(row["technician_id"]) for row in busy.outcome["emergencies"] if row["technician_id"]}
    assert taken
    plan = town.session.get_one(DayPlan, busy.plan_id)
    found = explanation(town.session, plan, visit)
    assert {one.technician_id for one in found.choices} == {near.id, far.id} - taken


def test_a_scenario_of_a_day_beyond_one_search_is_planned_in_parts(
    lasting_town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    town = lasting_town
    town.territory.emergency_reserve_percent = 0
    crew = [town.technician((8, 18), home_latitude=60.12 + 0.02 * n) for n in range(4)]
    visits = town.visits(24, duration_minutes=30)
    town.session.commit()
    monkeypatch.setenv("TRUCKROLL_OPTIMISER_PART_VISITS", "7")
    found = scenario(town, "Large", 3, **away(crew[0]))
    assert view_of(town.session, found).state == "done"
    plan = town.session.get_one(DayPlan, found.plan_id)
    assert int(plan.stats["parts"]) > 1
    assert found.outcome["served"] + found.outcome["left_out"] == len(visits)
    assert found.outcome["served"] >= 20
    assert crew[0].id not in {stop.technician_id for stop in plan.stops}
    assert len({stop.visit_id for stop in plan.stops}) == len(plan.stops)


def test_a_scenario_beyond_what_the_house_plans_at_all_is_refused(
    lasting_town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S9."""
    town = lasting_town
    near, _, _ = published(town, 9, 14)
    town.session.commit()
    monkeypatch.setenv("TRUCKROLL_OPTIMISER_VISITS_MOST", "1")
    found = scenario(town, "Too large", **away(near))
    assert view_of(town.session, found).state == "parked"


def test_a_territory_plans_by_the_prices_that_it_names(town: Town) -> None:
    for name in PLANNING_POLICIES:
        town.territory.planning_policy = name
        assert town.built().problem.policy == policy(name)


def test_nothing_assumed_is_no_scenario(town: Town) -> None:
    with pytest.raises(AssumptionInvalid):
        request_scenario(
            town.session, by=a_principal(), territory=town.territory, day=DAY, title="-", assumptions={}
        )


# Closed areas ------------------------------------------------------------------------------------

PLACES = st.builds(Point, st.floats(60.1, 60.3), st.floats(24.8, 25.1))


@given(points=st.lists(PLACES, min_size=1, max_size=6), radius=st.integers(1, 5_000))
def test_closed_areas_only_ever_lengthen_ways_and_both_sources_agree(
    points: list[Point], radius: int
) -> None:
    area = ClosedArea(60.2, 24.95, radius, 15)
    plain, closed = GeodesicTravel(), DetouredTravel(GeodesicTravel(), [area])
    before, after = plain.matrix(points), closed.matrix(points)
    more = after.seconds - before.seconds
    assert set(more.ravel().tolist()) <= {0, 900}
    assert (more.diagonal() == 0).all()
    assert (after.metres == before.metres).all()
    roads = closed.roads(points)
    for i in range(len(points)):
        for j in range(len(points)):
            assert roads.leg(i, j)[0] - plain.roads(points).leg(i, j)[0] == more[i, j]


def test_a_way_through_a_closed_area_takes_the_detour_and_one_beside_it_does_not() -> None:
    travel.configure(Settings(travel="geodesic"))
    west, east, north = Point(60.2, 24.8), Point(60.2, 25.1), Point(60.29, 24.8)
    closed = DetouredTravel(GeodesicTravel(), [ClosedArea(60.2, 24.95, 1_000, 20)])
    more = closed.matrix([west, east, north]).seconds - GeodesicTravel().matrix([west, east, north]).seconds
    assert (more[0, 1], more[1, 0], more[0, 2]) == (1_200, 1_200, 0)
