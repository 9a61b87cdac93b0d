"""When service can begin, in compiled loops: windows, set-up and ties (as ``drives.entries``)."""

from optimizer.engines.ruin.arrays import Day
from optimizer.engines.ruin.compiling import inner, wide
from optimizer.engines.ruin.layout import FIRST_WINDOW, WINDOWS
from optimizer.engines.ruin.rich import FROM_ARRIVAL, FROM_FINISH, HIGH, LOW, MEANING, SETUP
from optimizer.units import NEVER


@inner
def setup_at(day: Day, visit: int, here: int) -> int:
    """Seconds of set-up for somebody who comes from a place."""
    return day.rich.visit[visit, SETUP] if here != wide(day.place[visit]) else 0


@inner
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


@inner
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
