"""The shipped district: sane road times, and what happens beside the known addresses."""

from __future__ import annotations

import csv
import gzip
import io
from pathlib import Path

import numpy as np
import pytest

from dispatch.travel.geodesic import GeodesicTravel, great_circle_metres
from dispatch.travel.provider import Point, TravelUnavailable, in_radians
from dispatch.travel.table import ADDRESSES, MATRIX, SHIPPED_DISTRICT, TableTravel, load_table


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str]]:
    text = gzip.decompress((SHIPPED_DISTRICT / ADDRESSES).read_bytes()).decode()
    return list(csv.DictReader(io.StringIO(text)))


def test_the_district_has_enough_addresses_homes_and_depots(rows: list[dict[str, str]]) -> None:
    kinds = [row["kind"] for row in rows]
    assert kinds.count("site") >= 300
    assert kinds.count("home") == 20
    assert kinds.count("depot") == 2
    assert len({row["id"] for row in rows}) == len(rows)
    assert len({(row["street"], row["house_number"]) for row in rows}) == len(rows)


def test_every_address_lies_within_sixty_metres_of_its_kerb(rows: list[dict[str, str]]) -> None:
    for row in rows:
        ends = [
            Point(float(row["lat"]), float(row["lon"])),
            Point(float(row["kerb_lat"]), float(row["kerb_lon"])),
        ]
        gap = great_circle_metres(in_radians(ends[:1]), in_radians(ends[1:]))[0, 0]
        assert gap <= 60.0
        assert gap == pytest.approx(float(row["kerb_metres"]), abs=0.3)


def test_every_address_reaches_every_other() -> None:
    table = load_table(SHIPPED_DISTRICT)
    assert table.seconds.max() < 30 * 60
    assert not table.seconds.diagonal().any()
    assert (table.seconds[~np.eye(len(table.points), dtype=bool)] == 0).mean() < 0.01


def test_roads_are_not_shorter_than_the_straight_line_from_kerb_to_kerb(rows: list[dict[str, str]]) -> None:
    kerbs = in_radians([Point(float(row["kerb_lat"]), float(row["kerb_lon"])) for row in rows])
    straight = great_circle_metres(kerbs, kerbs)
    assert (load_table(SHIPPED_DISTRICT).metres >= straight * 0.98 - 1).all()


def test_no_stop_on_the_way_makes_a_drive_shorter() -> None:
    """Triangle inequality; the turn into and out of a stop may save a turn or a signal, hence the slack."""
    seconds = load_table(SHIPPED_DISTRICT).seconds[::9, ::9]
    shortest = (seconds[:, :, None] + seconds[None, :, :]).min(axis=1)
    assert (seconds - shortest <= 60).all()
    assert (seconds - shortest > 10).mean() < 0.2


def test_one_way_streets_make_the_two_directions_differ() -> None:
    seconds = load_table(SHIPPED_DISTRICT).seconds
    assert (np.abs(seconds - seconds.T) > 30).mean() > 0.25


def test_a_point_near_an_address_takes_its_times() -> None:
    known = load_table(SHIPPED_DISTRICT).points
    beside = Point(known[7].lat + 0.00003, known[7].lon)
    assert TableTravel().rows_of([known[7], beside, Point(60.5, 25.0)]).tolist() == [7, 7, -1]


def test_a_place_outside_the_district_is_estimated_and_the_others_stay_exact() -> None:
    known = load_table(SHIPPED_DISTRICT).points
    places = [known[3], known[200], Point(60.25, 25.0)]
    mixed, estimate = TableTravel().matrix(places), GeodesicTravel().matrix(places)
    exact = load_table(SHIPPED_DISTRICT).seconds
    assert mixed.seconds[0, 1] == exact[3, 200]
    assert mixed.seconds[1, 0] == exact[200, 3]
    assert mixed.seconds[0, 2] == estimate.seconds[0, 2] > 0
    assert mixed.metres[2, 1] == estimate.metres[2, 1] > 0


def test_the_loaded_table_cannot_be_changed_by_a_caller() -> None:
    with pytest.raises(ValueError, match="read-only"):
        load_table(SHIPPED_DISTRICT).seconds[0, 0] = 5


def test_a_missing_or_torn_table_is_a_named_error(tmp_path: Path) -> None:
    places = [Point(60.17, 24.94), Point(60.18, 24.95)]
    with pytest.raises(TravelUnavailable):
        TableTravel(tmp_path / "nowhere").matrix(places)
    (tmp_path / ADDRESSES).write_bytes((SHIPPED_DISTRICT / ADDRESSES).read_bytes()[:500])
    (tmp_path / MATRIX).write_bytes((SHIPPED_DISTRICT / MATRIX).read_bytes())
    with pytest.raises(TravelUnavailable):
        TableTravel(tmp_path).matrix(places)
