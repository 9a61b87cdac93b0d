"""Travel by hour of day: factors between zones, so that a drive at eight in the morning takes longer."""

from dataclasses import dataclass

from optimizer.units import DAY, Seconds

HOUR: Seconds = 3_600
EVEN = 100
"""Factor of a drive that takes what the matrix says."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """
    How long drives take at each hour of the day, in hundredths of what the matrix says.

    Who sets out later never arrives earlier: within each hour a drive proceeds at that hour's speed. What is
    done of it counts in whole seconds of the matrix: of one half done when the hour ends or a rest begins,
    nothing remains.

    zones
        Zone of each location, counted from 0.
    factors
        By hour of the day (24), by zone of the origin, by zone of the target: 100 as the matrix says, 150
        half as long again.
    """

    zones: tuple[int, ...]
    factors: tuple[tuple[tuple[int, ...], ...], ...]

    def pace(self, origin: int, target: int) -> "Pace":
        """Factors of one way through the day."""
        here, there = self.zones[origin], self.zones[target]
        return Pace(tuple(hour[here][there] for hour in self.factors))


@dataclass(frozen=True, slots=True)
class Pace:
    """
    One way's factors.

    by_hour
        Factor of each hour of the day.
    """

    by_hour: tuple[int, ...]

    def covered(self, begin: Seconds, end: Seconds) -> Seconds:
        """How much of a drive, in seconds of the matrix, is done between two moments."""
        done = 0
        while begin < end:
            until = min(end, _hour_after(begin))
            done += (until - begin) * EVEN // self._factor(begin)
            begin = until
        return done

    def arrival(self, begin: Seconds, left: Seconds) -> Seconds:
        """When a drive that sets out at a moment has done what is left of it, in seconds of the matrix."""
        while left > 0:
            until = _hour_after(begin)
            need = -(-left * self._factor(begin) // EVEN)
            if begin + need <= until:
                return begin + need
            left -= (until - begin) * EVEN // self._factor(begin)
            begin = until
        return begin

    def departure(self, end: Seconds, left: Seconds) -> Seconds:
        """Latest moment to set out that has done what is left by a moment."""
        begin = end
        rest = left
        while rest > 0:
            since = _hour_before(begin)
            need = -(-rest * self._factor(since) // EVEN)
            if begin - need >= since:
                begin -= need
                break
            rest -= (begin - since) * EVEN // self._factor(since)
            begin = since
        while self.arrival(begin, left) > end:
            begin -= 1
        while self.arrival(begin + 1, left) <= end:
            begin += 1
        return begin

    def _factor(self, moment: Seconds) -> int:
        return self.by_hour[moment % DAY // HOUR]


def _hour_after(moment: Seconds) -> Seconds:
    """End of the hour in which a moment lies."""
    return moment - moment % HOUR + HOUR


def _hour_before(moment: Seconds) -> Seconds:
    """Start of the hour that ends at a moment or contains it."""
    return (moment - 1) - (moment - 1) % HOUR
