"""Straight-line travel."""

from __future__ import annotations

import pytest

from dispatch.travel.geodesic import KMH_BY_HOUR, GeodesicTravel
from dispatch.travel.provider import Point, PositionInvalid

HELSINKI, TALLINN = Point(60.1699, 24.9384), Point(59.4370, 24.7536)


def test_the_straight_line_agrees_with_the_ellipsoid_within_half_a_percent() -> None:
    from geopy.distance import geodesic

    exact = geodesic((HELSINKI.lat, HELSINKI.lon), (TALLINN.lat, TALLINN.lon)).meters
    answer = GeodesicTravel(detour=1.0).matrix([HELSINKI, TALLINN])
    assert answer.metres[0, 1] == pytest.approx(exact, rel=0.005)


def test_points_on_both_sides_of_the_date_line_are_near() -> None:
    answer = GeodesicTravel(detour=1.0).matrix([Point(0.0, 179.99), Point(0.0, -179.99)])
    assert answer.metres[0, 1] == pytest.approx(2224, abs=3)


def test_rush_hour_is_slower_than_night() -> None:
    town = [Point(60.17, 24.94), Point(60.19, 24.94)]
    at_eight, at_three = (GeodesicTravel().at_hour(hour).matrix(town).seconds[0, 1] for hour in (8, 3))
    assert at_eight / at_three == pytest.approx(KMH_BY_HOUR[3] / KMH_BY_HOUR[8], rel=0.02)
    assert at_three < GeodesicTravel().matrix(town).seconds[0, 1] < at_eight


def test_every_hour_of_the_day_has_a_speed() -> None:
    assert len(KMH_BY_HOUR) == 24
    assert min(KMH_BY_HOUR) > 0


@pytest.mark.parametrize(("lat", "lon"), [(91, 0), (0, 181), (float("nan"), 0), (0, float("inf"))])
def test_a_position_that_is_not_on_earth_is_refused(lat: float, lon: float) -> None:
    with pytest.raises(PositionInvalid):
        Point(lat, lon)
