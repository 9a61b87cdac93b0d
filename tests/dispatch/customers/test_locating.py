"""Sites that nobody can locate: refused by name, or entered about there and marked until corrected."""

from __future__ import annotations

import math
import random

import pytest
from sqlalchemy.orm import Session

from dispatch.access.rules import Role
from dispatch.customers import commands, queries
from dispatch.customers.locating import PositionMissing
from dispatch.customers.model import Site
from dispatch.customers.rules import Place, PositionElsewhere, PositionExact
from dispatch.errors import NotFound
from dispatch.events import CustomerFileChanged, Event, SiteLocated
from dispatch.territories.model import Territory
from dispatch.territories.rules import OutsideEveryTerritory, centre, contains
from dispatch.travel.geocode import Address, AddressUnknown, Gazetteer, GeocoderUnavailable
from dispatch.travel.provider import Point
from tests import builders as b
from tests.dispatch.conftest import MovableClock
from tests.planning_world import register_kinds

OFFICE = b.a_principal(Role.CALL_TAKER)
IN_TOWN = [(60.170, 24.930), (60.171, 24.931), (60.172, 24.932)]
FAR = (10.0, 10.0)


class Away(Gazetteer):
    """An address service that does not answer."""

    def locate(self, text: str) -> Address:
        """Not to be reached."""
        raise GeocoderUnavailable("nobody answers")

    area = locate  # type: ignore[assignment]


@pytest.fixture
def place(session: Session, now: MovableClock) -> Territory:
    """The square that the town lies in."""
    register_kinds()
    return b.a_territory(session)


@pytest.fixture
def town() -> Gazetteer:
    """Three houses of one street in Helsinki, one house of another, and a village far away."""
    houses = [("Testikatu", str(2 * n + 1), "Helsinki", at) for n, at in enumerate(IN_TOWN)]
    houses += [("Toinen tie", "1", "Helsinki", (60.2, 24.99)), ("Kaukotie", "1", "Kaukana", FAR)]
    return Gazetteer(
        Address(str(n), street, house, "", city, Point(*at))
        for n, (street, house, city, at) in enumerate(houses)
    )


def added(session: Session, geocoder: Gazetteer | None, **place: object) -> Site:
    """A site of a new customer."""
    where = Place(**{"address": "Testikatu 99, Helsinki", "approximate": True, **place})  # type: ignore[arg-type]
    return commands.add_site(
        session, by=OFFICE, customer=b.a_customer(session), place=where, geocoder=geocoder
    )


@pytest.mark.parametrize(
    ("address", "quality"),
    [
        ("Testikatu 3, Helsinki", "exact"),
        ("Testikatu 99, Helsinki", "street"),
        ("testikatu", "street"),
        ("Olematon kuja 5, Helsinki", "town"),
    ],
)
def test_an_address_is_entered_as_well_as_it_is_known(
    session: Session, place: Territory, town: Gazetteer, address: str, quality: str
) -> None:
    site = added(session, town, address=address)
    assert (site.position_quality, site.territory_id) == (quality, place.id)
    assert (site.latitude, site.longitude) in {*IN_TOWN, (60.2, 24.99)}
    if quality in {"exact", "street"}:
        assert (site.latitude, site.longitude) == IN_TOWN[1]


def test_an_address_of_nowhere_lies_in_the_middle_of_the_territory_named(
    session: Session, place: Territory, town: Gazetteer
) -> None:
    site = added(session, town, address="???", territory_id=place.id)
    assert (site.position_quality, site.territory_id) == ("territory", place.id)
    assert contains(place.boundary, site.latitude, site.longitude)
    assert (site.latitude, site.longitude) != (0.0, 0.0)


@pytest.mark.parametrize("geocoder", [None, Away([])])
def test_without_an_address_service_the_territory_stands_in(
    session: Session, place: Territory, geocoder: Gazetteer | None
) -> None:
    assert added(session, geocoder, territory_id=place.id).position_quality == "territory"


def test_nothing_is_approximate_unless_it_is_wanted(
    session: Session, place: Territory, town: Gazetteer
) -> None:
    with pytest.raises(AddressUnknown):
        added(session, town, approximate=False)
    with pytest.raises(AddressUnknown):
        added(session, town, approximate=False, territory_id=place.id)
    with pytest.raises(GeocoderUnavailable):
        added(session, Away([]), approximate=False)


def test_where_nothing_at_all_is_known_the_named_error_stays(
    session: Session, place: Territory, town: Gazetteer
) -> None:
    """Never a silent zero."""
    with pytest.raises(AddressUnknown):
        added(session, town, address="???")
    with pytest.raises(PositionMissing):
        added(session, None)
    with pytest.raises(OutsideEveryTerritory):
        added(session, town, address="Kaukotie 99, Kaukana")
    near = added(session, town, address="Kaukotie 99, Kaukana", territory_id=place.id)
    assert near.position_quality == "territory"


def test_a_territory_out_of_sight_cannot_be_named(
    session: Session, place: Territory, town: Gazetteer
) -> None:
    other = b.a_principal(Role.CALL_TAKER, territory_ids=frozenset())
    where = Place(address="???", approximate=True, territory_id=place.id)
    with pytest.raises(NotFound):
        commands.add_site(session, by=other, customer=b.a_customer(session), place=where, geocoder=town)


def test_a_site_is_listed_until_it_is_put_where_it_is(
    session: Session, place: Territory, recorded: list[Event]
) -> None:
    site = b.a_site(session, territory=place, position_quality="town")
    b.a_site(session, territory=place)
    assert queries.approximate_sites(session, place.id) == [site]
    position = Point(b.CENTRE[0] + 0.01, b.CENTRE[1])
    commands.correct_position(session, by=OFFICE, site=site, position=position, expected_version=1)
    assert (site.latitude, site.position_quality, site.version) == (position.lat, "exact", 2)
    assert queries.approximate_sites(session, place.id) == []
    assert [event for event in recorded if isinstance(event, SiteLocated)] == [
        SiteLocated(site_id=str(site.id))
    ]
    assert [event.customer_id for event in recorded if isinstance(event, CustomerFileChanged)] == [
        str(site.customer_id)
    ]
    with pytest.raises(PositionExact):
        commands.correct_position(session, by=OFFICE, site=site, position=position)


def test_a_position_beyond_the_territory_is_refused(session: Session, place: Territory) -> None:
    far = [[10.0, 10.0], [10.0, 11.0], [11.0, 11.0]]
    b.a_territory(session, boundary=far)
    site = b.a_site(session, territory=place, position_quality="town")
    with pytest.raises(PositionElsewhere):
        commands.correct_position(session, by=OFFICE, site=site, position=Point(10.2, 10.8))
    assert site.position_quality == "town"


@pytest.mark.parametrize("seed", range(20))
def test_the_middle_of_any_ring_lies_within_it(seed: int) -> None:
    """Generated: stars of 3 to 12 corners, many of them hollow, anywhere on the globe."""
    chance = random.Random(seed)
    corners = chance.randint(3, 12)
    turns = sorted(chance.uniform(0, 6.28) for _ in range(corners))
    south, west = chance.uniform(-60, 60), chance.uniform(-170, 170)
    ring = [
        [south + reach * math.sin(turn), west + reach * math.cos(turn)]
        for turn in turns
        for reach in [chance.uniform(0.02, 0.5)]
    ]
    assert contains(ring, *centre(ring))


def test_the_middle_of_a_hollow_ring_is_not_in_the_hollow() -> None:
    """A horseshoe whose centre of area lies outside."""
    shoe = [[0, 0], [0, 10], [10, 10], [10, 9], [1, 9], [1, 1], [10, 1], [10, 0]]
    assert contains(shoe, *centre(shoe))
    assert centre([[0, 0], [0, 2], [2, 2], [2, 0]]) == (1.0, 1.0)
