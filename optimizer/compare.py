"""Two plans of one problem side by side: what each costs, and what differs for customers and technicians."""

from collections.abc import Mapping
from dataclasses import dataclass

from optimizer.check import cost
from optimizer.plan import Plan
from optimizer.planned import as_planned
from optimizer.problem import Problem
from optimizer.units import Cents, Seconds


@dataclass(frozen=True, slots=True)
class Place:
    """
    Where a plan puts a visit.

    technician_id
        Who goes.
    start
        When service begins.
    """

    technician_id: str
    start: Seconds


@dataclass(frozen=True, slots=True)
class Move:
    """
    A visit that the two plans treat differently; None stands for left out.

    visit_id
        The visit.
    before
        Its place in the first plan.
    after
        Its place in the second.
    """

    visit_id: str
    before: Place | None
    after: Place | None

    @property
    def changes_technician(self) -> bool:
        """Whether somebody else goes."""
        return (
            self.before is not None
            and self.after is not None
            and self.before.technician_id != self.after.technician_id
        )


@dataclass(frozen=True, slots=True)
class Comparison:
    """
    What differs between two plans.

    before
        Price of the first plan by term.
    after
        Price of the second.
    moves
        Visits with another technician or another start, and those on one plan only, in the problem's order.
    """

    before: Mapping[str, Cents]
    after: Mapping[str, Cents]
    moves: tuple[Move, ...]

    @property
    def saved(self) -> Cents:
        """How much cheaper the second plan is."""
        return sum(self.before.values()) - sum(self.after.values())


def compare(problem: Problem, first: Plan, second: Plan) -> Comparison:
    """Put two plans side by side; neither needs to be valid."""
    order = {visit.id: number for number, visit in enumerate(as_planned(problem).visits)}
    found = sorted(moves(first, second), key=lambda move: order.get(move.visit_id, len(order)))
    return Comparison(cost(problem, first), cost(problem, second), tuple(found))


def moves(first: Plan, second: Plan) -> tuple[Move, ...]:
    """Visits that two plans treat differently, in the order of the first, then of the second."""
    before, after = _places(first), _places(second)
    return tuple(
        Move(visit_id, before.get(visit_id), after.get(visit_id))
        for visit_id in {**before, **after}
        if before.get(visit_id) != after.get(visit_id)
    )


def _places(plan: Plan) -> dict[str, Place]:
    return {
        stop.visit_id: Place(route.technician_id, stop.start) for route in plan.routes for stop in route.stops
    }
