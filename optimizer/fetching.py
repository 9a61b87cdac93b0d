"""
Fetching parts: where on a route a technician whose van lacks parts goes by a depot.

A route that needs more than the van carries fetches all that is lacking in one stop, before the first visit
that lacks anything, where the way to a depot that has it costs least and everything after it stays in time.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from optimizer.crew import Depot
from optimizer.objectives.travel import leg_cents
from optimizer.problem import Problem, Technician, Visit


@dataclass(frozen=True, slots=True)
class FetchCall(Visit):
    """A stop at a depot on a route, timed like a visit that has no window."""

    depot: str = ""


def call_at(depot: Depot) -> FetchCall:
    """The stop at a depot."""
    return FetchCall(f"fetch at {depot.id}", depot.location, depot.handling, depot=depot.id)


def on_van(problem: Problem, technician: Technician) -> Mapping[str, int]:
    """Stock left for planning after the stops already begun, those of the same person's other shifts too."""
    begun = problem.begun_by_person(technician.who)
    if not begun:
        return technician.stock
    left = dict(technician.stock)
    for visit in begun:
        for part, quantity in visit.parts.items():
            left[part] = max(0, left.get(part, 0) - quantity)
    return left


def lacking(stock: Mapping[str, int], visits: Sequence[Visit]) -> tuple[dict[str, int], int]:
    """Parts that a van is short of for these visits, and the position of the first that lacks any."""
    left = dict(stock)
    first = len(visits)
    for position, visit in enumerate(visits):
        for part, quantity in visit.parts.items():
            left[part] = left.get(part, 0) - quantity
            if quantity and left[part] < 0:
                first = min(first, position)
    return {part: -count for part, count in sorted(left.items()) if count < 0}, first


def has(depot: Depot, wanted: Mapping[str, int]) -> bool:
    """Whether a depot has all of these parts."""
    return all(depot.stock.get(part, 0) >= quantity for part, quantity in wanted.items())


def ways_to_fetch(
    problem: Problem, technician: Technician, begin: int, visits: Sequence[Visit]
) -> Iterator[tuple[Visit, ...]]:
    """
    The stops of a route with a fetch where one is needed, the cheapest way first.

    Without depots, or when nothing is lacking, the visits alone; nothing when no depot has what is lacking.
    """
    wanted, first = lacking(on_van(problem, technician), visits) if problem.depots else ({}, 0)
    if not wanted:
        yield tuple(visits)
        return
    places = (begin, *(visit.location for visit in visits), technician.end)
    found = []
    for number, depot in enumerate(problem.depots):
        if not has(depot, wanted):
            continue
        for position in range(first + 1):
            here, there = places[position], places[position + 1]
            detour = _cents(problem, here, depot.location) + _cents(problem, depot.location, there)
            found.append((detour - _cents(problem, here, there), position, number))
    for _, position, number in sorted(found):
        call = call_at(problem.depots[number])
        yield (*visits[:position], call, *visits[position:])


def _cents(problem: Problem, origin: int, target: int) -> int:
    return leg_cents(problem.policy, *problem.matrix.leg(origin, target))
