"""Travel without Python objects for every pair: large tables, fetched rows and straight lines."""

import json
import pickle
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer import Budget, FetchedRoads, Matrix, Problem, StraightLine, check, solve, validate
from optimizer.engines.ruin.arrays import day_of
from optimizer.roads import PLAIN_PLACES, LaterRoads, Roads, RoadTable, WholeTable
from optimizer.wire import MalformedInput, problem_from_json, problem_to_json
from tests.optimizer.world import a_day

TOWN = tuple((52_000_000 + 7_000 * (n % 5), 5_000_000 + 9_000 * (n // 5)) for n in range(25))
SIZE = PLAIN_PLACES + 1


def large() -> np.ndarray:
    """A table too large for Python integers, no two cells alike."""
    return np.arange(SIZE * SIZE).reshape(SIZE, SIZE)


def test_a_large_table_takes_four_bytes_a_cell_and_reads_like_rows() -> None:
    matrix = Matrix(large(), 2 * large())
    assert isinstance(matrix.seconds, WholeTable)
    assert matrix.seconds.cells.nbytes == 4 * SIZE * SIZE
    assert matrix.seconds[3][5] == 3 * SIZE + 5
    assert type(matrix.seconds[3][5]) is int
    assert matrix.leg(1, 2) == (SIZE + 2, 2 * SIZE + 4)
    assert (len(matrix.seconds), len(matrix.seconds[0])) == (SIZE, SIZE)


def test_a_large_table_is_the_same_out_of_lists_and_out_of_arrays() -> None:
    of_lists, of_arrays = Matrix(large().tolist(), large().tolist()), Matrix(large(), large())
    assert of_lists == of_arrays
    assert hash(of_lists) == hash(of_arrays)
    assert of_lists != Matrix(large(), large() + 1)
    assert pickle.loads(pickle.dumps(of_lists)) == of_lists  # noqa: S301  # written a moment ago
    assert (np.array(of_lists.seconds) == large()).all()


def test_nobody_can_write_into_the_rows_of_a_large_table() -> None:
    row = Matrix(large(), large()).seconds[0]
    with pytest.raises(TypeError):
        row[0] = 7  # type: ignore[index]


@pytest.mark.parametrize(
    ("table", "code"),
    [
        (large().tolist()[:-1], "MATRIX_SIZE"),
        ([row[:-1] for row in large().tolist()], "MATRIX_SIZE"),
        ([[1]] * SIZE, "MATRIX_SIZE"),
        (large() - 1, "MATRIX_NEGATIVE"),
        (large() + 10**12, "MATRIX_TOO_LARGE"),
        (large() + 700_000, "MATRIX_TOO_LARGE"),
    ],
)
def test_a_large_table_is_judged_like_a_small_one(table: object, code: str) -> None:
    problem = replace(a_day(), matrix=Matrix(table, table))  # type: ignore[arg-type]
    assert {finding.code for finding in validate(problem)} == {code}


def test_blocks_hold_the_ways_between_the_places_asked_for() -> None:
    for matrix in (Matrix(large(), large()), Matrix(large()[:9, :9], large()[:9, :9])):
        seconds, metres = matrix.block([4, 1], [0, 8, 3])
        assert seconds.tolist() == [[matrix.leg(a, b)[0] for b in (0, 8, 3)] for a in (4, 1)]
        assert (seconds == metres).all()


@given(
    st.lists(
        st.tuples(st.integers(-90_000_000, 90_000_000), st.integers(-180_000_000, 180_000_000)), max_size=9
    ),
    st.integers(1, 130),
    st.integers(100, 200),
)
@settings(max_examples=60, deadline=None, derandomize=True)
def test_a_straight_way_is_the_same_alone_and_in_a_block(
    positions: list[tuple[int, int]], kmh: int, detour: int
) -> None:
    roads = StraightLine(tuple(positions), kmh, detour, tuple(range(len(positions))))
    assert isinstance(roads, Roads)
    every = range(roads.size)
    seconds, metres = roads.block(every, every)
    for a in every:
        assert [roads.leg(a, b) for b in every] == list(
            zip(seconds[a].tolist(), metres[a].tolist(), strict=True)
        )


def test_a_straight_line_has_the_length_that_the_globe_gives_it() -> None:
    """Helsinki to Tallinn is 82 km on the great circle; the detour and the access come on top."""
    roads = StraightLine(((60_169_900, 24_938_400), (59_437_000, 24_753_600)), 60, 100, (0, 300))
    seconds, metres = roads.leg(0, 1)
    assert metres == pytest.approx(82_100, abs=500)
    assert seconds == pytest.approx(metres * 0.06 + 300, abs=1)
    assert roads.leg(1, 0) == (seconds - 300, metres)
    assert replace(roads, detour_percent=150).leg(1, 0)[1] == pytest.approx(1.5 * metres, abs=1)
    pole = StraightLine(((0, 0), (0, 90_000_000)), detour_percent=100)
    assert pole.leg(0, 1)[1] == pytest.approx(10_007_543, rel=0.02)


@pytest.mark.parametrize(
    "wrong",
    [
        {"positions": [[91_000_000, 0]]},
        {"positions": [[0, 0, 0]]},
        {"positions": [[0, 0]], "kmh": 0},
        {"positions": [[0, 0]], "detour_percent": 99},
        {"positions": [[0, 0]], "access": [1, 2]},
        {"positions": [[0, 0]], "access": [-1]},
    ],
)
def test_a_malformed_straight_line_is_refused_by_its_path(wrong: dict[str, object]) -> None:
    found = problem_to_json(a_day())
    found["matrix"] = {"straight": wrong}
    with pytest.raises(MalformedInput, match=r"problem\.matrix\.straight") as refused:
        problem_from_json(found)
    assert refused.value.code == "WRONG_VALUE"


def in_town() -> Problem:
    """The tiny day on straight lines."""
    return replace(a_day(), matrix=Matrix(straight=StraightLine(TOWN)))


def test_positions_survive_the_way_to_json_and_back() -> None:
    problem = in_town()
    text = json.dumps(problem_to_json(problem))
    assert "seconds" not in json.loads(text)["matrix"]
    assert problem_from_json(json.loads(text)) == problem


def test_a_large_table_survives_the_way_to_json_and_back() -> None:
    problem = replace(a_day(), matrix=Matrix(large(), large()))
    assert problem_from_json(json.loads(json.dumps(problem_to_json(problem)))) == problem


def test_tables_beside_positions_are_refused() -> None:
    matrix = Matrix(a_day().matrix.seconds, a_day().matrix.metres, StraightLine(TOWN))
    assert {finding.code for finding in validate(replace(a_day(), matrix=matrix))} == {"MATRIX_TWICE"}


@pytest.mark.parametrize("engine", ["ruin", "routing"])
def test_a_day_on_straight_lines_is_planned_as_on_the_table_of_the_same_ways(engine: str) -> None:
    lazy, every = in_town(), range(len(TOWN))
    rows = lazy.matrix.block(every, every)
    whole = replace(lazy, matrix=Matrix(*rows))  # type: ignore[arg-type]
    plans = [solve(day, Budget(solutions=30), seed=1, engine=engine).plan for day in (lazy, whole)]
    assert plans[0] == plans[1]
    assert not check(lazy, plans[1])


def test_rows_are_fetched_when_they_are_needed_and_only_once() -> None:
    asked: list[int] = []

    def fetch(origin: int) -> tuple[list[int], list[int]]:
        asked.append(origin)
        return [100 * origin + target for target in range(9)], [7] * 9

    roads = FetchedRoads(9, fetch)
    matrix = Matrix.of(roads)
    assert not asked
    assert (matrix.seconds[4][2], matrix.metres[4][3], matrix.leg(4, 8)) == (402, 7, (408, 7))
    assert matrix.block([4, 5], [1, 2])[0].tolist() == [[401, 402], [501, 502]]
    assert (asked, roads.fetched) == ([4, 5], 2)
    assert matrix.seconds[-1].tolist() == [800 + target for target in range(9)]
    with pytest.raises(IndexError):
        matrix.seconds[9]
    with pytest.raises(IndexError):
        matrix.metres[0][9]


def test_a_fetched_table_is_written_to_json_as_a_whole() -> None:
    matrix = Matrix.of(FetchedRoads(5, lambda origin: ([origin] * 5, [1] * 5)))
    assert isinstance(matrix.metres, RoadTable)
    found = problem_to_json(replace(a_day(), matrix=matrix))["matrix"]
    assert found["seconds"] == [[origin] * 5 for origin in range(5)]


def test_the_arrays_hold_only_the_places_that_a_part_of_a_large_day_uses() -> None:
    problem = replace(a_day(), matrix=Matrix(large(), large()))
    day = day_of(problem)
    assert day.seconds.shape == day.cents.shape == (5, 5)
    assert day.seconds.tolist() == large()[:5, :5].tolist()
    assert sorted(set(day.place.tolist())) == [0, 1, 2, 3, 4]


def test_what_is_added_to_every_drive_is_not_added_to_staying() -> None:
    roads = LaterRoads(FetchedRoads(3, lambda origin: ([10 * origin, 20, 30], [1, 2, 3])), [7, 8, 9])
    assert [roads.leg(1, target) for target in range(3)] == [(17, 1), (0, 2), (39, 3)]
    assert roads.block([1], [0, 1, 2])[0].tolist() == [[17, 0, 39]]
    assert roads.size == 3
