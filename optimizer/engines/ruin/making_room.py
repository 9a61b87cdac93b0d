"""
The second tier of booking on any day: which routes make room, and the search on them.

Where routes depend on one another, share a depot or a person, only those take part that decide by themselves.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from itertools import islice

import numpy as np

from optimizer import offers
from optimizer.constraints import may_go
from optimizer.engines.ruin.rearranging import rearranged
from optimizer.errors import InfeasibleRoute
from optimizer.features import BY_ONE_ROUTE, features, is_tied
from optimizer.offers import Effort, Rearranged, SiteTravel
from optimizer.oracle import known_sequences
from optimizer.plan import Plan
from optimizer.problem import Problem, Technician, Visit, Window
from optimizer.taking_out import without
from optimizer.timing import opening, timetable

NEAREST = 5
"""Routes that may change."""
ABLE_AMONG = 3
"""So many of them belong to technicians who can serve the visit."""


def made_room(
    problem: Problem,
    plan: Plan,
    visit: Visit,
    window: Window,
    site: SiteTravel | None,
    effort: Effort,
    seed: int,
    *,
    technicians: Sequence[str] | None = None,
) -> Rearranged | None:
    """
    The cheapest way found to serve a visit in a window by changing some routes, all their visits kept.

    ``technicians`` may change; without them they are looked for. None when no way was found.
    """
    wider, there = offers.with_site(problem, visit, site)
    day, narrowed = offers.asked(wider, there, window)
    try:
        rest = without(day, plan, narrowed)
    except InfeasibleRoute:
        return None
    names = nearest(day, rest, narrowed) if technicians is None else technicians
    found = rearranged(day, rest, narrowed, names, effort, seed) if names else None
    return replace(found, visit=visit, base=plan) if found is not None else None


def chosen_among(
    order: Sequence[int], is_able: Callable[[int], bool], may_change: Callable[[int], bool]
) -> list[int]:
    """The first of those who may change, some of them able to serve the visit; nobody if nobody is able."""
    chosen = list(islice((who for who in order if is_able(who) and may_change(who)), ABLE_AMONG))
    if not chosen:
        return []
    others = (who for who in order if who not in chosen and may_change(who))
    return [*chosen, *islice(others, NEAREST - len(chosen))]


def nearest(problem: Problem, plan: Plan, visit: Visit) -> list[str]:
    """Technicians nearest to a visit by stops and home whose routes decide by themselves."""
    crew, tied = problem.technicians, _tied(problem)
    alone = problem.changed(technicians=(), visits=(visit,), locks=())
    if visit.id in tied or not features(alone) <= BY_ONE_ROUTE:
        return []
    sequences, shifts = known_sequences(problem, plan), Counter(technician.who for technician in crew)
    orders = [sequences.get(technician.id) or problem.begun_by(technician.id) for technician in crew]

    @cache  # asked of the able, then of the others
    def may_change(who: int) -> bool:
        names = {each.id for each in orders[who]}
        is_apart = shifts[crew[who].who] == 1 and tied.isdisjoint(names)
        return is_apart and _decides_alone(problem, crew[who], orders[who])

    stops = [(who, each.location) for who, order in enumerate(orders) for each in order]
    stops += [(who, opening(problem, technician).location) for who, technician in enumerate(crew)]
    places = [place for _, place in stops]
    to, back = problem.matrix.block([visit.location], places), problem.matrix.block(places, [visit.location])
    away = np.full(len(crew), np.iinfo(np.int64).max)
    way = to[0].ravel().astype(np.int64) + back[0].ravel()
    np.minimum.at(away, [who for who, _ in stops], way)
    order = np.argsort(away, kind="stable").tolist()
    chosen = chosen_among(order, lambda who: may_go(problem, crew[who], visit), may_change)
    return [crew[who].id for who in chosen]


def _tied(problem: Problem) -> set[str]:
    """Visits that depend on others or others on them, or that are locked to a place in a route."""
    found = {visit.id for visit in problem.visits if is_tied(visit)}
    found |= {before.visit_id for visit in problem.visits for before in visit.after}
    ahead = (lock for lock in problem.locks if lock.sequence is not None and not lock.is_begun)
    return found | {lock.visit_id for lock in ahead}


def _decides_alone(problem: Problem, technician: Technician, visits: Sequence[Visit]) -> bool:
    """Whether a route holds, and no part of it is fetched from a depot that others share."""
    if not features(problem.changed(technicians=(technician,), visits=tuple(visits))) <= BY_ONE_ROUTE:
        return False
    try:
        return not visits or bool(timetable(problem, technician, visits))
    except InfeasibleRoute:
        return False
