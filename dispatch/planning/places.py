"""
Numbers for the homes and sites of a day, and the travel between them.

Parking and access minutes of a site are added to the drive that leads there, since the technician spends
them between the road and the door; two visits at one site in a row pay them once.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence

import numpy as np

from dispatch.customers.model import Site
from dispatch.technicians.queries import OnDuty
from dispatch.travel import TravelTimes
from dispatch.travel.provider import Point
from optimizer.problem import Matrix
from optimizer.roads import PLAIN_PLACES, LaterRoads
from optimizer.units import HORIZON


class Places:
    """Numbers the homes and sites of a day: homes first, each site once."""

    def __init__(self, crew: Sequence[OnDuty], sites: Sequence[Site]) -> None:
        self.points: list[Point] = []
        self.minutes: list[int] = []
        self.homes: dict[uuid.UUID, int] = {}
        self.sites: dict[uuid.UUID, int] = {}
        for member in crew:
            self.homes[member.technician.id] = len(self.points)
            self._add(member.technician.home_latitude, member.technician.home_longitude, 0)
        for site in sites:
            if site.id not in self.sites:
                self.sites[site.id] = len(self.points)
                self._add(site.latitude, site.longitude, site.parking_minutes + site.access_minutes)

    def _add(self, latitude: float, longitude: float, minutes: int) -> None:
        self.points.append(Point(latitude, longitude))
        self.minutes.append(minutes)

    def with_site(self, site: Site) -> Places:
        """Return these places, and one more if the site is not among them."""
        if site.id in self.sites:
            return self
        wider = Places((), ())
        wider.points, wider.minutes = [*self.points], [*self.minutes]
        wider.homes, wider.sites = self.homes, {**self.sites, site.id: len(self.points)}
        wider._add(site.latitude, site.longitude, site.parking_minutes + site.access_minutes)
        return wider

    def matrix(self, travel: TravelTimes) -> Matrix:
        """
        Ask for all pairs, or for pairs as they are needed, and add parking and access on the way in.

        What cannot be reached stays one week away: a longer way would make the whole day unplannable.
        """
        if not self.points:
            return Matrix((), ())
        if len(self.points) > PLAIN_PLACES:
            return matrix_between(travel, self.points, self.minutes)
        table = travel.matrix(self.points)
        seconds = table.seconds.copy()
        for column, minutes in enumerate(self.minutes):
            seconds[:, column] += 60 * minutes
            seconds[column, column] = 0
        return Matrix(np.minimum(seconds, HORIZON).tolist(), table.metres.tolist())


def matrix_between(travel: TravelTimes, points: Sequence[Point], minutes: Sequence[int]) -> Matrix:
    """Travel that is asked for as it is needed; minutes are added to each drive to a point."""
    return Matrix.of(LaterRoads(travel.roads(points), [60 * access for access in minutes]))
