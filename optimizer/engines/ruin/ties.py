"""
Visits that depend on one another, in compiled loops: teams that meet, visits that wait for others.

While such visits are on routes each keeps to the bounds that the others leave it, so that every route can
be changed by itself. A team keeps its moment; a visit that waits begins not before its start, and the one it
waits for ends in time for that. Who is taken out takes out those who cannot be served without.
"""

from optimizer.engines.ruin.arrays import Day, Routes
from optimizer.engines.ruin.calls import is_kept, price_richly, retime_richly, sought
from optimizer.engines.ruin.compiling import inner, wide
from optimizer.engines.ruin.far import PLACE_TIED, PUT_IN_WAITING, RELEASE, address_of
from optimizer.engines.ruin.layout import (
    BREAKS,
    DRIVER,
    FIRST_WINDOW,
    FOLLOWING,
    LEAVE_OUT,
    PRICE,
    STOPS,
    WINDOWS,
)
from optimizer.engines.ruin.linking import IMPOSSIBLE, link, unlink
from optimizer.engines.ruin.memory import ABSENT, ROUND, Chance, Search, below, chance, save
from optimizer.engines.ruin.rich import (
    ASKED,
    BEGIN,
    DAYS,
    DELAY,
    FIRST,
    HELD,
    HIGH,
    LEAST,
    LOW,
    MIDNIGHTS,
    MOST,
    NEXT_DAY,
    SETUP,
    TEAM_NEXT,
    THEN,
    TIED,
    TRIED,
    WANTED,
)
from optimizer.units import NEVER

SKIPPING, SKIPPED = 0.3, 0.5
"""How often a visit that depends on others skips places, and how many: the cheapest may leave others none."""
MOMENTS_TRIED = 4
"""Moments at which a team may meet that are tried in one iteration."""


@inner
def _day_of(day: Day, moment: int) -> int:
    """Number of the day in which a moment lies."""
    number = 0
    while number + 1 < DAYS and day.rich.figures[MIDNIGHTS + number + 1] <= moment:
        number += 1
    return number


@inner
def earliest_after(day: Day, tie: int, end: int) -> int:
    """Earliest start of a visit that waits for one which ends at a moment."""
    waits = day.rich.waits
    moment = end + waits[tie, DELAY]
    if waits[tie, NEXT_DAY] > 0:
        moment = max(moment, day.rich.figures[MIDNIGHTS + min(_day_of(day, end) + 1, DAYS - 1)])
    return moment


@inner
def latest_end_before(day: Day, tie: int, start: int) -> int:
    """Latest end of a visit for which one waits that begins at a moment."""
    waits = day.rich.waits
    moment = start - waits[tie, DELAY]
    if waits[tie, NEXT_DAY] > 0:
        moment = min(moment, day.rich.figures[MIDNIGHTS + _day_of(day, start)] - 1)
    return moment


@inner
def release(day: Day, routes: Routes, search: Search) -> None:
    """Take out what cannot stay without what has been taken out, and loosen the bounds of the rest."""
    rich, links = day.rich, routes.links
    at = 0
    while at < search.numbers[ABSENT]:
        visit = wide(search.absent[at])
        at += 1
        if rich.visit[visit, TIED] == 0:
            continue
        if rich.visit[visit, TEAM_NEXT] >= 0:
            other = rich.visit[visit, TEAM_NEXT]
            while other != visit:
                if wide(links[other, DRIVER]) >= 0:
                    _take_out(day, routes, search, other)
                other = rich.visit[other, TEAM_NEXT]
        for tie in range(rich.waits.shape[0]):
            if rich.waits[tie, FIRST] == visit and wide(links[rich.waits[tie, THEN], DRIVER]) >= 0:
                _take_out(day, routes, search, rich.waits[tie, THEN])
    for at in range(search.numbers[ABSENT]):
        if rich.visit[wide(search.absent[at]), TIED] > 0:
            _forget(day, routes, search, wide(search.absent[at]))


@inner
def _take_out(day: Day, routes: Routes, search: Search, visit: int) -> None:
    who = wide(routes.links[visit, DRIVER])
    save(day, routes, search, who)
    unlink(routes.links, routes.tours, visit)
    retime_richly(day, routes, who)
    search.absent[search.numbers[ABSENT]] = visit
    search.numbers[ABSENT] += 1


@inner
def _forget(day: Day, routes: Routes, search: Search, visit: int) -> None:
    """Let go of the bounds of a visit on no route, and of what it demanded of those that come first."""
    rich = day.rich
    rich.visit[visit, LOW], rich.visit[visit, HIGH] = rich.visit[visit, LEAST], rich.visit[visit, MOST]
    for tie in range(rich.waits.shape[0]):
        first = rich.waits[tie, FIRST]
        if rich.waits[tie, THEN] == visit and wide(routes.links[first, DRIVER]) >= 0:
            _bind(day, routes, search, first)


@inner
def _bind(day: Day, routes: Routes, search: Search, visit: int) -> None:
    """Let a visit on a route end in time for those on routes that wait for it; its route is timed again."""
    rich = day.rich
    if rich.visit[visit, TEAM_NEXT] >= 0:
        return  # it keeps its moment as it is
    who, last = wide(routes.links[visit, DRIVER]), rich.visit[visit, MOST]
    for tie in range(rich.waits.shape[0]):
        other = rich.waits[tie, THEN]
        if rich.waits[tie, FIRST] == visit and wide(routes.links[other, DRIVER]) >= 0:
            end = latest_end_before(day, tie, rich.visit[other, LOW])
            last = min(last, end - wide(rich.service[visit, who]))
    if last != rich.visit[visit, HIGH]:
        save(day, routes, search, who)
        rich.visit[visit, HIGH] = last
        retime_richly(day, routes, who)


@inner
def _is_free(day: Day, routes: Routes, visit: int) -> bool:
    """Whether all that must come first is on a route; then its first start is set."""
    rich = day.rich
    low = rich.visit[visit, LEAST]
    for tie in range(rich.waits.shape[0]):
        if rich.waits[tie, THEN] != visit:
            continue
        first = rich.waits[tie, FIRST]
        who = wide(routes.links[first, DRIVER])
        if who < 0:
            return False
        low = max(low, earliest_after(day, tie, rich.visit[first, BEGIN] + wide(rich.service[first, who])))
    rich.visit[visit, LOW], rich.visit[visit, HIGH] = low, rich.visit[visit, MOST]
    return True


@inner
def _hold_first(day: Day, routes: Routes, search: Search, visit: int) -> None:
    """Keep those who come first from being delayed while a visit that waits for them is put in."""
    rich = day.rich
    for tie in range(rich.waits.shape[0]):
        first = rich.waits[tie, FIRST]
        who = wide(routes.links[first, DRIVER])
        if rich.waits[tie, THEN] == visit and who >= 0 and rich.visit[first, TEAM_NEXT] < 0:
            save(day, routes, search, who)
            rich.visit[first, HIGH] = min(rich.visit[first, HIGH], rich.visit[first, BEGIN])
            retime_richly(day, routes, who)


@inner
def _settle(day: Day, routes: Routes, search: Search, visit: int) -> None:
    """Draw the line between a visit and those it waits for at its start."""
    rich = day.rich
    if wide(routes.links[visit, DRIVER]) >= 0:
        rich.visit[visit, LOW] = max(rich.visit[visit, LOW], rich.visit[visit, BEGIN])
    for tie in range(rich.waits.shape[0]):
        first = rich.waits[tie, FIRST]
        if rich.waits[tie, THEN] == visit and wide(routes.links[first, DRIVER]) >= 0:
            _bind(day, routes, search, first)


@inner
def place_tied(day: Day, routes: Routes, search: Search, visit: int) -> bool:
    """Put a visit that depends on others on a route, its team with it; whether that was possible."""
    if day.rich.visit[visit, TEAM_NEXT] >= 0:
        return _place_team(day, routes, search, visit)
    if not _is_free(day, routes, visit):
        return False
    _hold_first(day, routes, search, visit)
    skipped = SKIPPED if chance(search.chance) < SKIPPING else 0.0
    who, before = sought(day, routes, search.chance, visit, skipped, day.nodes[visit, LEAVE_OUT], 0)
    is_worth = who >= 0
    if is_worth:
        save(day, routes, search, who)
        link(routes.links, routes.tours, who, visit, before)
        retime_richly(day, routes, who)
        if not is_kept(day, routes, who):
            unlink(routes.links, routes.tours, visit)
            retime_richly(day, routes, who)
            is_worth = False
    _settle(day, routes, search, visit)
    return is_worth


@inner
def put_in_waiting(day: Day, routes: Routes, search: Search) -> None:
    """Try those once more for whom the visits that come first were put in behind them."""
    left = 0
    for at in range(search.numbers[ABSENT]):
        visit = wide(search.absent[at])
        if wide(routes.links[visit, DRIVER]) >= 0:
            continue
        is_waiting = False
        for tie in range(day.rich.waits.shape[0]):
            is_waiting = is_waiting or day.rich.waits[tie, THEN] == visit
        if not is_waiting or not place_tied(day, routes, search, visit):
            search.absent[left] = visit
            left += 1
    kept = 0
    for at in range(left):  # a team may have come in behind its first member
        if wide(routes.links[wide(search.absent[at]), DRIVER]) < 0:
            search.absent[kept] = wide(search.absent[at])
            kept += 1
    search.numbers[ABSENT] = kept


@inner
def _place_team(day: Day, routes: Routes, search: Search, visit: int) -> bool:
    """Let a team meet at the cheapest of some moments; whether there is one."""
    if day.rich.visit[visit, TRIED] == search.numbers[ROUND]:
        return False
    worth, first = _worth(day, routes, visit)
    if worth < 0:
        return False
    member, is_round = visit, False
    while not is_round:
        day.rich.visit[member, TRIED] = search.numbers[ROUND]
        _hold_first(day, routes, search, member)
        member = day.rich.visit[member, TEAM_NEXT]
        is_round = member == visit
    best, moment = worth, -NEVER
    for turn in range(MOMENTS_TRIED):
        tried = _moment(day, routes, search.chance, visit, turn, first)
        if tried <= -NEVER or tried >= NEVER:
            continue
        price = _asked(day, routes, search, visit, tried, best)
        if price < best:
            best, moment = price, tried
    is_placed = moment > -NEVER and _gather(day, routes, search, visit, moment, worth)
    if not is_placed:
        _scatter(day, routes, visit)
    is_round = False
    while not is_round:
        if is_placed:
            _settle(day, routes, search, member)
        else:
            _forget(day, routes, search, member)
        member = day.rich.visit[member, TEAM_NEXT]
        is_round = member == visit
    return is_placed


@inner
def _worth(day: Day, routes: Routes, visit: int) -> tuple[int, int]:
    """What leaving a team out costs, and the first moment it may meet; -1 when something must come first."""
    worth, first, member = 0, -NEVER, visit
    while True:
        if not _is_free(day, routes, member):
            return -1, first
        worth += day.nodes[member, LEAVE_OUT]
        first = max(first, day.rich.visit[member, LOW])
        member = day.rich.visit[member, TEAM_NEXT]
        if member == visit:
            return worth, first


@inner
def _moment(day: Day, routes: Routes, state: Chance, visit: int, turn: int, first: int) -> int:
    """A moment at which a team might meet: a window's start, or when somebody could be there."""
    nodes = day.nodes
    for _ in range(below(state, 4)):
        visit = day.rich.visit[visit, TEAM_NEXT]
    opens = first
    if nodes[visit, WINDOWS] > 0:
        opens = max(first, nodes[visit, FIRST_WINDOW + 2 * below(state, nodes[visit, WINDOWS])])
        if turn < 2:
            return opens
    who = below(state, day.crew.shape[0])
    node = day.use.shape[0] + who
    for _ in range(below(state, routes.tours[who, STOPS] + 1)):
        node = wide(routes.links[node, FOLLOWING])
    end = NEVER
    for taken in range(day.crew[who, BREAKS] + 1):
        end = min(end, routes.times[node, taken])
    ready = end + day.seconds[wide(day.place[node]), wide(day.place[visit])] + day.rich.visit[visit, SETUP]
    return max(opens, ready) if chance(state) < 0.8 else max(first, ready)


@inner
def _lacking(day: Day, visit: int, member: int, skills: int) -> int:
    """Skills that a member must bring: whatever the others have not, if it is the last of the team."""
    is_last = day.rich.visit[member, TEAM_NEXT] == visit
    return day.rich.visit[visit, WANTED] & ~skills if is_last else 0


@inner
def _asked(day: Day, routes: Routes, search: Search, visit: int, moment: int, bound: int) -> int:
    """Price of a team that meets at a moment, each at the cheapest place; ``bound`` if it is not less."""
    rich, total, skills, member, is_round = day.rich, 0, 0, visit, False
    while not is_round and total < bound:
        rich.visit[member, LOW] = rich.visit[member, HIGH] = moment
        lacking = _lacking(day, visit, member, skills)
        who, before = sought(day, routes, search.chance, member, 0.0, bound - total, lacking)
        if who < 0:
            total = bound
        else:
            total += price_richly(day, routes, who, member, before, IMPOSSIBLE)
            skills |= rich.crew[who, HELD]
            rich.visit[member, ASKED] = who
        member = rich.visit[member, TEAM_NEXT]
        is_round = member == visit
    member, is_round = visit, False
    while not is_round:
        rich.visit[member, ASKED] = -1
        member = rich.visit[member, TEAM_NEXT]
        is_round = member == visit
    return min(total, bound)


@inner
def _gather(day: Day, routes: Routes, search: Search, visit: int, moment: int, bound: int) -> bool:
    """Put all of a team on routes at a moment for less than a bound; whether all could be."""
    rich, total, skills, member = day.rich, 0, 0, visit
    while True:
        rich.visit[member, LOW] = rich.visit[member, HIGH] = moment
        lacking = _lacking(day, visit, member, skills)
        who, before = sought(day, routes, search.chance, member, 0.0, bound - total, lacking)
        if who < 0:
            return False
        skills |= rich.crew[who, HELD]
        save(day, routes, search, who)
        price = routes.tours[who, PRICE]
        link(routes.links, routes.tours, who, member, before)
        retime_richly(day, routes, who)
        total += routes.tours[who, PRICE] - price
        if not is_kept(day, routes, who) or total >= bound:
            return False
        member = rich.visit[member, TEAM_NEXT]
        if member == visit:
            return True


@inner
def _scatter(day: Day, routes: Routes, visit: int) -> None:
    """Take all members of a team off their routes."""
    member = visit
    while True:
        who = wide(routes.links[member, DRIVER])
        if who >= 0:
            unlink(routes.links, routes.tours, member)
            retime_richly(day, routes, who)
        member = day.rich.visit[member, TEAM_NEXT]
        if member == visit:
            return


def connect(day: Day, routes: Routes, search: Search) -> None:
    """Compile the loops of days with ties, or load them, and tell the others where they are."""
    calls = day.rich.calls
    calls[PLACE_TIED] = address_of(place_tied, day, routes, search, 0)
    calls[RELEASE] = address_of(release, day, routes, search)
    calls[PUT_IN_WAITING] = address_of(put_in_waiting, day, routes, search)
