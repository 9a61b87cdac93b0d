"""Solomon's files become days whose travel costs exactly the distance, counted as DIMACS did."""

from itertools import pairwise

import pytest

from optimizer import Budget, Window, check, solve
from optimizer.readers import problem_from
from optimizer.readers.solomon import instance_from_text, problem_of
from optimizer.validate import validate
from optimizer.wire import MalformedInput

TEXT = """Corner

VEHICLE
NUMBER     CAPACITY
  9         10

CUSTOMER
CUST NO.  XCOORD.  YCOORD.  DEMAND  READY TIME  DUE DATE  SERVICE TIME

  0   0   0    0    0   100    0
  1   3   4    6   10    20    5
  2   1   1    6    0    50    5
  3  -1   0    0    0    50    5
"""
"""Three customers: 1 and 2 do not fit into one van together, 3 wants nothing carried."""


def test_lengths_are_tenths_of_the_straight_way_cut_off() -> None:
    problem = problem_from(TEXT)
    assert problem.matrix.metres[0] == (0, 50, 14, 10)
    assert problem.matrix.metres[1][2] == 36
    assert problem.matrix.seconds == problem.matrix.metres


def test_windows_service_and_shift_are_tenths_and_every_visit_is_mandatory() -> None:
    problem = problem_from(TEXT)
    visit = problem.visits[0]
    assert (visit.id, visit.location, visit.duration) == ("1", 1, 50)
    assert (visit.windows, visit.optional) == ((Window(100, 200),), False)
    assert [v.parts for v in problem.visits] == [{"load": 6}, {"load": 6}, {}]
    assert {t.shift for t in problem.technicians} == {Window(0, 1_000)}
    assert len(problem.technicians) == 3
    assert validate(problem) == []


def test_the_price_of_a_plan_is_its_distance_and_vans_are_not_overloaded() -> None:
    problem = problem_from(TEXT.replace("\n", "\r\n"))
    result = solve(problem, Budget(solutions=200), seed=1)
    assert check(problem, result.plan) == []
    assert len(result.plan.routes) == 2
    lengths = problem.matrix.metres
    routes = [[0, *(int(stop.visit_id) for stop in route.stops), 0] for route in result.plan.routes]
    driven = sum(lengths[a][b] for places in routes for a, b in pairwise(places))
    assert result.cost == driven == 50 + 56 + 10 + 14 + 14


def test_half_units_are_read_and_finer_ones_refused() -> None:
    problem = problem_of(instance_from_text(TEXT.replace("  3   4 ", "  3.0 0.5 ")))
    assert problem.matrix.metres[0][1] == 30
    with pytest.raises(MalformedInput, match="one digit") as refused:
        instance_from_text(TEXT.replace("  3   4 ", "  3.25 4 "), "corner.txt")
    assert refused.value.path == "corner.txt:11"


@pytest.mark.parametrize(
    ("old", "new", "cause"),
    [
        ("VEHICLE", "FLEET", "no line VEHICLE"),
        ("CUSTOMER\n", "PLACES\n", "no line CUSTOMER"),
        ("  9         10", "  9", "one number and one capacity"),
        ("  9         10", "  -9         10", "not a whole number"),
        ("    0    50    5\n  3", "    0    50\n  3", "6 numbers in place of 7"),
        ("  3   4 ", "  x   4 ", "'x' is not a number"),
        ("  3   4 ", "  nan 4 ", "'nan' is not a number"),
        ("  3   4 ", "  ３   4 ", "is not a number"),
    ],
)
def test_a_text_laid_out_otherwise_is_refused_by_line(old: str, new: str, cause: str) -> None:
    with pytest.raises(MalformedInput, match=cause) as refused:
        instance_from_text(TEXT.replace(old, new, 1))
    assert refused.value.code == "NOT_SOLOMON"


def test_a_file_without_a_depot_or_a_name_is_refused() -> None:
    head = TEXT[: TEXT.index("  0   0   0")]
    with pytest.raises(MalformedInput, match="depot"):
        instance_from_text(head)
    with pytest.raises(MalformedInput, match="VEHICLE"):
        instance_from_text(TEXT.removeprefix("Corner\n"))


def test_the_same_text_gives_the_same_problem() -> None:
    assert problem_from(TEXT) == problem_from(TEXT, "solomon")
