"""Who may be sent where at what price, and which parts are used up, as arrays."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from optimizer.constraints import ABOUT_PAIRS, longest_way
from optimizer.constraints.team import lacking, teams
from optimizer.engines.ruin.layout import UNABLE, Whole
from optimizer.features import FETCH, SHIFTS, features
from optimizer.fetching import on_van
from optimizer.objectives import preference, stability
from optimizer.problem import Problem, Technician, Visit
from optimizer.units import Cents


def pairs_of(problem: Problem, visits: Sequence[Visit]) -> Whole:
    """What each technician costs beyond the travel; who may go is asked once for visits of the same needs."""
    pair = np.zeros((len(visits), len(problem.technicians)), dtype=np.int64)
    answers: dict[object, NDArray[np.bool_]] = {}
    prices: dict[object, list[Cents]] = {}
    by_place = longest_way.used_by(problem)
    alone = {members[0].id for members in teams(problem).values() if len(members) == 1}
    for row, visit in zip(pair, visits, strict=True):
        needs = needs_of(problem, visit, by_place=by_place), visit.team if visit.id in alone else None
        if needs not in answers:
            refused = [not may_go(problem, technician, visit) for technician in problem.technicians]
            if visit.id in alone:
                lacks = [bool(lacking(problem, [technician], [visit])) for technician in problem.technicians]
                refused = [no or lack for no, lack in zip(refused, lacks, strict=True)]
            answers[needs] = np.array(refused, dtype=np.bool_)
        wish = (visit.previous_technician, visit.preferred_technicians, frozenset(visit.skills.items()))
        if any(wish):
            if wish not in prices:
                prices[wish] = [pair_price(problem, t, visit) for t in problem.technicians]
            row[:] = prices[wish]
        row[answers[needs]] = UNABLE
    return pair


def pair_price(problem: Problem, technician: Technician, visit: Visit) -> Cents:
    """Price of sending a technician to a visit, beyond the travel."""
    changed = stability.pair_cents(problem, technician, visit)
    return changed + preference.pair_cents(problem, technician, visit)


def needs_of(problem: Problem, visit: Visit, *, by_place: bool) -> object:
    """What decides who may go, ``by_place`` also the site; visits of the same needs have the same answer."""
    lock = problem.lock(visit.id)
    return (
        frozenset(visit.skills.items()),
        visit.certificates,
        visit.excluded_technicians,
        visit.required_technician,
        visit.territory,
        lock.technician_id if lock else None,
        frozenset(visit.parts.items()),
        visit.location if by_place else None,
    )


def may_go(problem: Problem, technician: Technician, visit: Visit) -> bool:
    """Whether no rule about the pair stands in the way, times apart."""
    return not any(rule.forbids(problem, technician, visit) for rule in ABOUT_PAIRS)


def stock_of(problem: Problem, visits: Sequence[Visit]) -> tuple[Whole, Whole, tuple[str, ...]]:
    """
    Parts that visits use up and that vans carry, and their names.

    Only parts that more than one visit wants, since the others are a matter of ``pair``; all of them where
    parts can be fetched or a van serves several shifts.
    """
    wanted: dict[str, int] = {}
    for visit in visits:
        for part, quantity in visit.parts.items():
            wanted[part] = wanted.get(part, 0) + (quantity > 0)
    least = 0 if features(problem) & {FETCH, SHIFTS} else 1
    contested = {part: at for at, part in enumerate(sorted(p for p, n in wanted.items() if n > least))}
    vans = [on_van(problem, technician) for technician in problem.technicians]
    use, stock = _counted([visit.parts for visit in visits], contested), _counted(vans, contested)
    return use, stock, tuple(contested)


def _counted(rows: Sequence[Mapping[str, int]], columns: Mapping[str, int]) -> Whole:
    table = np.zeros((len(rows), len(columns)), dtype=np.int64)
    for at, row in enumerate(rows):
        for part, quantity in row.items():
            if part in columns:
                table[at, columns[part]] = quantity
    return table
