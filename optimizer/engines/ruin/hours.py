"""Travel by hour in compiled loops: the arithmetic of ``traffic.Pace`` and ``drives``, on arrays."""

from optimizer.engines.ruin.arrays import Day
from optimizer.engines.ruin.compiling import flat, inner, wide
from optimizer.engines.ruin.layout import EARLIEST, LATEST, REST, Index, Table, Whole
from optimizer.engines.ruin.rich import PAUSES
from optimizer.engines.ruin.timing import crossed, crossed_back
from optimizer.traffic import EVEN, HOUR
from optimizer.units import DAY, NEVER


@flat
def _factor(hours: Index, a: int, b: int, moment: int) -> int:
    """Factor of the hour in which a moment lies."""
    zones = hours[0]
    return wide(hours[hours[1] + (moment % DAY // HOUR * zones + hours[2 + a]) * zones + hours[2 + b]])


@inner
def _covered(hours: Index, a: int, b: int, begin: int, end: int) -> int:
    """How much of the drive from a to b is done between two moments."""
    done = 0
    while begin < end:
        until = min(end, begin - begin % HOUR + HOUR)
        done += (until - begin) * EVEN // _factor(hours, a, b, begin)
        begin = until
    return done


@inner
def _reached(hours: Index, a: int, b: int, begin: int, left: int) -> int:
    """When what is left of the drive from a to b is done."""
    while left > 0:
        until = begin - begin % HOUR + HOUR
        factor = _factor(hours, a, b, begin)
        need = -(-left * factor // EVEN)
        if begin + need <= until:
            return begin + need
        left -= (until - begin) * EVEN // factor
        begin = until
    return begin


@inner
def _leaving(hours: Index, a: int, b: int, end: int, left: int) -> int:
    """Latest moment to set out from a that has done what is left by a moment."""
    begin, rest = end, left
    while rest > 0:
        since = (begin - 1) - (begin - 1) % HOUR
        factor = _factor(hours, a, b, since)
        need = -(-rest * factor // EVEN)
        if begin - need >= since:
            begin -= need
            break
        rest -= (begin - since) * EVEN // factor
        begin = since
    while _reached(hours, a, b, begin, left) > end:
        begin -= 1
    while _reached(hours, a, b, begin + 1, left) <= end:
        begin += 1
    return begin


@flat
def covered(day: Day, a: int, b: int, begin: int, end: int) -> int:
    """How much of the drive from a to b is done between two moments."""
    return _covered(day.rich.hours, a, b, begin, end) if day.rich.traffic else end - begin


@flat
def reached(day: Day, a: int, b: int, begin: int, left: int) -> int:
    """When what is left of the drive from a to b is done."""
    return _reached(day.rich.hours, a, b, begin, left) if day.rich.traffic else begin + left


@flat
def leaving(day: Day, a: int, b: int, end: int, left: int) -> int:
    """Latest moment to set out from a that has done what is left by a moment."""
    return _leaving(day.rich.hours, a, b, end, left) if day.rich.traffic else end - left


@flat
def across(day: Day, who: int, a: int, b: int, ready: int, taken: int, then: int) -> int:
    """Moment when the drive from a to b and breaks ``taken`` to ``then`` are over; NEVER when too late."""
    if ready >= NEVER:
        return NEVER
    travel = wide(day.seconds[a, b])
    if day.rich.traffic:
        return _crossed(day.rich.hours, day.rests, who, a, b, ready, travel, taken, then)
    return crossed(day.rests, who, ready, travel, taken, then) if taken < then else ready + travel


@inner
def _crossed(
    hours: Index, rests: Table, who: int, a: int, b: int, ready: int, travel: int, taken: int, then: int
) -> int:
    """As ``across``, at the hour's speed."""
    now, left = ready, travel
    for at in range(taken, then):
        begin = max(now, rests[who, at, EARLIEST])
        if begin > rests[who, at, LATEST]:
            return NEVER
        if left > 0:
            left = max(0, left - _covered(hours, a, b, now, begin))
        now = begin + rests[who, at, REST]
    return _reached(hours, a, b, now, left)


@flat
def across_back(day: Day, who: int, a: int, b: int, deadline: int, taken: int, then: int) -> int:
    """Latest moment to set out so that drive and breaks are over by a deadline; -NEVER when impossible."""
    if deadline < -NEVER // 2:
        return -NEVER
    travel = wide(day.seconds[a, b])
    if day.rich.traffic:
        return _crossed_back(day.rich.hours, day.rests, who, a, b, deadline, travel, taken, then)
    return crossed_back(day.rests, who, deadline, travel, taken, then) if taken < then else deadline - travel


@inner
def _crossed_back(
    hours: Index, rests: Table, who: int, a: int, b: int, deadline: int, travel: int, taken: int, then: int
) -> int:
    """As ``across_back``, at the hour's speed."""
    now, left = deadline, travel
    for at in range(then - 1, taken - 1, -1):
        begin = min(now - rests[who, at, REST], rests[who, at, LATEST])
        if begin < rests[who, at, EARLIEST]:
            return -NEVER
        if left > 0:
            left = max(0, left - _covered(hours, a, b, begin + rests[who, at, REST], now))
        now = begin
    guess = _leaving(hours, a, b, now, left)
    if taken == then:
        return guess
    step = 1  # the last moment is looked for around the guess
    while _crossed(hours, rests, who, a, b, guess, travel, taken, then) > deadline:
        guess -= step
        step *= 2
    while _crossed(hours, rests, who, a, b, guess + step, travel, taken, then) <= deadline:
        guess += step
        step *= 2
    while step > 0:
        if _crossed(hours, rests, who, a, b, guess + step, travel, taken, then) <= deadline:
            guess += step
        step //= 2
    return guess


@flat
def on_way(day: Day, a: int, b: int, ready: int, count: int) -> tuple[int, int]:
    """Arrival at b when setting out from a, resting in the first of the pauses, and the time driven."""
    travel = wide(day.seconds[a, b])
    return _on_way(day.rich.hours, day.rich.figures, day.rich.traffic, a, b, ready, travel, count)


@inner
def _on_way(
    hours: Index, figures: Whole, by_hour: bool, a: int, b: int, ready: int, travel: int, count: int
) -> tuple[int, int]:
    """See ``on_way``."""
    now, left, driven = ready, travel, 0
    for at in range(count):
        begin = figures[PAUSES + 2 * at]
        if begin < ready:
            continue
        if (_reached(hours, a, b, now, left) if by_hour else now + left) <= begin:
            break
        left -= _covered(hours, a, b, now, begin) if by_hour else begin - now
        driven += begin - now
        now = figures[PAUSES + 2 * at + 1]
    arrival = _reached(hours, a, b, now, left) if by_hour else now + left
    return arrival, driven + arrival - now


@inner
def latest_departure(day: Day, a: int, b: int, moment: int, count: int) -> int:
    """Latest time to leave a and be at b by a moment, resting in the first of the pauses."""
    now, left, figures = moment, wide(day.seconds[a, b]), day.rich.figures
    for at in range(count - 1, -1, -1):
        if leaving(day, a, b, now, left) >= figures[PAUSES + 2 * at + 1]:
            break
        left -= covered(day, a, b, figures[PAUSES + 2 * at + 1], now)
        now = figures[PAUSES + 2 * at]
    now = leaving(day, a, b, now, left)
    while day.rich.traffic and on_way(day, a, b, now, count)[0] > moment:
        sooner = now - 1
        for at in range(count):
            if figures[PAUSES + 2 * at] < now <= figures[PAUSES + 2 * at + 1]:
                sooner = min(sooner, figures[PAUSES + 2 * at])
        now = sooner
    return now
