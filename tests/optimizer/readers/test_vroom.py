"""VROOM's input is told whole or refused by the name of the field, never read in part."""

import json
from datetime import date
from typing import Any

import pytest

from optimizer import Break, Budget, Window, check, cost, solve
from optimizer.readers import UntoldField, problem_from
from optimizer.readers.vroom import problem_from_json
from optimizer.readers.vroom_places import KMH
from optimizer.validate import validate
from optimizer.wire import MalformedInput

Json = dict[str, Any]
LINE = [[600 * abs(a - b) for b in range(4)] for a in range(4)]


def a_vehicle(**fields: Any) -> Json:
    """A vehicle at row 0 of the line, from 8 to 16."""
    return {"id": 1, "start_index": 0, "end_index": 0, "time_window": [28_800, 57_600], **fields}


def a_job(row: int = 1, **fields: Any) -> Json:
    """Half an hour at a row of the line."""
    return {"id": row, "location_index": row, "service": 1_800, **fields}


def an_input(*jobs: Json, vehicles: tuple[Json, ...] = (), **fields: Any) -> Json:
    """A document with the line as its matrix."""
    return {
        "vehicles": list(vehicles or (a_vehicle(),)),
        "jobs": list(jobs or (a_job(1), a_job(2))),
        "matrices": {"car": {"durations": LINE}},
        **fields,
    }


def test_jobs_and_vehicles_are_visits_and_technicians() -> None:
    pause = {"id": 7, "service": 1_800, "time_windows": [[39_600, 43_200]]}
    vehicle = a_vehicle(description="Ada", skills=[4, 2], breaks=[pause], capacity=[10, 0])
    job = a_job(3, skills=[2], time_windows=[[36_000, 39_600], [50_000, 50_400]], setup=60, delivery=[4, 0])
    problem = problem_from(json.dumps(an_input(job, vehicles=(vehicle,))))
    visit, technician = problem.visits[0], problem.technicians[0]
    assert (visit.id, visit.location, visit.duration, visit.optional) == ("3", 3, 1_860, True)
    assert visit.windows == (Window(36_000, 39_600), Window(50_000, 50_400))
    assert (visit.skills, visit.parts) == ({"2": 1}, {"load 0": 4})
    assert (technician.id, technician.name, technician.shift) == ("1", "Ada", Window(28_800, 57_600))
    assert technician.breaks == (Break(39_600, 43_200, 1_800),)
    assert (technician.skills, technician.stock) == ({"4": 1, "2": 1}, {"load 0": 10, "load 1": 0})
    assert validate(problem) == []


def test_travel_costs_as_much_as_vroom_counts_by_default_seconds() -> None:
    problem = problem_from_json(an_input())
    result = solve(problem, Budget(solutions=50), seed=1)
    assert not check(problem, result.plan)
    assert cost(problem, result.plan) == {**result.cost_by_term, "travel": 2_400, "unserved": 0}


def test_a_table_of_costs_prices_every_way() -> None:
    costs = [[7 * cell for cell in row] for row in ((0, 1, 2, 3), (1, 0, 1, 2), (2, 1, 0, 1), (3, 2, 1, 0))]
    problem = problem_from_json(an_input(matrices={"car": {"durations": LINE, "costs": costs}}))
    assert solve(problem, Budget(solutions=50), seed=1).cost == 28


def test_kilometres_and_hours_are_priced_as_the_vehicles_say() -> None:
    lengths = [[5 * cell for cell in row] for row in LINE]
    vehicle = a_vehicle(costs={"per_hour": 60, "per_km": 100})
    tables = {"car": {"durations": LINE, "distances": lengths}}
    problem = problem_from_json(an_input(vehicles=(vehicle,), matrices=tables))
    assert solve(problem, Budget(solutions=50), seed=1).cost == 4 * 10 + 4 * 300


def test_a_start_or_end_left_out_is_free() -> None:
    vehicle = {"id": 1, "start_index": 0}
    problem = problem_from_json(an_input(vehicles=(vehicle,)))
    assert problem.technicians[0].end == 4
    assert {row[4] for row in problem.matrix.seconds} == {0}
    assert solve(problem, Budget(solutions=50), seed=1).cost == 1_200


def test_without_matrices_the_way_is_the_great_circle_at_the_stated_speed() -> None:
    vehicle = {"id": 1, "start": [10.0, 50.0], "end": [10.0, 50.0]}
    problem = problem_from_json({"vehicles": [vehicle], "jobs": [{"id": 5, "location": [10, 51]}]})
    assert problem.visits[0].location == 0
    seconds, metres = problem.matrix.leg(problem.technicians[0].start, 0)
    assert 111_100 < metres < 111_300
    assert seconds == round(metres * 3.6 / KMH)


def test_moments_of_the_epoch_become_seconds_of_their_day() -> None:
    noon = 1_767_268_800
    vehicle = a_vehicle(time_window=[noon - 7_200, noon + 7_200])
    problem = problem_from_json(an_input(a_job(time_windows=[[noon, noon + 60]]), vehicles=(vehicle,)))
    assert problem.day == date(2026, 1, 1)
    assert problem.visits[0].windows == (Window(43_200, 43_260),)


def test_a_job_of_higher_priority_is_served_first() -> None:
    vehicle = a_vehicle(time_window=[0, 3_000])
    jobs = (a_job(1, priority=10), a_job(2, service=60, priority=90), a_job(3, service=60))
    problem = problem_from_json(an_input(*jobs, vehicles=(vehicle,)))
    assert [visit.priority for visit in problem.visits] == [2, 3, 1]
    plan = solve(problem, Budget(solutions=50), seed=1).plan
    assert {left.visit_id for left in plan.unserved} == {"1", "3"}


def test_what_is_picked_up_fills_the_vehicle_where_nothing_is_delivered() -> None:
    jobs = [a_job(row, pickup=[2]) for row in (1, 2, 3)]
    problem = problem_from_json(an_input(*jobs, vehicles=(a_vehicle(capacity=[5]),)))
    assert len(solve(problem, Budget(solutions=50), seed=1).plan.unserved) == 1


def changed(**fields: Any) -> Json:
    """An input with other fields of the document."""
    return an_input(**fields)


def with_job(**fields: Any) -> Json:
    """An input whose first job has more fields."""
    return an_input(a_job(1, **fields), a_job(2))


def with_vehicle(**fields: Any) -> Json:
    """An input whose vehicle has more fields."""
    return an_input(vehicles=(a_vehicle(**fields),))


@pytest.mark.parametrize(
    ("found", "field"),
    [
        (changed(shipments=[{"pickup": {}, "delivery": {}}]), "shipments"),
        (changed(relations=[]), "relations"),
        (changed(matrix=LINE), "matrix"),
        (with_job(service_per_type={"van": 60}), "jobs[0].service_per_type"),
        (with_job(amount=[1]), "jobs[0].amount"),
        (with_job(colour="red"), "jobs[0].colour"),
        (with_vehicle(max_tasks=4), "vehicles[0].max_tasks"),
        (with_vehicle(max_travel_time=3_600), "vehicles[0].max_travel_time"),
        (with_vehicle(max_distance=10_000), "vehicles[0].max_distance"),
        (with_vehicle(speed_factor=1.5), "vehicles[0].speed_factor"),
        (with_vehicle(steps=[{"type": "start"}]), "vehicles[0].steps"),
        (with_vehicle(costs={"fixed": 100}), "vehicles[0].costs.fixed"),
        (with_vehicle(costs={"per_task_hour": 9}), "vehicles[0].costs.per_task_hour"),
        (with_vehicle(costs={"per_km": 100}), "vehicles[0].costs.per_km"),
        (with_vehicle(breaks=[{"id": 1}]), "vehicles[0].breaks[0].service"),
        (
            with_vehicle(breaks=[{"id": 1, "service": 60, "max_load": [1]}]),
            "vehicles[0].breaks[0].max_load",
        ),
        (
            with_vehicle(breaks=[{"id": 1, "service": 60, "time_windows": [[0, 1], [2, 3]]}]),
            "vehicles[0].breaks[0].time_windows",
        ),
        (an_input(vehicles=(a_vehicle(), a_vehicle(id=2, profile="bike"))), "vehicles[1].profile"),
        (an_input(vehicles=(a_vehicle(), a_vehicle(id=2, costs={"per_hour": 1}))), "vehicles[1].costs"),
        (
            an_input(a_job(1, delivery=[1]), a_job(2, pickup=[1]), vehicles=(a_vehicle(capacity=[2]),)),
            "jobs[1].pickup",
        ),
        (an_input(a_job(1, setup=60), a_job(1, id=9)), "jobs[0].setup"),
        (an_input(*(a_job(1, id=n, priority=n) for n in range(6))), "jobs[5].priority"),
        (changed(matrices={"car": {"durations": [[60_000] * 4] * 4}}), "matrices"),
        ({"vehicles": [], "jobs": [{"id": 1, "location_index": 0}]}, "jobs[0].location_index"),
    ],
)
def test_what_our_model_cannot_tell_is_refused_by_its_name(found: Json, field: str) -> None:
    with pytest.raises(UntoldField) as refused:
        problem_from_json(found)
    assert refused.value.field == field
    assert refused.value.code == "UNTOLD_FIELD"
    assert str(refused.value).startswith(f"UNTOLD_FIELD · {field}: ")


FAR = an_input(a_job(time_windows=[[10**15, 10**15]]), vehicles=(a_vehicle(time_window=[10**15, 10**15]),))


@pytest.mark.parametrize(
    ("found", "path", "code"),
    [
        ([], "$", "WRONG_TYPE"),
        (changed(vehicles=({"id": "one"},)), "vehicles[0].id", "WRONG_TYPE"),
        (with_job(service=1.5), "jobs[0].service", "WRONG_TYPE"),
        (with_job(time_windows=[[1]]), "jobs[0].time_windows[0]", "WRONG_TYPE"),
        (with_job(priority=101), "jobs[0].priority", "WRONG_TYPE"),
        (with_job(location_index=9), "jobs[0].location_index", "UNKNOWN_LOCATION"),
        (with_job(delivery=[1]), "vehicles[0].capacity", "AMOUNT_LENGTH"),
        (FAR, "time_windows", "TIME_OUT_OF_RANGE"),
        (with_vehicle(profile="bike"), "matrices.bike", "MISSING_FIELD"),
        (changed(matrices={"car": {}}), "matrices.car.durations", "MISSING_FIELD"),
        (changed(matrices={"car": {"durations": [[0, "x"]]}}), "matrices.car.durations[0][1]", "WRONG_TYPE"),
        ({"vehicles": [], "jobs": [{"id": 1}]}, "jobs[0].location", "MISSING_FIELD"),
        ({"vehicles": [], "jobs": [{"id": 1, "location": [200, 0]}]}, "jobs[0].location", "WRONG_TYPE"),
    ],
)
def test_what_is_not_as_vroom_describes_it_is_refused_by_its_path(found: Any, path: str, code: str) -> None:
    with pytest.raises(MalformedInput) as refused:
        problem_from_json(found)
    assert (refused.value.path, refused.value.code) == (path, code)


def test_fields_at_the_value_at_which_they_mean_nothing_are_no_reason_to_refuse() -> None:
    plain = problem_from_json(an_input())
    full = an_input(
        a_job(1, setup_per_type={}), a_job(2), vehicles=(a_vehicle(speed_factor=1.0, steps=[]),), shipments=[]
    )
    assert problem_from_json(full) == plain


def test_the_same_input_gives_the_same_problem() -> None:
    assert problem_from(json.dumps(an_input())) == problem_from(json.dumps(an_input()), "vroom")
