"""Travel by hour in compiled loops: the arithmetic of ``traffic.Pace`` and ``drives``, on arrays."""

from optimizer.engines.ruin.arrays import Day
from optimizer.engines.ruin.compiling import inner
from optimizer.engines.ruin.layout import EARLIEST, LATEST, REST
from optimizer.engines.ruin.rich import PAUSES
from optimizer.traffic import EVEN, HOUR
from optimizer.units import DAY, NEVER


@inner
def _factor(day: Day, a: int, b: int, moment: int) -> int:
    """Factor of the hour in which a moment lies."""
    hours = day.rich.hours
    zones = hours[0]
    return hours[hours[1] + (moment % DAY // HOUR * zones + hours[2 + a]) * zones + hours[2 + b]]


@inner
def covered(day: Day, a: int, b: int, begin: int, end: int) -> int:
    """How much of the drive from a to b is done between two moments."""
    if not day.rich.traffic:
        return end - begin
    done = 0
    while begin < end:
        until = min(end, begin - begin % HOUR + HOUR)
        done += (until - begin) * EVEN // _factor(day, a, b, begin)
        begin = until
    return done


@inner
def reached(day: Day, a: int, b: int, begin: int, left: int) -> int:
    """When what is left of the drive from a to b is done."""
    if not day.rich.traffic:
        return begin + left
    while left > 0:
        until = begin - begin % HOUR + HOUR
        factor = _factor(day, a, b, begin)
        need = -(-left * factor // EVEN)
        if begin + need <= until:
            return begin + need
        left -= (until - begin) * EVEN // factor
        begin = until
    return begin


@inner
def leaving(day: Day, a: int, b: int, end: int, left: int) -> int:
    """Latest moment to set out from a that has done what is left by a moment."""
    if not day.rich.traffic:
        return end - left
    begin, rest = end, left
    while rest > 0:
        since = (begin - 1) - (begin - 1) % HOUR
        factor = _factor(day, a, b, since)
        need = -(-rest * factor // EVEN)
        if begin - need >= since:
            begin -= need
            break
        rest -= (begin - since) * EVEN // factor
        begin = since
    while reached(day, a, b, begin, left) > end:
        begin -= 1
    while reached(day, a, b, begin + 1, left) <= end:
        begin += 1
    return begin


@inner
def across(day: Day, who: int, a: int, b: int, ready: int, taken: int, then: int) -> int:
    """Moment when the drive from a to b and breaks ``taken`` to ``then`` are over; NEVER when too late."""
    if ready >= NEVER:
        return NEVER
    now, left, rests = ready, day.seconds[a, b], day.rests
    for at in range(taken, then):
        begin = max(now, rests[who, at, EARLIEST])
        if begin > rests[who, at, LATEST]:
            return NEVER
        if left > 0:
            left = max(0, left - covered(day, a, b, now, begin))
        now = begin + rests[who, at, REST]
    return reached(day, a, b, now, left)


@inner
def across_back(day: Day, who: int, a: int, b: int, deadline: int, taken: int, then: int) -> int:
    """Latest moment to set out so that drive and breaks are over by a deadline; -NEVER when impossible."""
    if deadline < -NEVER // 2:
        return -NEVER
    now, left, rests = deadline, day.seconds[a, b], day.rests
    for at in range(then - 1, taken - 1, -1):
        begin = min(now - rests[who, at, REST], rests[who, at, LATEST])
        if begin < rests[who, at, EARLIEST]:
            return -NEVER
        if left > 0:
            left = max(0, left - covered(day, a, b, begin + rests[who, at, REST], now))
        now = begin
    now = leaving(day, a, b, now, left)
    if not day.rich.traffic:
        return now
    return _latest(day, who, a, b, now, deadline, taken, then)


@inner
def _latest(day: Day, who: int, a: int, b: int, guess: int, deadline: int, taken: int, then: int) -> int:
    """Last moment to set out so that drive and breaks are over by a deadline, looked for around a guess."""
    step = 1
    while across(day, who, a, b, guess, taken, then) > deadline:
        guess -= step
        step *= 2
    while across(day, who, a, b, guess + step, taken, then) <= deadline:
        guess += step
        step *= 2
    while step > 0:
        if across(day, who, a, b, guess + step, taken, then) <= deadline:
            guess += step
        step //= 2
    return guess


@inner
def on_way(day: Day, a: int, b: int, ready: int, count: int) -> tuple[int, int]:
    """Arrival at b when setting out from a, resting in the first of the pauses, and the time driven."""
    now, left, driven, figures = ready, day.seconds[a, b], 0, day.rich.figures
    for at in range(count):
        if figures[PAUSES + 2 * at] < ready:
            continue
        if reached(day, a, b, now, left) <= figures[PAUSES + 2 * at]:
            break
        left -= covered(day, a, b, now, figures[PAUSES + 2 * at])
        driven += figures[PAUSES + 2 * at] - now
        now = figures[PAUSES + 2 * at + 1]
    arrival = reached(day, a, b, now, left)
    return arrival, driven + arrival - now


@inner
def latest_departure(day: Day, a: int, b: int, moment: int, count: int) -> int:
    """Latest time to leave a and be at b by a moment, resting in the first of the pauses."""
    now, left, figures = moment, day.seconds[a, b], day.rich.figures
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
