"""Finding addresses as people write them."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from dispatch.settings import Settings
from dispatch.simulation.places import places
from dispatch.travel import build_geocoder
from dispatch.travel.geocode import (
    Address,
    AddressInvalid,
    AddressListUnreadable,
    AddressUnknown,
    Area,
    Gazetteer,
    GeocoderUnavailable,
    load_gazetteer,
)
from dispatch.travel.nominatim import NominatimGeocoder
from dispatch.travel.provider import Point


@pytest.fixture(scope="module")
def helsinki() -> Gazetteer:
    found = build_geocoder(Settings())
    assert isinstance(found, Gazetteer)
    return found


@pytest.fixture(scope="module")
def shanghai() -> Gazetteer:
    written = [
        ("南京东路", "123号", "上海"),
        ("南京西路", "123号", "上海"),
        ("延安西路", "12弄5号", "上海"),
        ("延安西路", "12弄6号", "上海"),
        ("中山路", "8", "南京"),
        ("中山路", "8", "上海"),
    ]
    return Gazetteer(
        Address(str(number), street, house, "", city, Point(31.2 + number / 1000, 121.4))
        for number, (street, house, city) in enumerate(written)
    )


@pytest.mark.parametrize(
    "written",
    [
        "Yrjönkatu 10",
        "yrjonkatu 10",
        "  YRJÖNKATU   10 ",
        "10 Yrjönkatu",
        "Yrjönkatu 10, Helsinki",
        "Yrjönkatu 10 B 14, 00120 HELSINKI",
        "Yrjo\u0308nkatu １０",
        "Yrjönkatu10",
    ],
)
def test_one_address_is_found_in_many_spellings(helsinki: Gazetteer, written: str) -> None:
    found = helsinki.locate(written)
    assert (found.street, found.house_number, found.city) == ("Yrjönkatu", "10", "Helsinki")
    assert 60.164 < found.point.lat < 60.180


def test_a_letter_after_the_number_is_another_house(helsinki: Gazetteer) -> None:
    assert helsinki.locate("aleksanterinkatu 15b").house_number == "15 B"


def test_a_range_answers_to_both_its_ends(helsinki: Gazetteer) -> None:
    assert helsinki.locate("Pohjoisesplanadi 11-13") == helsinki.locate("pohjoisesplanadi 13")


@pytest.mark.parametrize(
    ("written", "street", "number", "city"),
    [
        ("上海市南京东路123号", "南京东路", "123号", "上海"),
        ("南京西路 １２３", "南京西路", "123号", "上海"),
        ("延安西路12弄6号3楼", "延安西路", "12弄6号", "上海"),
        ("南京市中山路8号", "中山路", "8", "南京"),
        ("上海中山路8号", "中山路", "8", "上海"),
    ],
)
def test_chinese_addresses_are_matched_by_characters(
    shanghai: Gazetteer, written: str, street: str, number: str, city: str
) -> None:
    found = shanghai.locate(written)
    assert (found.street, found.house_number, found.city) == (street, number, city)


def test_a_range_a_flat_and_a_plain_number_are_told_apart() -> None:
    numbers = ("1-3", "1", "13", "3 B", "99")
    street = Gazetteer(Address(n, "Pieni katu", n, "", "", Point(60, 25)) for n in numbers)
    written = {"1-3": "1-3", "1 – 3": "1-3", "13": "13", "1": "1", "1 3": "1", "3 b 13": "3 B", "3B13": "3 B"}
    written |= {"99, 12345 Elsewhere": "99", "1, 00100": "1"}
    assert {text: street.locate(f"pieni katu {text}").id for text in written} == written
    assert street.locate("12345 Elsewhere, Pieni katu 99").id == "99"


def test_every_shipped_address_is_found_by_its_own_line(helsinki: Gazetteer) -> None:
    for kind in ("depot", "home", "site"):
        for address in places(kind):
            assert helsinki.locate(address.line) == address


def test_an_unknown_number_suggests_the_nearest_houses_of_the_street(helsinki: Gazetteer) -> None:
    with pytest.raises(AddressUnknown) as refused:
        helsinki.locate("Bulevardi 999")
    assert refused.value.detail["suggestions"][0].startswith("Bulevardi 2")
    assert len(refused.value.detail["suggestions"]) == 5


def test_a_misspelt_street_suggests_the_right_one(helsinki: Gazetteer, shanghai: Gazetteer) -> None:
    with pytest.raises(AddressUnknown) as refused:
        helsinki.locate("Bulevarde 12")
    assert refused.value.detail["suggestions"][0] == "Bulevardi 12, Helsinki"
    assert shanghai.search("西安路5号")[0].street == "延安西路"


@pytest.mark.parametrize("written", ["Nowhere Lane 5", "???", "Helsinki", "12", "'; drop table sites; --"])
def test_what_is_nowhere_is_unknown(helsinki: Gazetteer, written: str) -> None:
    with pytest.raises(AddressUnknown):
        helsinki.locate(written)


@pytest.mark.parametrize("written", ["", "   ", "B" * 10_000])
def test_no_address_and_a_ten_thousand_character_address_are_refused(
    helsinki: Gazetteer, written: str
) -> None:
    with pytest.raises(AddressInvalid):
        helsinki.locate(written)


def test_an_address_list_can_be_json_csv_or_packed_csv(tmp_path: Path) -> None:
    row = {"street": "Öster Gata", "house_number": "7", "city": "Å", "lat": "59.1", "lon": "18.2"}
    table = ",".join(row) + "\n" + ",".join(row.values()) + "\n"
    (tmp_path / "a.json").write_text(json.dumps([row]))
    (tmp_path / "a.csv").write_text("\ufeff" + table)
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(table.encode()))
    for name in ("a.json", "a.csv", "a.csv.gz"):
        assert load_gazetteer(tmp_path / name).locate("oster gata 7").point == Point(59.1, 18.2)


@pytest.mark.parametrize("content", ["street,lat\nA,1\n", '[{"street": "A"}]', "[1]", "{", "\x00"])
def test_an_unreadable_address_list_is_a_named_error(tmp_path: Path, content: str) -> None:
    path = tmp_path / ("list.csv" if content.startswith("street") else "list.json")
    path.write_text(content)
    with pytest.raises(AddressListUnreadable):
        load_gazetteer(path)
    with pytest.raises(AddressListUnreadable):
        load_gazetteer(tmp_path / "missing.csv")


def test_a_nominatim_server_is_asked_and_its_answer_read(map_server) -> None:
    map_server.places = [
        {
            "osm_type": "way",
            "osm_id": 42,
            "lat": "60.1676",
            "lon": "24.9427",
            "display_name": "10, Yrjönkatu, Helsinki",
            "address": {"road": "Yrjönkatu", "house_number": "10", "city": "Helsinki", "postcode": "00120"},
        }
    ]
    found = build_geocoder(Settings(geocoder="nominatim", nominatim_url=map_server.url)).locate(
        "Yrjönkatu 10"
    )
    assert found == Address("way/42", "Yrjönkatu", "10", "00120", "Helsinki", Point(60.1676, 24.9427))
    assert map_server.asked[0].startswith("/search?")


def test_nominatim_without_a_house_number_is_unknown_and_suggests(map_server) -> None:
    map_server.places = [
        {
            "osm_type": "way",
            "osm_id": 1,
            "lat": "60.1",
            "lon": "24.9",
            "display_name": "Y",
            "name": "Yrjönkatu",
        }
    ]
    with pytest.raises(AddressUnknown) as refused:
        NominatimGeocoder(map_server.url).locate("Yrjönkatu")
    assert refused.value.detail["suggestions"] == ["Yrjönkatu"]
    map_server.places = []
    with pytest.raises(AddressUnknown):
        NominatimGeocoder(map_server.url).locate("Nowhere 1")


@pytest.mark.parametrize("answer", [(500, "{}"), (200, "<html>")])
def test_a_nominatim_server_in_trouble_is_a_named_error(map_server, answer: tuple[int, str]) -> None:
    map_server.answer_instead = answer
    with pytest.raises(GeocoderUnavailable):
        NominatimGeocoder(map_server.url).locate("Yrjönkatu 10")


@pytest.mark.parametrize(
    ("known", "address", "level"),
    [
        ("Yrjönkatu 99, Helsinki", {"road": "Yrjönkatu", "city": "Helsinki"}, "street"),
        ("Helsinki", {"city": "Helsinki"}, "town"),
        ("Helsinki", {"country": "Suomi"}, None),
        ("Elsewhere", {"city": "Elsewhere"}, None),
    ],
)
def test_a_nominatim_server_knows_where_about_an_address_lies(
    map_server, known: str, address: dict[str, str], level: str | None
) -> None:
    """What follows a comma is asked for where the whole is not known; a country says too little."""
    place = {"osm_id": 1, "lat": "60.1", "lon": "24.9", "display_name": known, "address": address}
    map_server.places = [place]
    map_server.only_for = known
    found = NominatimGeocoder(map_server.url).area("Yrjönkatu 99, Helsinki")
    assert found == (None if level is None else Area(Point(60.1, 24.9), level))


@pytest.mark.parametrize(
    ("written", "level"),
    [("Yrjönkatu 9999, Helsinki", "street"), ("Nowhere Lane 5, Helsinki", "town"), ("Nowhere Lane 5", None)],
)
def test_the_list_knows_where_about_an_address_lies(
    helsinki: Gazetteer, written: str, level: str | None
) -> None:
    found = helsinki.area(written)
    assert (found.level if found else None) == level
    if found is not None:
        assert found.point in {place.point for place in places("site")} | {
            place.point for kind in ("home", "depot") for place in places(kind)
        }


def test_a_street_of_several_towns_is_meant_where_the_town_is_named(shanghai: Gazetteer) -> None:
    assert shanghai.area("南京 中山路 99") == Area(Point(31.204, 121.4), "street")
    assert shanghai.area("上海 中山路 99") == Area(Point(31.205, 121.4), "street")
    assert shanghai.area("中山路 99") is None
