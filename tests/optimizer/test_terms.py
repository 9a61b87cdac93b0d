"""Each term of the price once by hand; the table of mutations names these tests."""

from dataclasses import replace

from optimizer import Plan, Problem, cost
from optimizer.policy import Policy
from optimizer.problem import Traffic
from tests.optimizer.world import HOUR, MINUTE, a_day, a_plan, a_technician, a_visit, at


def price(term: str, problem: Problem, plan: Plan) -> int:
    """What one term of a plan costs, in cents."""
    return cost(problem, plan)[term]


def test_what_is_left_out_costs_by_priority_and_a_courtesy_call_its_worth() -> None:
    day = a_day(
        a_visit(1),
        a_visit(2, priority=5),
        a_visit(3, courtesy=True),
        a_visit(4, optional=False),
        a_visit(1, id="x"),
    )
    assert price("unserved", day, a_plan(day, ada="x")) == 80_000 + 600_000 + 1_000 + 5_080_000
    assert price("unserved", day, a_plan(day, ada="x v1 v2 v3 v4")) == 0


def test_lateness_costs_more_beyond_an_hour_and_counts_arrival_and_end() -> None:
    # There at 8:10, done at 8:40. Ten minutes late to arrive; 100 minutes late to end, 40 of them dearer.
    arrive = a_day(a_visit(1, respond_by=at("8:00")))
    assert price("lateness", arrive, a_plan(arrive, ada="v1")) == 1_000
    end = a_day(a_visit(1, resolve_by=at("7:00")))
    assert price("lateness", end, a_plan(end, ada="v1")) == 10_000 + 8_000
    both = a_day(a_visit(1, respond_by=at("8:10"), resolve_by=at("8:40")))
    assert price("lateness", both, a_plan(both, ada="v1")) == 0


def test_overtime_costs_by_the_minute() -> None:
    ada = a_technician("ada", overtime=HOUR, shift=replace(a_technician().shift, end=at("8:40")))
    day = a_day(a_visit(1), technicians=(ada,))
    assert price("overtime", day, a_plan(day, ada="v1")) == 10 * 100


def test_another_technician_and_another_time_have_their_price() -> None:
    day = a_day(a_visit(1, previous_technician="ben", announced=at("8:26")))
    assert price("stability", day, a_plan(day, ada="v1")) == 2_000 + 1_500
    near = a_day(a_visit(1, previous_technician="ben", announced=at("8:25")))
    assert price("stability", near, a_plan(near, ben="v1")) == 0


def test_people_not_preferred_and_people_too_good_have_their_price() -> None:
    crew = (a_technician("ada", skills={"gas": 3}), a_technician("ben", skills={"gas": 1}))
    visit = a_visit(1, preferred_technicians=frozenset({"ben"}), skills={"gas": 1})
    day = a_day(visit, technicians=crew)
    assert price("preference", day, a_plan(day, ada="v1")) == 1_000 + 2 * 100
    assert price("preference", day, a_plan(day, ben="v1")) == 0


def test_the_sixth_hour_of_work_costs_eleven_times_the_first() -> None:
    fair = replace(a_day(), policy=Policy(fairness_cents=60))
    crew = (a_technician("ada", worked=5 * HOUR), a_technician("ben"))
    day = replace(fair, technicians=crew, visits=(a_visit(2, duration=20 * MINUTE),))  # 40 minutes of driving
    assert price("fairness", day, a_plan(day, ada="v2")) == 11 * 60
    assert price("fairness", day, a_plan(day, ben="v2")) == 60


def test_driving_costs_by_distance_and_by_the_time_it_takes_at_that_hour() -> None:
    day = a_day(a_visit(1))
    assert price("travel", day, a_plan(day, ada="v1")) == 2 * (150 + 500)
    slow = replace(day, traffic=Traffic((0,) * 5, (((150,),),) * 24))
    assert price("travel", slow, a_plan(slow, ada="v1")) == 2 * (150 + 750)
