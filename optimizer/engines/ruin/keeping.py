"""Routes of a rich day as they were before an iteration, kept whole so that nothing is timed again."""

from optimizer.engines.ruin.arrays import Day, Routes
from optimizer.engines.ruin.compiling import inner, wide
from optimizer.engines.ruin.driving import depot_row
from optimizer.engines.ruin.far import BRING_BACK, KEEP, address_of
from optimizer.engines.ruin.fetching import take_again
from optimizer.engines.ruin.layout import FOLLOWING, ONWARD, PRICE
from optimizer.engines.ruin.linking import link
from optimizer.engines.ruin.memory import SAVED, Search, clear
from optimizer.engines.ruin.rich import BEGIN, BY_CLOCK, WORK


@inner
def keep(day: Day, routes: Routes, who: int) -> None:
    """Write down times and figures of a route and of its stops."""
    kept, times, links = day.rich.kept, routes.times, routes.links
    width, visits = times.shape[1], day.use.shape[0]
    visit = wide(links[visits + who, FOLLOWING])
    while visit < visits:
        for column in range(width):
            kept[visit, column] = times[visit, column]
        kept[visit, width] = links[visit, ONWARD]
        kept[visit, width + 1] = day.rich.visit[visit, BEGIN]
        kept[visit, width + 2] = day.rich.visit[visit, BY_CLOCK]
        visit = wide(links[visit, FOLLOWING])
    row, at = visits + who, width + 1
    for column in range(width):
        kept[row, column] = times[depot_row(day, who), column]
    kept[row, width] = links[row, ONWARD]
    for column in range(PRICE, routes.tours.shape[1]):
        kept[row, at] = routes.tours[who, column]
        at += 1
    for column in range(WORK, day.rich.crew.shape[1]):
        kept[row, at] = day.rich.crew[who, column]
        at += 1


@inner
def _bring_back(day: Day, routes: Routes, who: int) -> None:
    """Bring back times and figures of a route whose stops are linked again."""
    kept, times, links = day.rich.kept, routes.times, routes.links
    width, visits = times.shape[1], day.use.shape[0]
    visit = wide(links[visits + who, FOLLOWING])
    while visit < visits:
        for column in range(width):
            times[visit, column] = kept[visit, column]
        links[visit, ONWARD] = kept[visit, width]
        day.rich.visit[visit, BEGIN] = kept[visit, width + 1]
        day.rich.visit[visit, BY_CLOCK] = kept[visit, width + 2]
        visit = wide(links[visit, FOLLOWING])
    row, at = visits + who, width + 1
    for column in range(width):
        times[depot_row(day, who), column] = kept[row, column]
    links[row, ONWARD] = kept[row, width]
    for column in range(PRICE, routes.tours.shape[1]):
        routes.tours[who, column] = kept[row, at]
        at += 1
    for column in range(WORK, day.rich.crew.shape[1]):
        day.rich.crew[who, column] = kept[row, at]
        at += 1
    take_again(day, who)


@inner
def bring_back(day: Day, routes: Routes, search: Search) -> None:
    """Bring back the routes saved in an iteration."""
    for slot in range(search.numbers[SAVED]):
        clear(day, routes, wide(search.saved_who[slot]))
    at = 0
    for slot in range(search.numbers[SAVED]):
        who = wide(search.saved_who[slot])
        node = day.use.shape[0] + who
        for _ in range(search.saved_size[slot]):
            link(routes.links, routes.tours, who, wide(search.saved_stops[at]), node)
            node = wide(search.saved_stops[at])
            at += 1
        _bring_back(day, routes, who)


def connect(day: Day, routes: Routes, search: Search) -> None:
    """Compile the loops, or load them, and tell the others where they are."""
    day.rich.calls[KEEP] = address_of(keep, day, routes, 0)
    day.rich.calls[BRING_BACK] = address_of(bring_back, day, routes, search)
