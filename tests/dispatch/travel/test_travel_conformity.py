"""What every source of travel times has to be; a new source is added to ``SOURCES``."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from dispatch.travel.cache import CachedTravel
from dispatch.travel.geodesic import GeodesicTravel, great_circle_metres
from dispatch.travel.osrm import OsrmTravel
from dispatch.travel.provider import (
    UNREACHABLE_METRES,
    UNREACHABLE_SECONDS,
    Point,
    TravelTimes,
    in_radians,
)
from dispatch.travel.table import TableTravel, load_table

SOURCES: dict[str, Callable[[str], TravelTimes]] = {
    "geodesic": lambda url: GeodesicTravel(),
    "table": lambda url: TableTravel(),
    "osrm": lambda url: OsrmTravel(url, points_per_side=5),
    "cached": lambda url: CachedTravel(TableTravel()),
}


@pytest.fixture(params=SOURCES)
def source(request: pytest.FixtureRequest, map_server) -> TravelTimes:
    return SOURCES[request.param](map_server.url)


@pytest.fixture
def places() -> list[Point]:
    """Twelve known addresses and two places outside the district."""
    known = load_table(TableTravel().directory).points
    return [*known[100:400:25], Point(60.3, 25.1), Point(60.1, 24.6)]


def test_no_points_and_one_point_are_allowed(source: TravelTimes) -> None:
    assert source.matrix([]).seconds.shape == (0, 0)
    assert source.matrix([Point(60.17, 24.94)]).seconds.tolist() == [[0]]
    assert source.matrix([Point(60.17, 24.94)]).metres.tolist() == [[0]]


def test_the_answer_is_whole_numbers_of_the_asked_size(source: TravelTimes, places: list[Point]) -> None:
    answer = source.matrix(places)
    assert answer.seconds.shape == answer.metres.shape == (len(places), len(places))
    assert answer.seconds.dtype == answer.metres.dtype == np.int64
    assert answer.seconds.min() >= 0
    assert answer.seconds.max() <= UNREACHABLE_SECONDS
    assert answer.metres.max() <= UNREACHABLE_METRES


def test_staying_takes_no_time(source: TravelTimes, places: list[Point]) -> None:
    answer = source.matrix(places)
    assert not answer.seconds.diagonal().any()
    assert not answer.metres.diagonal().any()


def test_the_same_question_has_the_same_answer(source: TravelTimes, places: list[Point]) -> None:
    first, again = source.matrix(places), source.matrix(places)
    assert np.array_equal(first.seconds, again.seconds)
    assert np.array_equal(first.metres, again.metres)


def test_the_order_of_the_points_is_kept(source: TravelTimes, places: list[Point]) -> None:
    forward, backward = source.matrix(places), source.matrix(places[::-1])
    assert np.array_equal(forward.seconds, backward.seconds[::-1, ::-1])
    assert np.array_equal(forward.metres, backward.metres[::-1, ::-1])


def test_a_road_is_not_shorter_than_the_straight_line(source: TravelTimes, places: list[Point]) -> None:
    """A known address's road begins at its kerb, at most 60 m away, and a point may snap 100 m."""
    straight = great_circle_metres(in_radians(places), in_radians(places))
    assert (source.matrix(places).metres >= straight * 0.98 - 2 * 60).all()


def test_nothing_drives_faster_than_a_motorway_allows(source: TravelTimes, places: list[Point]) -> None:
    answer = source.matrix(places)
    assert (answer.metres <= (answer.seconds + 1) * 130 / 3.6).all()


def test_roads_are_the_same_travel_asked_for_as_it_is_needed(
    source: TravelTimes, places: list[Point]
) -> None:
    answer, every = source.matrix(places), range(len(places))
    alone, roads = source.roads(places), source.roads(places)
    assert roads.size == len(places)
    seconds, metres = roads.block(every, every)
    assert np.abs(seconds - answer.seconds).max() <= 1
    assert np.abs(metres - answer.metres).max() <= 1
    part = roads.block([3, 13], [0, 12, 3])
    assert (part[0] == seconds[np.ix_([3, 13], [0, 12, 3])]).all()
    for a, b in ((0, 0), (0, 1), (5, 13), (12, 13), (13, 2)):
        assert alone.leg(a, b) == roads.leg(a, b) == (seconds[a, b], metres[a, b])
