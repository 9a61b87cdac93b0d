"""Travel times and addresses: what they come from is a setting, who asks does not know."""

import functools

from dispatch.errors import SettingInvalid
from dispatch.settings import Settings
from dispatch.travel.cache import CachedTravel
from dispatch.travel.geocode import Geocoder, load_gazetteer
from dispatch.travel.geodesic import GeodesicTravel
from dispatch.travel.provider import Point, TravelMatrix, TravelTimes
from dispatch.travel.table import ADDRESSES, SHIPPED_DISTRICT, TableTravel

__all__ = [
    "Point",
    "TravelMatrix",
    "TravelTimes",
    "addresses",
    "build_geocoder",
    "build_provider",
    "configure",
    "times",
]

_settings: Settings | None = None


def configure(settings: Settings) -> None:
    """Say which settings this process uses (``bootstrap`` calls this once)."""
    global _settings  # noqa: PLW0603 - one source of travel times per process
    if settings == _settings:
        return
    _settings = settings
    times.cache_clear()
    addresses.cache_clear()


@functools.cache
def times() -> TravelTimes:
    """The configured source of travel times; built at first use."""
    return build_provider(_settings or Settings.from_environment())


@functools.cache
def addresses() -> Geocoder:
    """The configured address search; built at first use."""
    return build_geocoder(_settings or Settings.from_environment())


def build_provider(settings: Settings) -> TravelTimes:
    """The source of travel times that the settings name."""
    if settings.travel == "osrm":
        if settings.osrm_url is None:
            raise SettingInvalid("TRUCKROLL_TRAVEL=osrm needs TRUCKROLL_OSRM_URL")
        from dispatch.travel.osrm import OsrmTravel

        return CachedTravel(OsrmTravel(settings.osrm_url))
    if settings.travel == "district":
        return TableTravel((settings.travel_table or SHIPPED_DISTRICT).absolute())
    return GeodesicTravel()


def build_geocoder(settings: Settings) -> Geocoder:
    """The address search that the settings name."""
    if settings.geocoder == "nominatim":
        if settings.nominatim_url is None:
            raise SettingInvalid("TRUCKROLL_GEOCODER=nominatim needs TRUCKROLL_NOMINATIM_URL")
        from dispatch.travel.nominatim import NominatimGeocoder

        return NominatimGeocoder(settings.nominatim_url)
    return load_gazetteer((settings.address_list or SHIPPED_DISTRICT / ADDRESSES).absolute())
