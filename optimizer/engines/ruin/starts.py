"""When service can begin, in compiled loops: windows, set-up and ties (as ``drives.entries``)."""

from optimizer.engines.ruin.arrays import Day
from optimizer.engines.ruin.compiling import flat, wide
from optimizer.engines.ruin.layout import FIRST_WINDOW, WINDOWS
from optimizer.engines.ruin.rich import FROM_ARRIVAL, FROM_FINISH, HIGH, LOW, MEANING, SETUP
from optimizer.units import NEVER


@flat
def setup_at(day: Day, visit: int, here: int) -> int:
    """Seconds of set-up for somebody who comes from a place."""
    return day.rich.visit[visit, SETUP] if here != wide(day.place[visit]) else 0


@flat
def first_start(day: Day, who: int, visit: int, ready: int, setup: int) -> int:
    """Earliest start of service for somebody ready at a moment; NEVER when every window is missed."""
    if ready >= NEVER:
        return NEVER
    low, high = day.rich.visit[visit, LOW], day.rich.visit[visit, HIGH]
    count = day.nodes[visit, WINDOWS]
    if count == 0:
        start = max(ready, low)
        return start if start <= high else NEVER
    meaning = day.rich.visit[visit, MEANING]
    for at in range(FIRST_WINDOW, FIRST_WINDOW + 2 * count, 2):
        first = max(day.nodes[visit, at], low)
        last = reach = day.nodes[visit, at + 1]
        if meaning == FROM_FINISH:
            last = reach = last - wide(day.rich.service[visit, who])
        elif meaning == FROM_ARRIVAL:
            last, reach = NEVER, reach + setup
        last = min(last, high)
        if first <= last and ready <= min(reach, last):
            return max(ready, first)
    return NEVER


@flat
def last_ready(day: Day, who: int, visit: int, deadline: int, setup: int) -> int:
    """Latest moment to be ready for a start not after a deadline; -NEVER when every window opens later."""
    low, high = day.rich.visit[visit, LOW], day.rich.visit[visit, HIGH]
    count = day.nodes[visit, WINDOWS]
    if count == 0:
        return min(deadline, high) if low <= min(deadline, high) else -NEVER
    meaning = day.rich.visit[visit, MEANING]
    best = -NEVER
    for at in range(FIRST_WINDOW, FIRST_WINDOW + 2 * count, 2):
        first = max(day.nodes[visit, at], low)
        last = reach = day.nodes[visit, at + 1]
        if meaning == FROM_FINISH:
            last = reach = last - wide(day.rich.service[visit, who])
        elif meaning == FROM_ARRIVAL:
            last, reach = NEVER, reach + setup
        last = min(last, high)
        if first <= last and first <= deadline:
            best = max(best, min(deadline, reach, last))
    return best


@flat
def opening_of(day: Day, visit: int) -> int:
    """A moment before which nobody can begin a visit."""
    low = day.rich.visit[visit, LOW]
    return max(low, day.nodes[visit, FIRST_WINDOW]) if day.nodes[visit, WINDOWS] > 0 else low


@flat
def closing_of(day: Day, who: int, visit: int) -> int:
    """A moment after which a technician who gets ready can no longer begin a visit."""
    count, high = day.nodes[visit, WINDOWS], day.rich.visit[visit, HIGH]
    if count == 0:
        return high
    last, meaning = day.nodes[visit, FIRST_WINDOW + 1], day.rich.visit[visit, MEANING]
    for at in range(FIRST_WINDOW + 3, FIRST_WINDOW + 2 * count, 2):
        last = max(last, day.nodes[visit, at])
    if meaning == FROM_ARRIVAL:
        last += day.rich.visit[visit, SETUP]
    elif meaning == FROM_FINISH:
        last -= wide(day.rich.service[visit, who])
    return min(high, last)
