"""
Where a visit of a rich day costs least, in compiled loops: one call looks through all its places.

Most places are ruled out by two numbers, as on a plain day: what the way there costs at least, and whether
the earliest arrival leaves time for the latest moment that the rest of the route bears. Only the others are
judged by breaks, meanings of windows and the hour. The price of an insertion may be an estimate: what other
drives of the route cost at another hour, and where else its depot might be, is left to ``richly.retime``.
"""

from optimizer.engines.ruin.arrays import Day, Routes
from optimizer.engines.ruin.calls import HOLDS
from optimizer.engines.ruin.clocked import drive_price, fair_price, price_by_clock
from optimizer.engines.ruin.compiling import flat, inner, wide
from optimizer.engines.ruin.driving import (
    back_by,
    depot_place,
    depot_row,
    rich_verdict,
    step_to,
    step_to_depot,
)
from optimizer.engines.ruin.far import MAY_TAKE, SEEK, address_of
from optimizer.engines.ruin.far import PRICE as PRICE_OF
from optimizer.engines.ruin.fetching import (
    BY_DEPOT,
    DIRECT,
    FROM_DEPOT,
    TO_DEPOT,
    fetched_first,
    first_way,
    is_short_with,
    may_fetch,
    second_way,
)
from optimizer.engines.ruin.hours import reached
from optimizer.engines.ruin.inserting import FAR_TRIED, NEAR_ENOUGH
from optimizer.engines.ruin.layout import (
    BREAKS,
    DRIVER,
    FOLLOWING,
    LATE,
    ONWARD,
    PRECEDING,
    REST,
    STOPS,
    UNABLE,
)
from optimizer.engines.ruin.linking import TOO_DEAR
from optimizer.engines.ruin.memory import Chance, Search, chance, overlooks
from optimizer.engines.ruin.rich import (
    ASKED,
    BEGUN,
    BEHIND,
    BY_CLOCK,
    BY_CLOCKS,
    DATED,
    FAIR,
    GROUP_NEXT,
    HAND,
    HELD,
    LEAST_PACE,
    PERSON,
    SETUP,
    STATED,
    TEAM_NEXT,
)
from optimizer.engines.ruin.starts import closing_of, first_start, opening_of, setup_at
from optimizer.engines.ruin.timing import CALM, late_cents
from optimizer.traffic import EVEN
from optimizer.units import NEVER

NEAR_TRIED = 40
"""On larger days the places on both sides of so many near visits are tried first."""


@inner
def may_take(day: Day, routes: Routes, who: int, visit: int) -> bool:
    """Whether a technician may be sent: parts on the van or in a depot, the right hand, once in a team."""
    return _may_take(day, routes, who, visit)


@flat
def _may_take(day: Day, routes: Routes, who: int, visit: int) -> bool:
    """See ``may_take``."""
    rich = day.rich
    if day.pair[visit, who] == UNABLE or (
        is_short_with(day, routes, who, visit) and not (rich.fetching and may_fetch(day, routes, who, visit))
    ):
        return False
    if rich.visit[visit, GROUP_NEXT] < 0 and rich.visit[visit, TEAM_NEXT] < 0:
        return True
    return _is_the_hand(day, routes, who, visit) and not _is_there(day, routes, who, visit)


@inner
def _is_the_hand(day: Day, routes: Routes, who: int, visit: int) -> bool:
    """Whether no other person has a visit of the same hand."""
    rich, person = day.rich, day.rich.crew[who, PERSON]
    if rich.visit[visit, HAND] >= 0 and rich.visit[visit, HAND] != person:
        return False
    other = rich.visit[visit, GROUP_NEXT]
    while other >= 0 and other != visit:
        driver = wide(routes.links[other, DRIVER])
        if driver >= 0 and rich.crew[driver, PERSON] != person:
            return False
        other = rich.visit[other, GROUP_NEXT]
    return True


@inner
def _is_there(day: Day, routes: Routes, who: int, visit: int) -> bool:
    """Whether a person already serves another visit of the team."""
    rich = day.rich
    other = rich.visit[visit, TEAM_NEXT]
    while other >= 0 and other != visit:
        driver = max(wide(routes.links[other, DRIVER]), rich.visit[other, ASKED])
        if driver >= 0 and rich.crew[driver, PERSON] == rich.crew[who, PERSON]:
            return True
        other = rich.visit[other, TEAM_NEXT]
    return False


@inner
def sought(
    day: Day, routes: Routes, state: Chance, visit: int, blink: float, bound: int, lacking: int
) -> int:
    """
    Technician and node behind which a visit costs least, as one number; -1 when not less than the bound.

    Whoever is asked holds the skills ``lacking``; ``blink`` is the share of places that are overlooked.
    """
    found, behind = -1, -1
    is_far = day.use.shape[0] > NEAR_ENOUGH
    if is_far:
        bound, found, behind = _near(day, routes, state, visit, blink, bound, lacking)
    if found < 0 and (not is_far or chance(state) <= FAR_TRIED):
        bound, found, behind = _anywhere(day, routes, state, visit, blink, bound, lacking)
    for who in range(day.crew.shape[0]):
        if routes.tours[who, STOPS] == 0 and _may_go(day, routes, who, visit, lacking):
            node = day.use.shape[0] + who
            if _may_be(day, routes, who, visit, node, bound):
                price = price_of(day, routes, who, visit, node, bound)
                if price < bound:
                    bound, found, behind = price, who, node
    return found * HOLDS + behind if found >= 0 else -1


@flat
def _may_go(day: Day, routes: Routes, who: int, visit: int, lacking: int) -> bool:
    """Whether a technician holds skills and may be sent."""
    return (day.rich.crew[who, HELD] & lacking) == lacking and _may_take(day, routes, who, visit)


@flat
def _near(
    day: Day, routes: Routes, state: Chance, visit: int, blink: float, bound: int, lacking: int
) -> tuple[int, int, int]:
    """Price, technician and node, tried beside the nearest visits."""
    links, near = routes.links, day.near
    found, behind = -1, -1
    for at in range(min(NEAR_TRIED, near.shape[1])):
        node = wide(near[visit, at])
        who = wide(links[node, DRIVER])
        if who < 0 or not _may_go(day, routes, who, visit, lacking):
            continue
        for _ in range(2):
            if _may_be(day, routes, who, visit, node, bound):
                price = price_of(day, routes, who, visit, node, bound)
                if price < bound and not overlooks(state, blink):
                    bound, found, behind = price, who, node
            node = wide(links[node, PRECEDING])
    return bound, found, behind


@flat
def _anywhere(
    day: Day, routes: Routes, state: Chance, visit: int, blink: float, bound: int, lacking: int
) -> tuple[int, int, int]:
    """Price, technician and node, tried at every position of the routes in use."""
    links, times, visits = routes.links, routes.times, day.use.shape[0]
    found, behind = -1, -1
    for who in range(day.crew.shape[0]):
        if routes.tours[who, STOPS] == 0 or not _may_go(day, routes, who, visit, lacking):
            continue
        node, closes = visits + who, closing_of(day, who, visit)
        while times[node, 0] <= closes:
            if _may_be(day, routes, who, visit, node, bound):
                price = price_of(day, routes, who, visit, node, bound)
                if price < bound and not overlooks(state, blink):
                    bound, found, behind = price, who, node
            node = wide(links[node, FOLLOWING])
            if node >= visits:
                break
    return bound, found, behind


@flat
def _may_be(day: Day, routes: Routes, who: int, visit: int, before: int, bound: int) -> bool:
    """Whether a place may cost less than a bound and leave time, by what no way there can do better."""
    rich, cents, seconds, place = day.rich, day.cents, day.seconds, day.place
    if rich.crew[who, BEHIND] == before:
        return True
    after = wide(routes.links[before, FOLLOWING])
    a, b, c = wide(place[before]), wide(place[visit]), wide(place[after])
    there, onward = wide(seconds[a, b]), wide(seconds[b, c])
    extra = wide(cents[a, b]) + cents[b, c] - wide(routes.links[before, ONWARD])
    extra += day.pair[visit, who] - routes.tours[who, LATE]
    if rich.traffic:
        least = rich.figures[LEAST_PACE]
        there, onward = there * least // EVEN, onward * least // EVEN
        if least < EVEN:
            extra -= wide(cents[a, b]) + cents[b, c]
    least_more = extra - rich.crew[who, BY_CLOCKS]
    if least_more >= bound and (rich.figures[FAIR] == 0 or there + onward >= wide(seconds[a, c])):
        return False
    if a != b:
        there += rich.visit[visit, SETUP]
    opens = opening_of(day, visit)
    if routes.times[before, 0] + there > closing_of(day, who, visit):
        return False
    if after < day.use.shape[0] and b != c:
        onward += rich.visit[after, SETUP]
    return _has_room(day, routes, who, before, after, there, opens, wide(rich.service[visit, who]) + onward)


@flat
def _has_room(
    day: Day, routes: Routes, who: int, before: int, after: int, there: int, opens: int, stay: int
) -> bool:
    """Whether there is time between two nodes if breaks take no longer than they must."""
    times, count = routes.times, day.crew[who, BREAKS]
    states = times.shape[1] // 3
    for taken in range(count + 1):
        ready = times[before, taken] + there
        for then in range(taken, count + 1):
            if then > taken:
                ready += day.rests[who, then - 1, REST]
            if max(ready, opens) + stay <= times[after, states + then]:
                return True
    return False


@inner
def price_of(day: Day, routes: Routes, who: int, visit: int, before: int, bound: int) -> int:
    """Price of a visit behind a node of a route, ``TOO_DEAR`` if it cannot be or costs ``bound`` or more."""
    price, way = TOO_DEAR, first_way(day, routes, who, visit, before) if day.rich.fetching else DIRECT
    while way >= DIRECT:
        price = min(price, _price_by(day, routes, who, visit, before, way, min(bound, price)))
        way = second_way(day, routes, who, visit) if way == FROM_DEPOT else -1
    return price


@flat
def _price_by(day: Day, routes: Routes, who: int, visit: int, before: int, way: int, bound: int) -> int:
    """Price of a visit behind a node, on one of the ways of ``fetching``."""
    rich, cents, place, after = day.rich, day.cents, day.place, wide(routes.links[before, FOLLOWING])
    row, here, target, onward = before, wide(place[before]), after, wide(place[after])
    there, less = wide(place[visit]), wide(routes.links[before, ONWARD])
    if way == FROM_DEPOT:
        row, here = depot_row(day, who), depot_place(day, who)
        less = wide(cents[here, onward])
    elif way == TO_DEPOT:
        target, onward = depot_row(day, who), depot_place(day, who)
        less = wide(cents[here, onward])
    elif way == BY_DEPOT:
        row = routes.times.shape[0] - 1
        here, more = fetched_first(day, routes, who, visit, before)
        less -= more
    extra = wide(cents[here, there]) + cents[there, onward] - less
    extra += day.pair[visit, who] - routes.tours[who, LATE]
    if rich.figures[FAIR] > 0:
        worked = wide(rich.service[visit, who]) - wide(day.seconds[here, onward])
        worked += wide(day.seconds[here, there]) + day.seconds[there, onward]
        extra += fair_price(day, who, worked) - fair_price(day, who, 0)
    bound += rich.crew[who, BY_CLOCKS]  # which is what the clock may make cheaper
    if not rich.traffic and extra >= bound:
        return TOO_DEAR
    kind = rich_verdict(day, routes, who, visit, row, here, target, onward)
    if kind == 0:
        return TOO_DEAR
    if rich.traffic:
        extra += _hourly_change(day, routes, who, visit, row, here, onward)
        if extra >= bound:
            return TOO_DEAR
    if kind != CALM or (rich.clocked and rich.crew[who, STATED] + rich.visit[visit, DATED] > 0):
        extra += _followed(day, routes, who, visit, before, row, here, way == TO_DEPOT)
    return extra if extra < bound - rich.crew[who, BY_CLOCKS] else TOO_DEAR


@inner
def _hourly_change(day: Day, routes: Routes, who: int, visit: int, row: int, here: int, onward: int) -> int:
    """How much more the drives to a visit and on from it cost at their hours, as early as they can be."""
    there, begin = wide(day.place[visit]), routes.times[row, 0]
    setup, travel = setup_at(day, visit, here), wide(day.seconds[here, there])
    arrival = reached(day, here, there, begin, travel)
    start = first_start(day, who, visit, arrival + setup, setup)
    if start >= NEVER:
        return 0
    if row == day.use.shape[0] + who and day.rich.crew[who, BEGUN] == 0:  # from home as late as possible
        begin = max(begin, start - setup - travel)
        arrival = reached(day, here, there, begin, travel)
    end = start + wide(day.rich.service[visit, who])
    back = reached(day, there, onward, end, wide(day.seconds[there, onward]))
    more = drive_price(day, here, there, arrival - begin) + drive_price(day, there, onward, back - end)
    return more - wide(day.cents[here, there]) - wide(day.cents[there, onward])


@inner
def _followed(
    day: Day, routes: Routes, who: int, visit: int, before: int, row: int, here: int, to_depot: bool
) -> int:
    """
    Overtime of a route with a visit in it, and what the clock decides about it and the stops behind it.

    ``to_depot`` says that the depot of the route comes right behind the visit.
    """
    place, links, visits, times = day.place, routes.links, day.use.shape[0], routes.times
    node, target, extra = visit, times.shape[0] - 2, 0
    while node < visits:
        step_to(day, routes, who, node, row, here, target)
        if node != visit and _is_unchanged(day, routes, who, node, target):
            return extra + routes.tours[who, LATE]
        extra += _clock_change(day, routes, who, node, target)
        here, row, target = wide(place[node]), target, 2 * times.shape[0] - 3 - target
        if day.rich.crew[who, BEHIND] == node or (node == visit and to_depot):
            step_to_depot(day, routes, who, row, here, target)
            here, row, target = depot_place(day, who), target, 2 * times.shape[0] - 3 - target
        node = wide(links[before, FOLLOWING]) if node == visit else wide(links[node, FOLLOWING])
    moment, _, _ = back_by(day, routes, who, row, here)
    return extra + late_cents(day.crew, who, moment) if moment < NEVER else TOO_DEAR


@flat
def _is_unchanged(day: Day, routes: Routes, who: int, node: int, row: int) -> bool:
    """Whether the ends of service of a stop are those of another row."""
    for taken in range(day.crew[who, BREAKS] + 1):
        if routes.times[node, taken] != routes.times[row, taken]:
            return False
    return True


@inner
def _clock_change(day: Day, routes: Routes, who: int, visit: int, row: int) -> int:
    """How much more the clock costs at a stop whose ends of service are in a row, nearly."""
    if day.rich.visit[visit, DATED] == 0:
        return 0
    end = routes.times[row, 0]
    start = end - wide(day.rich.service[visit, who])
    price = price_by_clock(day, visit, start, start, end)
    return price - day.rich.visit[visit, BY_CLOCK] if wide(routes.links[visit, DRIVER]) >= 0 else price


def connect(day: Day, routes: Routes, search: Search) -> None:
    """Compile the loops, or load them, and tell the others where they are."""
    calls = day.rich.calls
    calls[MAY_TAKE] = address_of(may_take, day, routes, 0, 0)
    calls[PRICE_OF] = address_of(price_of, day, routes, 0, 0, 0, 0)
    calls[SEEK] = address_of(sought, day, routes, search.chance, 0, 0.0, 0, 0)
