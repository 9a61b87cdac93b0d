"""Timing a changed route of a rich day anew, in compiled loops: its moments and its price, to the cent."""

from optimizer.engines.ruin import keeping, seeking
from optimizer.engines.ruin.arrays import Day, Routes
from optimizer.engines.ruin.clocked import clock_prices, fair_price
from optimizer.engines.ruin.compiling import inner, wide
from optimizer.engines.ruin.driving import bear_richly, drive_richly
from optimizer.engines.ruin.far import GIVE_BACK, RETIME, address_of
from optimizer.engines.ruin.fetching import drive_by_depot, give_back
from optimizer.engines.ruin.layout import FOLLOWING, IDLE, LATE, LEFT, ONWARD, PRICE, STOPS
from optimizer.engines.ruin.linking import IMPOSSIBLE
from optimizer.engines.ruin.memory import Search
from optimizer.engines.ruin.rich import BY_CLOCKS, DATED, IDLE_WORK, NEXT_SHIFT, OWN, PERSON, STATED, WORK
from optimizer.engines.ruin.timing import late_cents
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
    rich.crew[who, STATED] = rich.crew[who, BY_CLOCKS] = 0
    for part in range(use.shape[1]):
        tours[who, LEFT + part] = day.stock[who, part]
    if tours[who, STOPS] == 0:
        links[node, ONWARD] = rich.crew[who, OWN] = day.crew[who, IDLE]
        rich.crew[who, WORK] = rich.crew[who, IDLE_WORK]
        return rich.crew[who, OWN]
    price, visit = 0, wide(links[node, FOLLOWING])
    while visit < visits:
        rich.crew[who, STATED] += rich.visit[visit, DATED]
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


def connect(day: Day, routes: Routes, search: Search) -> None:
    """Compile the loops of a rich day, or load them, and tell the others where they are."""
    calls = day.rich.calls
    calls[GIVE_BACK] = address_of(give_back, day, 0)
    calls[RETIME] = address_of(retime, day, routes, 0)
    seeking.connect(day, routes, search)
    keeping.connect(day, routes, search)
