"""The OSRM client against a real HTTP server; replies for known points are recorded from OSRM 26.10."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import numpy as np
import pytest

from dispatch.errors import SettingInvalid
from dispatch.settings import Settings
from dispatch.travel import build_geocoder, build_provider
from dispatch.travel.cache import CachedTravel
from dispatch.travel.geodesic import GeodesicTravel
from dispatch.travel.osrm import OsrmTravel
from dispatch.travel.provider import UNREACHABLE_METRES, UNREACHABLE_SECONDS, Point, TravelUnavailable
from dispatch.travel.table import SHIPPED_DISTRICT, TableTravel, load_table

RECORDED = json.loads((Path(__file__).parent / "osrm_recorded.json").read_text())


def recorded_points(name: str) -> list[Point]:
    pairs = (place.split(",") for place in RECORDED[name]["coordinates"].split(";"))
    return [Point(float(lat), float(lon)) for lon, lat in pairs]


def test_a_recorded_answer_is_read_to_whole_seconds_and_metres(map_server) -> None:
    answer = OsrmTravel(map_server.url).matrix(recorded_points("four_points"))
    reply = RECORDED["four_points"]["reply"]
    assert answer.seconds.tolist() == np.rint(reply["durations"]).astype(int).tolist()
    assert answer.metres.tolist() == np.rint(reply["distances"]).astype(int).tolist()


def test_our_shipped_table_agrees_with_the_recorded_router() -> None:
    """Same map, other rules for signals: lengths within 10 %, times within a third (kerb to kerb)."""
    table = load_table(SHIPPED_DISTRICT)
    reply = RECORDED["four_points"]["reply"]
    assert table.metres[0, 1] == pytest.approx(reply["distances"][0][1], rel=0.1)
    assert table.seconds[0, 1] == pytest.approx(reply["durations"][0][1], rel=0.33)


def test_null_means_unreachable_and_is_not_an_error(map_server) -> None:
    answer = OsrmTravel(map_server.url).matrix(recorded_points("unreachable"))
    assert answer.seconds.tolist() == [[0, UNREACHABLE_SECONDS], [UNREACHABLE_SECONDS, 0]]
    assert answer.metres.tolist() == [[0, UNREACHABLE_METRES], [UNREACHABLE_METRES, 0]]


def test_a_large_table_is_asked_in_pieces_and_put_together_unchanged(map_server) -> None:
    places = list(load_table(SHIPPED_DISTRICT).points[:123])
    whole = OsrmTravel(map_server.url, points_per_side=200).matrix(places)
    assert len(map_server.asked) == 1
    pieces = OsrmTravel(map_server.url).matrix(places)
    assert len(map_server.asked) == 1 + 9
    assert np.array_equal(whole.seconds, pieces.seconds)
    assert np.array_equal(whole.metres, pieces.metres)
    assert max(len(path) for path in map_server.asked[1:]) < 4096


@pytest.mark.parametrize(
    "answer",
    [
        (400, '{"code":"TooBig","message":"Too many table coordinates"}'),
        (200, "<html>proxy page</html>"),
        (200, "[]"),
        (502, ""),
        (200, '{"code":"Ok"}'),
        (200, '{"code":"Ok","durations":[[0]],"distances":[[0]]}'),
        (200, '{"code":"Ok","durations":[["a","b"],["c","d"]],"distances":[[0,1],[1,0]]}'),
    ],
)
def test_an_unusable_answer_is_a_named_error(map_server, answer: tuple[int, str]) -> None:
    map_server.answer_instead = answer
    with pytest.raises(TravelUnavailable):
        OsrmTravel(map_server.url).matrix(recorded_points("four_points"))


def test_a_server_that_is_not_there_is_a_named_error() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(TravelUnavailable):
            OsrmTravel(closed, timeout_seconds=2).matrix(recorded_points("four_points"))


def test_a_repeated_question_is_answered_from_memory_and_the_oldest_is_forgotten(map_server) -> None:
    places = recorded_points("four_points")
    cached = CachedTravel(OsrmTravel(map_server.url), matrices=2)
    for question in (places, places, places[:2], places[:3], places[:3], places):
        cached.matrix(question)
    assert len(map_server.asked) == 4


def test_the_settings_choose_the_source(map_server) -> None:
    assert isinstance(build_provider(Settings()), GeodesicTravel)
    assert isinstance(build_provider(Settings(travel="district")), TableTravel)
    routed = build_provider(Settings(travel="osrm", osrm_url=map_server.url))
    assert routed.matrix(recorded_points("four_points")).seconds[0, 1] == 304
    with pytest.raises(SettingInvalid):
        build_provider(Settings(travel="osrm"))
    with pytest.raises(SettingInvalid):
        build_geocoder(Settings(geocoder="nominatim"))
