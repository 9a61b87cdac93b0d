"""
Where a site is: given, found, or about there.

An address that nobody can find is refused with suggestions, unless the call taker wants it entered all the
same: then the middle of its street, its town, or of the territory named stands in, marked until somebody
corrects it. A position is never made up of nothing.
"""

from __future__ import annotations

from sqlalchemy.orm import Session

from dispatch import outbox
from dispatch.access.rules import Principal
from dispatch.customers import rules
from dispatch.customers.correcting import kept
from dispatch.customers.model import Site
from dispatch.customers.rules import EXACT, Place
from dispatch.errors import Invalid
from dispatch.events import SiteLocated
from dispatch.territories import queries as territories
from dispatch.territories.model import Territory
from dispatch.territories.rules import OutsideEveryTerritory, centre
from dispatch.travel.geocode import AddressUnknown, Area, Geocoder, GeocoderUnavailable
from dispatch.travel.provider import Point

Found = tuple[Point, Territory, str]
"""Position, territory, and how well the position is known."""


class PositionMissing(Invalid):
    """A site was given without a position, and no address service is set up to find it."""

    code = "POSITION_MISSING"
    remedy = "Send latitude and longitude with the address, or `approximate` with a territory."


def locate(session: Session, by: Principal | None, place: Place, geocoder: Geocoder | None) -> Found:
    """
    Return where a place is and whose territory that is.

    Raises ``AddressUnknown`` with suggestions, ``PositionMissing``, or ``OutsideEveryTerritory``, where
    nothing approximate is wanted or not even that is known.
    """
    named = _named(session, by, place)
    if place.latitude is not None and place.longitude is not None:
        return _within(session, Point(place.latitude, place.longitude), EXACT)
    try:
        return _within(session, _looked_up(place, geocoder), EXACT)
    except (AddressUnknown, GeocoderUnavailable, PositionMissing):
        about = _about(session, named, place, geocoder) if place.approximate else None
        if about is None:
            raise
        return about


def _looked_up(place: Place, geocoder: Geocoder | None) -> Point:
    if geocoder is None:
        raise PositionMissing("the site has no position and no address service is set up")
    return geocoder.locate(place.address).point


def _within(session: Session, point: Point, quality: str) -> Found:
    return point, territories.containing(session, point.lat, point.lon), quality


def _about(
    session: Session, named: Territory | None, place: Place, geocoder: Geocoder | None
) -> Found | None:
    """The middle of street or town within a territory, within the one named if one is; else the latter's."""
    area = _area(geocoder, place.address)
    if area is not None:
        try:
            found = _within(session, area.point, area.level)
        except OutsideEveryTerritory:
            if named is None:
                raise
        else:
            if named is None or found[1].id == named.id:
                return found
    if named is None:
        return None
    return Point(*centre(named.boundary)), named, "territory"


def _named(session: Session, by: Principal | None, place: Place) -> Territory | None:
    if place.territory_id is None:
        return None
    if by is None:
        return session.get_one(Territory, place.territory_id)
    return territories.find_territory(session, by, place.territory_id)


def _area(geocoder: Geocoder | None, address: str) -> Area | None:
    try:
        return geocoder.area(address) if geocoder is not None else None
    except GeocoderUnavailable:
        return None


def correct_position(
    session: Session,
    *,
    by: Principal | None,
    site: Site,
    position: Point,
    expected_version: int | None = None,
) -> Site:
    """
    Put a site where it really is, once it was entered approximately; days that go there are planned anew.

    Raises ``PositionExact`` for a site that is known exactly, ``PositionElsewhere`` beyond its territory.
    """
    site.expect_version(expected_version)
    if site.position_quality == EXACT:
        raise rules.PositionExact("the position of the site is known exactly")
    territory = territories.containing(session, position.lat, position.lon)
    if territory.id != site.territory_id:
        raise rules.PositionElsewhere(f"the position lies in {territory.code}", territory=str(territory.id))
    site.latitude, site.longitude, site.position_quality = position.lat, position.lon, EXACT
    kept(session, site, of=site.customer_id)
    outbox.record(session, SiteLocated(site_id=str(site.id)))
    return site
