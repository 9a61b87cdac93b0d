"""A day as integer arrays: what the compiled loops read, and the routes they change."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from optimizer.engines.base import Cancel
from optimizer.engines.ruin.layout import (
    ABLE,
    BREAKS,
    FIRST_WINDOW,
    FOLLOWING,
    IDLE,
    LEAVE_OUT,
    LEFT,
    LENGTH,
    ONWARD,
    OVERTIME,
    PRECEDING,
    PRICE,
    READY,
    SHIFT_END,
    UNABLE,
    WIDTH,
    WINDOWS,
    Index,
    Table,
    Whole,
)
from optimizer.engines.ruin.pairing import pairs_of, stock_of
from optimizer.engines.ruin.rich import Rich, idle_price, rich_of
from optimizer.engines.ruin.strips import strips, unless
from optimizer.engines.ruin.uncovered import REFERENCE, Uncovered
from optimizer.features import features
from optimizer.objectives.travel import leg_cents
from optimizer.objectives.unserved import visit_cents
from optimizer.problem import Problem, Visit
from optimizer.roads import WholeTable
from optimizer.timing import latest_return, opening
from optimizer.units import HORIZON, NEVER, Cents

NEIGHBOURS = 100
"""Visits that count as near one another."""
BESIDE = 48
"""Near visits behind which, and as many before which, a visit is tried."""
WAITING = 0.2
"""A second of waiting between two visits counts as so much of a second of driving when they are compared."""
LARGEST = (1 << 31) - 1
SPARSE = 2
"""The arrays hold only the places in use when a table has at least so many times as many."""


class Day(NamedTuple):
    """
    What never changes during a search; columns are named in ``layout``.

    Nodes are numbered: ``n`` visits, then the openings of the ``m`` technicians' days, then their ends. With
    at most ``b`` breaks a day and ``p`` parts that more than one visit wants:

    seconds, cents
        (places, places) travel time and its price.
    place, nodes
        (n + 2m + d) a node's row of the travel tables, behind the nodes those of depots; (n + 2m, columns)
        what else is known of a node.
    crew, rests, limits, calm
        (m, columns); (m, b, 3); (m, b + 1) latest return by breaks taken, with overtime and without.
    kind
        (m) technicians of one kind are alike in everything.
    pair
        (n, m) price of sending a technician beyond the travel, or ``UNABLE``.
    use, stock
        (n, p) parts a visit uses up; (m, p) parts on the van.
    near
        (n, k) the nearest visits of each visit, itself first.
    beside
        (n, 2 b) visits behind which each visit goes best, then those before which; -1 where there are fewer.
    plain
        Whether nobody has a break and no visit more than one window, so that one number tells the time.
    rich
        What goes beyond plain routes.
    """

    seconds: Index
    cents: Index
    place: Index
    nodes: Whole
    crew: Whole
    rests: Table
    limits: Whole
    calm: Whole
    kind: Index
    pair: Whole
    use: Whole
    stock: Whole
    near: Index
    beside: Index
    plain: bool
    rich: Rich

    @property
    def visits(self) -> int:
        """Number of visits that can be planned."""
        return self.use.shape[0]

    @property
    def people(self) -> int:
        """Number of technicians."""
        return self.crew.shape[0]


class Routes(NamedTuple):
    """
    A plan under change.

    links
        (n + 2m, 4) who follows, who precedes, who drives, price of the drive to who follows.
    times
        (n + 3m + 2, 3 (b + 1)) earliest ends of service by breaks taken, latest starts that the rest of the
        day bears, and the same without overtime; behind the nodes (m) rows for depots and two for trials.
    tours
        (m, 3 + p) stops, price, overtime and parts left of each technician's day.
    """

    links: Index
    times: Whole
    tours: Whole


def require_plain(problem: Problem) -> None:
    """Raise ``Uncovered`` for all but plain routes."""
    require_covered(problem)
    if used := features(problem):
        raise Uncovered(f"quoting does not know {', '.join(sorted(used))}", REFERENCE)


def require_covered(problem: Problem) -> None:
    """Raise ``Uncovered`` for a lock to a place ahead that ``leading`` could not take for begun."""
    for lock in problem.locks:
        if lock.sequence is not None and not lock.is_begun:
            raise Uncovered(f"visit {lock.visit_id} is locked to a place in a route", REFERENCE)


def open_visits(problem: Problem) -> tuple[Visit, ...]:
    """Visits that can still be planned, in the order in which nodes are numbered."""
    return tuple(visit for visit in problem.visits if not problem.is_begun(visit.id))


def day_of(problem: Problem, cancel: Cancel = lambda: False) -> Day:
    """
    Turn a problem into arrays.

    Raises
    ------
    Uncovered
        For figures beyond their range.
    CalledOff
        When ``cancel``, asked between any two steps, answers true.
    """
    visits = open_visits(problem)
    pair = unless(cancel, lambda: pairs_of(problem, visits))
    use, stock, parts = stock_of(problem, visits)
    rests, limits, calm = _rests(problem)
    place, nodes, crew = _places(problem, visits), _nodes(problem, visits, pair), _crew(problem)
    given = place.copy()
    seconds, cents = _roads(problem, place, cancel)
    rich = unless(cancel, lambda: rich_of(problem, visits, (given, place), parts))
    near = _near(cents, place[: len(visits)], cancel)
    homes = place[len(visits) : len(nodes)].reshape(2, -1).T
    return Day(
        seconds=seconds,
        cents=cents,
        place=place,
        nodes=nodes,
        crew=crew,
        rests=rests,
        limits=limits,
        calm=calm,
        kind=np.arange(len(crew), dtype=np.int32)
        if rich.used
        else _kinds(homes, crew, rests, limits, calm, pair.T, stock),
        pair=pair,
        use=use,
        stock=stock,
        near=near,
        beside=_beside(near, nodes, place, (seconds, cents), cancel),
        plain=bool(limits.shape[1] == 1 and (nodes[:, WINDOWS] <= 1).all() and not rich.used),
        rich=rich,
    )


def _kinds(*known: NDArray[Any]) -> Index:
    """Number the kinds of technicians: of one kind are those of whom the arrays know the same."""
    numbers: dict[bytes, int] = {}
    rows = (b"".join(map(bytes, row)) for row in zip(*known, strict=True))
    return np.array([numbers.setdefault(row, len(numbers)) for row in rows], dtype=np.int32)


def empty_routes(day: Day) -> Routes:
    """Routes without any open stop."""
    nodes, states = day.visits + 2 * day.people, day.limits.shape[1]
    links = np.full((nodes, 4), -1, dtype=np.int32)
    times = np.full((nodes + day.people + 2, 3 * states), -NEVER, dtype=np.int64)
    times[:, :states] = NEVER
    tours = np.zeros((day.people, LEFT + day.stock.shape[1]), dtype=np.int64)
    tours[:, PRICE] = day.crew[:, IDLE]
    tours[:, LEFT:] = day.stock
    for who in range(day.people):
        begin, end = day.visits + who, day.visits + day.people + who
        links[begin, FOLLOWING], links[end, PRECEDING] = end, begin
        links[begin, ONWARD] = day.crew[who, IDLE]
        times[begin, 0] = day.crew[who, READY]
        times[end, states : 2 * states] = day.limits[who]
        times[end, 2 * states :] = day.calm[who]
    return Routes(links, times, tours)


def _nodes(problem: Problem, visits: Sequence[Visit], pair: Whole) -> Whole:
    windows = [problem.windows_of(visit) for visit in visits]
    most = max(map(len, windows), default=0)
    crew = problem.technicians
    table = np.zeros((len(visits) + 2 * len(crew), FIRST_WINDOW + 2 * max(1, most)), dtype=np.int64)
    for row, visit, open_ in zip(table, visits, windows, strict=False):
        row[LENGTH] = visit.duration
        row[LEAVE_OUT], row[WINDOWS] = visit_cents(problem, visit), len(open_)
        row[WIDTH] = sum(window.end - window.start for window in open_) if open_ else HORIZON
        row[FIRST_WINDOW : FIRST_WINDOW + 2] = -NEVER, NEVER
        for at, window in enumerate(open_):
            row[FIRST_WINDOW + 2 * at : FIRST_WINDOW + 2 * at + 2] = window.start, window.end
    table[: len(visits), ABLE] = (pair != UNABLE).sum(axis=1)
    return table


def _places(problem: Problem, visits: Sequence[Visit]) -> Index:
    """Where each node is, and behind them the depots."""
    begins = [opening(problem, technician).location for technician in problem.technicians]
    ends = [technician.end for technician in problem.technicians]
    depots = [depot.location for depot in problem.depots]
    return np.array([*(visit.location for visit in visits), *begins, *ends, *depots], dtype=np.int32)


def _roads(problem: Problem, place: Index, cancel: Cancel) -> tuple[Index, Index]:
    """
    Travel times and the price of each drive, priced strip by strip.

    Where hardly any place of a large table is used, as in a part of a day, the arrays hold these places alone
    and the nodes are given their numbers.
    """
    matrix, size = problem.matrix, len(problem.matrix.seconds)
    used: Whole = np.arange(size, dtype=np.int64)
    needed, renumbered = np.unique(place, return_inverse=True)
    if needed.size * SPARSE <= size:
        used, place[:] = needed.astype(np.int64), renumbered
    tables: Any = (matrix.seconds, matrix.metres)
    is_whole = used.size == size and all(isinstance(table, WholeTable) for table in tables)
    cents = np.empty((used.size, used.size), dtype=np.int32)
    seconds = tables[0].cells if is_whole else np.empty_like(cents)
    for strip in strips(used.size, used.size, cancel):
        if is_whole:
            times, lengths = seconds[strip], tables[1].cells[strip]
        else:
            times, lengths = matrix.block(used[strip], used)
            seconds[strip] = times
        prices = _priced(problem, times, lengths)
        if times.size and max(int(times.max()), int(prices.max())) > LARGEST:
            raise Uncovered("a drive is too long or too dear for the arrays", REFERENCE)
        cents[strip] = prices
    return seconds, cents


def _priced(problem: Problem, times: Index, lengths: Index) -> Whole | Index:
    """Price of each drive, in short numbers where the sums leave room for it."""
    policy = problem.policy
    farthest = (int(times.max()), int(lengths.max())) if times.size else (0, 0)
    kind: type[np.signedinteger] = (
        np.int32 if 36_000 * (leg_cents(policy, *farthest) + 1) < LARGEST else np.int64
    )
    seconds: Any = times.astype(kind, copy=False)
    metres: Any = lengths.astype(kind, copy=False)
    prices: Whole | Index = leg_cents(policy, seconds, metres)  # type: ignore[assignment]
    return prices


def _crew(problem: Problem) -> Whole:
    table = np.zeros((len(problem.technicians), OVERTIME + 1), dtype=np.int64)
    for row, technician in zip(table, problem.technicians, strict=True):
        begin = opening(problem, technician)
        row[READY], row[SHIFT_END] = begin.ready, technician.shift.end
        row[IDLE], row[BREAKS] = idle_price(problem, technician), len(begin.breaks)
        row[OVERTIME] = problem.policy.overtime_cents_per_minute
    return table


def _rests(problem: Problem) -> tuple[Table, Whole, Whole]:
    """Breaks ahead, and the latest return by breaks taken, with overtime and without."""
    ahead = [opening(problem, technician).breaks for technician in problem.technicians]
    most = max(map(len, ahead), default=0)
    rests = np.zeros((len(ahead), max(1, most), 3), dtype=np.int64)
    limits = np.full((len(ahead), most + 1), -NEVER, dtype=np.int64)
    calm = limits.copy()
    for at, technician in enumerate(problem.technicians):
        for number, pause in enumerate(ahead[at]):
            rests[at, number] = pause.earliest, pause.latest, pause.duration
        for taken in range(len(ahead[at]) + 1):
            remaining = ahead[at][taken:]
            limits[at, taken] = latest_return(technician.shift.end + technician.overtime, remaining)
            calm[at, taken] = latest_return(technician.shift.end, remaining)
    return rests, limits, calm


def begun_cents(problem: Problem) -> Cents:
    """Price of what has begun already and is in no array: its drives, and its changes of technician."""
    total = 0
    for technician in problem.technicians:
        place = technician.start
        for visit in problem.begun_by(technician.id):
            total += leg_cents(problem.policy, *problem.matrix.leg(place, visit.location))
            place = visit.location
    return total


def _near(cents: Index, places: Index, cancel: Cancel) -> Index:
    """The nearest visits of each visit by the way there and back, without sorting whole rows."""
    size, count = places.size, min(NEIGHBOURS, places.size)
    found = np.empty((size, count), dtype=np.int32)
    for strip in strips(size, size, cancel):
        rows = places[strip]
        there, back = cents[rows].take(places, axis=1), cents.take(rows, axis=1).take(places, axis=0)
        both = there.astype(np.int64) + back.T
        itself = np.arange(rows.size)
        both[itself, strip.start + itself] = -1
        both *= size
        both += np.arange(size)  # so that of two equally near ones the first counts
        if count < size:
            both = np.partition(both, count - 1, axis=1)[:, :count]
        both.sort(axis=1)
        found[strip] = both % size
    return found


def _beside(near: Index, nodes: Whole, place: Index, roads: tuple[Index, Index], cancel: Cancel) -> Index:
    """
    Visits that each visit may well follow or precede: near ones, first those with little waiting between.

    Two visits whose windows never let one follow the other are not beside one another.
    """
    size, most = near.shape[0], min(BESIDE, near.shape[1] - 1) if near.size else 0
    found = np.full((size, 2 * BESIDE), -1, dtype=np.int32)
    if most <= 0:
        return found
    others, itself = near[:, 1:], np.arange(size)[:, None]
    for column, (first, then) in ((0, (others, itself)), (BESIDE, (itself, others))):
        sums = np.zeros(2, dtype=np.int64)
        for strip in strips(size, others.shape[1], cancel):
            sums += [
                int(table[place[first[strip]], place[then[strip]]].sum(dtype=np.int64)) for table in roads
            ]
        a_second = WAITING * float(sums[1]) / max(1, int(sums[0]))
        for strip in strips(size, others.shape[1], cancel):
            far = _farness(first[strip], then[strip], nodes, place, roads, a_second)
            ranks = far * near.shape[1] + np.arange(near.shape[1] - 1)
            ranks.sort(axis=1)
            far, order = np.divmod(ranks[:, :most], near.shape[1])
            chosen = np.take_along_axis(others[strip], order, axis=1)
            found[strip, column : column + most] = np.where(far < NEVER, chosen, -1)
    return found


def _farness(
    first: NDArray[Any],
    then: NDArray[Any],
    nodes: Whole,
    place: Index,
    roads: tuple[Index, Index],
    a_second: float,
) -> Whole:
    """Price of the drive between visits and of the least waiting; from ``NEVER`` on one cannot follow."""
    seconds, cents = (table[place[first], place[then]] for table in roads)
    windows = nodes[:, FIRST_WINDOW:]
    opens = np.where(nodes[:, WINDOWS] > 0, windows[:, 0], -NEVER)
    closes, leaves = windows.max(axis=1), nodes[:, LENGTH]
    waiting = opens[then] - (closes + leaves)[first] - seconds
    far: Whole = cents + (a_second * np.maximum(waiting, 0)).astype(np.int64)
    far[(opens + leaves)[first] + seconds > closes[then]] = NEVER
    return far
