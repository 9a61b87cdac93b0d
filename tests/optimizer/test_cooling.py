"""How a search cools: the heat fits the day and the time there is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.engines.ruin.cooling import (
    COLD,
    HOT,
    HOT_IF_TIGHT,
    MOST_COOLINGS,
    ONE_COOLING,
    QUENCH_AT,
    Cooling,
    cooling_of,
)

PARTS = [step / 200 for step in range(201)]


def planned(each: float, *, is_tight: bool = False, shared_at: float | None = None) -> Cooling:
    """A schedule of so many iterations for each of a hundred visits."""
    return cooling_of(100 * each, 100, is_tight=is_tight, shared_at=shared_at)


@given(st.floats(0.1, 200_000), st.booleans(), st.sampled_from([None, 0.75]))
def test_every_cooling_falls_from_hot_to_cold_and_ends_quenched(
    each: float, is_tight: bool, shared_at: float | None
) -> None:
    cooling = planned(each, is_tight=is_tight, shared_at=shared_at)
    former: tuple[int, float] = (-1, 0.0)
    for part in PARTS:
        heat, left = cooling.at(part)
        number = cooling.number(part)
        assert QUENCH_AT <= heat <= HOT_IF_TIGHT
        assert 0 <= left <= 1
        if number == former[0]:
            assert heat <= former[1]
        former = number, heat
    assert cooling.at(1.0) == (QUENCH_AT, 0.0)
    assert 1 <= len(cooling.ends) <= MOST_COOLINGS + 1
    assert list(cooling.ends) == sorted(cooling.ends)
    assert cooling.ends[-1] == 1.0


def test_a_day_that_leaves_visits_out_begins_hotter() -> None:
    assert planned(5_000).at(0.0)[0] == pytest.approx(HOT)
    assert planned(5_000, is_tight=True).at(0.0)[0] == pytest.approx(HOT_IF_TIGHT)


def test_a_short_search_begins_and_ends_colder() -> None:
    short, long = planned(10), planned(5_000)
    assert short.at(0.0)[0] < long.at(0.0)[0]
    assert short.cold == pytest.approx(COLD / 2)
    assert long.cold == pytest.approx(COLD)


def test_only_a_very_long_search_cools_again() -> None:
    assert len(planned(ONE_COOLING).ends) == 1
    again = planned(2 * ONE_COOLING)
    assert len(again.ends) == 2
    assert again.at(0.51)[0] < again.at(0.0)[0]
    assert again.combined_at[0] == pytest.approx(0.5)


def test_where_processes_share_routes_a_cooling_ends_there() -> None:
    shared = planned(5_000, shared_at=0.75)
    assert list(shared.ends) == [0.75, 1.0]
    assert shared.at(0.76)[0] == pytest.approx(0.3 * HOT, rel=0.1)
