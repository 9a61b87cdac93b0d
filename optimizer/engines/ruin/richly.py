"""Changing routes of a rich day in compiled loops: time one anew, and price a visit at a place in one."""

from optimizer.engines.ruin.arrays import Day, Routes
from optimizer.engines.ruin.calls import retime_richly
from optimizer.engines.ruin.clocked import clock_prices, fair_price, price_by_clock
from optimizer.engines.ruin.compiling import inner, wide
from optimizer.engines.ruin.driving import back_by, bear_richly, drive_richly, rich_verdict, step_to
from optimizer.engines.ruin.far import GIVE_BACK, MAY_TAKE, RETIME, address_of
from optimizer.engines.ruin.far import PRICE as PRICE_OF
from optimizer.engines.ruin.fetching import drive_by_depot, give_back, has_all
from optimizer.engines.ruin.layout import (
    BREAKS,
    DRIVER,
    FOLLOWING,
    IDLE,
    LATE,
    LEFT,
    ONWARD,
    PRICE,
    STOPS,
    UNABLE,
)
from optimizer.engines.ruin.linking import IMPOSSIBLE, TOO_DEAR, link, unlink
from optimizer.engines.ruin.rich import (
    ANNOUNCED,
    BEHIND,
    BY_CLOCK,
    FAIR,
    GROUP_NEXT,
    HAND,
    IDLE_WORK,
    NEXT_SHIFT,
    OWN,
    PERSON,
    RESOLVE,
    RESPOND,
    TEAM_NEXT,
    WORK,
)
from optimizer.engines.ruin.timing import CALM, late_cents
from optimizer.units import NEVER


@inner
def retime(day: Day, routes: Routes, who: int) -> None:
    """Compute times and price of one shift, and the price of all work of its person."""
    rich, tours = day.rich, routes.tours
    give_back(day, who)
    price = _retime(day, routes, who)
    if not rich.shared:
        tours[who, PRICE] = price + fair_price(day, who, 0) if price < IMPOSSIBLE else IMPOSSIBLE
        return
    lead, shift = rich.crew[who, PERSON], who
    while True:
        tours[shift, PRICE] = rich.crew[shift, OWN]
        shift = rich.crew[shift, NEXT_SHIFT]
        if shift == who:
            break
    if not _van_lasts(day, routes, who):
        tours[lead, PRICE] = IMPOSSIBLE
    elif tours[lead, PRICE] < IMPOSSIBLE:
        tours[lead, PRICE] += fair_price(day, who, 0)


@inner
def _van_lasts(day: Day, routes: Routes, who: int) -> bool:
    """Whether all shifts of a person together use no more than the van carries in any of them."""
    rich = day.rich
    for part in range(day.use.shape[1]):
        used, least = 0, 1 << 60
        shift = who
        while True:
            used += min(day.stock[shift, part], day.stock[shift, part] - routes.tours[shift, LEFT + part])
            least = min(least, day.stock[shift, part])
            shift = rich.crew[shift, NEXT_SHIFT]
            if shift == who:
                break
        if used > least:
            return False
    return True


@inner
def _retime(day: Day, routes: Routes, who: int) -> int:
    """Compute times and price of one shift from the order of its stops."""
    rich, links, tours, use = day.rich, routes.links, routes.tours, day.use
    cents, place, visits = day.cents, day.place, use.shape[0]
    node = visits + who
    tours[who, LATE], is_short = 0, False
    for part in range(use.shape[1]):
        tours[who, LEFT + part] = day.stock[who, part]
    if tours[who, STOPS] == 0:
        links[node, ONWARD] = rich.crew[who, OWN] = day.crew[who, IDLE]
        rich.crew[who, WORK] = rich.crew[who, IDLE_WORK]
        return rich.crew[who, OWN]
    price, visit = 0, wide(links[node, FOLLOWING])
    while visit < visits:
        links[node, ONWARD] = cents[wide(place[node]), wide(place[visit])]
        price += day.pair[visit, who]
        for part in range(use.shape[1]):
            tours[who, LEFT + part] -= use[visit, part]
            is_short = is_short or tours[who, LEFT + part] < 0
        node, visit = visit, wide(links[visit, FOLLOWING])
    links[node, ONWARD] = cents[wide(place[node]), wide(place[visit])]
    moment = drive_by_depot(day, routes, who) if is_short else drive_richly(day, routes, who)
    if moment >= NEVER:
        rich.crew[who, WORK], rich.crew[who, OWN] = 0, IMPOSSIBLE
        return IMPOSSIBLE
    bear_richly(day, routes, who)
    tours[who, LATE] = late_cents(day.crew, who, moment)
    rich.crew[who, OWN] = price + tours[who, LATE] + clock_prices(day, routes, who, node)
    return rich.crew[who, OWN]


@inner
def may_take(day: Day, routes: Routes, who: int, visit: int) -> bool:
    """Whether a technician may be sent: parts on the van or in a depot, the right hand, once in a team."""
    rich = day.rich
    if day.pair[visit, who] == UNABLE:
        return False
    if is_short_with(day, routes, who, visit):
        found = False
        for depot in range(rich.depots.shape[0]):
            found = found or has_all(day, routes, who, depot, visit)
        if not found:
            return False
    if rich.visit[visit, GROUP_NEXT] >= 0 and not _is_the_hand(day, routes, who, visit):
        return False
    return rich.visit[visit, TEAM_NEXT] < 0 or not _is_there(day, routes, who, visit)


@inner
def is_short_with(day: Day, routes: Routes, who: int, visit: int) -> bool:
    """Whether the van lacks a part for the stops of a route and one more visit."""
    for part in range(day.use.shape[1]):
        if routes.tours[who, LEFT + part] < day.use[visit, part]:
            return True
    return False


@inner
def _is_the_hand(day: Day, routes: Routes, who: int, visit: int) -> bool:
    """Whether no other person has a visit of the same hand."""
    rich, person = day.rich, day.rich.crew[who, PERSON]
    if rich.visit[visit, HAND] >= 0 and rich.visit[visit, HAND] != person:
        return False
    other = rich.visit[visit, GROUP_NEXT]
    while other != visit:
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
    while other != visit:
        driver = wide(routes.links[other, DRIVER])
        if driver >= 0 and rich.crew[driver, PERSON] == rich.crew[who, PERSON]:
            return True
        other = rich.visit[other, TEAM_NEXT]
    return False


@inner
def price_of(day: Day, routes: Routes, who: int, visit: int, before: int, bound: int) -> int:
    """Price of a visit behind a node of a route, ``TOO_DEAR`` if it cannot be or costs ``bound`` or more."""
    rich, cents, place, links = day.rich, day.cents, day.place, routes.links
    after = wide(links[before, FOLLOWING])
    a, b, c = wide(place[before]), wide(place[visit]), wide(place[after])
    extra = cents[a, b] + cents[b, c] - wide(links[before, ONWARD])
    extra += day.pair[visit, who] - routes.tours[who, LATE]
    if rich.figures[FAIR] > 0:
        more = wide(rich.service[visit, who]) + day.seconds[a, b] + day.seconds[b, c] - day.seconds[a, c]
        extra += fair_price(day, who, more) - fair_price(day, who, 0)
    is_tried = rich.crew[who, BEHIND] >= 0 or rich.traffic or is_short_with(day, routes, who, visit)
    if extra >= bound and not (is_tried or rich.clocked):  # else the clock or the depot may make it cheaper
        return TOO_DEAR
    if is_tried:
        extra = _tried(day, routes, who, visit, before)
        return extra if extra < bound else TOO_DEAR
    kind = rich_verdict(day, routes, who, visit, before)
    if kind == 0:
        return TOO_DEAR
    if kind != CALM or rich.clocked:
        extra += _followed(day, routes, who, visit, before)
    return extra if extra < bound else TOO_DEAR


@inner
def _tried(day: Day, routes: Routes, who: int, visit: int, before: int) -> int:
    """Price of a visit at a place, found by timing the route with it and without it again."""
    price = _whole_price(day, routes, who)
    link(routes.links, routes.tours, who, visit, before)
    retime_richly(day, routes, who)
    extra = _whole_price(day, routes, who) - price
    unlink(routes.links, routes.tours, visit)
    retime_richly(day, routes, who)
    return extra


@inner
def _whole_price(day: Day, routes: Routes, who: int) -> int:
    """Price of all shifts of a person."""
    if not day.rich.shared:
        return routes.tours[who, PRICE]
    total, shift = 0, who
    while True:
        total += routes.tours[shift, PRICE]
        shift = day.rich.crew[shift, NEXT_SHIFT]
        if shift == who:
            return total


@inner
def _followed(day: Day, routes: Routes, who: int, visit: int, before: int) -> int:
    """Overtime of a route with a visit in it, and what the clock decides about it and the stops behind it."""
    place, links, visits = day.place, routes.links, day.use.shape[0]
    row = routes.times.shape[0] - 2
    node, here, from_row, extra = visit, wide(place[before]), before, 0
    while node < visits:
        step_to(day, routes, who, node, from_row, here, row)
        extra += _clock_change(day, routes, who, node, row)
        here, from_row = wide(place[node]), row
        row = 2 * routes.times.shape[0] - 3 - row
        node = wide(links[before, FOLLOWING]) if node == visit else wide(links[node, FOLLOWING])
    moment, _, _ = back_by(day, routes, who, from_row, here)
    return extra + late_cents(day.crew, who, moment) if moment < NEVER else TOO_DEAR


@inner
def _clock_change(day: Day, routes: Routes, who: int, visit: int, row: int) -> int:
    """How much more the clock costs at a stop whose ends of service are in a row, nearly."""
    known = day.rich.visit
    if known[visit, RESPOND] >= NEVER and known[visit, RESOLVE] >= NEVER and known[visit, ANNOUNCED] >= NEVER:
        return 0
    end = NEVER
    for taken in range(day.crew[who, BREAKS] + 1):
        end = min(end, routes.times[row, taken])
    start = end - wide(day.rich.service[visit, who])
    price = price_by_clock(day, visit, start, start, end)
    return price - day.rich.visit[visit, BY_CLOCK] if wide(routes.links[visit, DRIVER]) >= 0 else price


def connect(day: Day, routes: Routes) -> None:
    """Compile the loops of a rich day, or load them, and tell the others where they are."""
    calls = day.rich.calls
    calls[GIVE_BACK] = address_of(give_back, day, 0)
    calls[RETIME] = address_of(retime, day, routes, 0)
    calls[MAY_TAKE] = address_of(may_take, day, routes, 0, 0)
    calls[PRICE_OF] = address_of(price_of, day, routes, 0, 0, 0, 0)
