"""
How likely an arrival is in time: one route driven with lengths that vary as measured ones do.

Every drive and every repair is taken as planned times a factor with a mean and a deviation (``Spread``).
Moments along the route are kept as normal variables; waiting for a window to open cuts their lower tail off
(Clark, *The Greatest of a Finite Set of Random Variables*, Operations Research 9(2), 1961). How well the
figures hold: ``benchmarks/chances.py``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from optimizer.plan import Fetch, Route, Stop
from optimizer.problem import Window
from optimizer.units import Seconds

REMAINDER = 0.25
"""However near its expected end, work under way is as uncertain as this part of it."""
NOBODY: Mapping[str, Seconds] = MappingProxyType({})
"""Nobody is on the way."""
CERTAIN = 1.0
"""Seconds of deviation below which a moment counts as known."""


@dataclass(frozen=True, slots=True)
class Spread:
    """
    Factors between what was planned and what happened, each with its mean and its deviation.

    travel_mean, travel_deviation
        Of a drive.
    work_mean, work_deviation
        Of the time on site.
    """

    travel_mean: float = 1.05
    travel_deviation: float = 0.25
    work_mean: float = 1.0
    work_deviation: float = 0.35


@dataclass(frozen=True, slots=True)
class Later:
    """A moment that is not known yet: mean in seconds since midnight, and variance in square seconds."""

    mean: float
    variance: float = 0.0

    @property
    def deviation(self) -> float:
        """Square root of the variance, in seconds."""
        return math.sqrt(self.variance)

    def after(self, planned: float, factor: float, deviation: float) -> Later:
        """Return the moment after something that was planned to take some seconds."""
        return Later(self.mean + planned * factor, self.variance + (planned * deviation) ** 2)

    def not_before(self, opening: Seconds) -> Later:
        """Return the greater of this moment and a fixed one (Clark 1961, with one certain variable)."""
        spread = self.deviation
        if spread < CERTAIN:
            return Later(max(self.mean, opening), self.variance)
        at = (self.mean - opening) / spread
        above, density = _below(at), math.exp(-at * at / 2) / math.sqrt(2 * math.pi)
        first = self.mean * above + opening * (1 - above) + spread * density
        second = (
            (self.mean**2 + self.variance) * above
            + opening**2 * (1 - above)
            + (self.mean + opening) * spread * density
        )
        return Later(first, max(0.0, second - first * first))

    def chance_by(self, end: Seconds) -> float:
        """Probability of coming not later than a moment."""
        spread = self.deviation
        if spread < CERTAIN:
            return 1.0 if self.mean <= end else 0.0
        return _below((end - self.mean) / spread)


def _below(deviations: float) -> float:
    """Share of a normal variable below so many deviations above its mean."""
    return math.erfc(-deviations / math.sqrt(2)) / 2


@dataclass(frozen=True, slots=True)
class Forecast:
    """When somebody will probably be at a stop: arrival, and the chance that it is in time."""

    arrival: Later
    chance: float


def forecast(
    route: Route,
    promised: Mapping[str, Window],
    spread: Spread,
    *,
    begun: frozenset[str] = frozenset(),
    coming: Mapping[str, Seconds] = NOBODY,
    now: Seconds = 0,
) -> dict[str, Forecast]:
    """
    Forecast every stop of a route at which nobody is yet.

    Parameters
    ----------
    route
        As planned; drives, services and breaks as long as planned, times their factors.
    promised
        Windows by visit: service begins not before a window opens, and arriving by its end keeps it. A visit
        that is missing here is always in time.
    spread
        Measured factors.
    begun
        Visits under way or over: facts, whose end is where the rest of the route begins.
    coming
        When whoever has set out to a visit that counts as begun will be there, as far as is known.
    now
        Present moment: the end of what is still under way is not known exactly.
    """
    found: dict[str, Forecast] = {}
    at = Later(route.departure)
    planned = route.departure
    for call in route.calls():
        if isinstance(call, Stop) and call.visit_id in begun:
            if call.visit_id in coming:
                found[call.visit_id] = _on_the_way(
                    coming[call.visit_id], promised.get(call.visit_id), spread, now
                )
            at, planned = _under_way(call, spread, now), call.end
            continue
        rest = max(0, call.arrival - planned - call.travel)
        arrival = at.after(call.travel, spread.travel_mean, spread.travel_deviation)
        arrival = Later(arrival.mean + rest, arrival.variance)
        at, planned = arrival, call.end
        if isinstance(call, Fetch):
            at = Later(arrival.mean + call.end - call.arrival, arrival.variance)
            continue
        window = promised.get(call.visit_id)
        found[call.visit_id] = Forecast(arrival, 1.0 if window is None else arrival.chance_by(window.end))
        if window is not None:
            at = arrival.not_before(window.start)
        at = at.after(call.end - call.start, spread.work_mean, spread.work_deviation)
    return found


def _on_the_way(there: Seconds, window: Window | None, spread: Spread, now: Seconds) -> Forecast:
    """Forecast the arrival of somebody who drives: the rest of the way is as uncertain as any way so long."""
    arrival = Later(there, (max(0, there - now) * spread.travel_deviation) ** 2)
    return Forecast(arrival, 1.0 if window is None else arrival.chance_by(window.end))


def _under_way(stop: Stop, spread: Spread, now: Seconds) -> Later:
    """Return the end of a stop that has begun: a fact if it lies behind, uncertain while the work goes on."""
    if stop.end <= now:
        return Later(stop.end)
    left = max(stop.end - now, REMAINDER * (stop.end - stop.start))
    return Later(stop.end, (left * spread.work_deviation) ** 2)


def lost(before: Mapping[str, Forecast], after: Mapping[str, Forecast]) -> float:
    """How many kept promises a change of a route costs in the mean: the chances that it takes from others."""
    return sum(max(0.0, had.chance - after[visit].chance) for visit, had in before.items() if visit in after)
