"""What booking oracles have in common: the question, a new address, and offers that move others."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from optimizer.errors import InfeasibleRoute, OfferGone
from optimizer.oracle import Offer, Refusal, known_sequences, placed, quote, refusals
from optimizer.plan import Plan, Route
from optimizer.problem import Matrix, Problem, Visit, Window
from optimizer.roads import Cells, Places, WholeTable
from optimizer.taking_out import left_by
from optimizer.timing import timetable
from optimizer.units import Metres, Seconds

WHOLE, PLAIN = 8, 80
"""Bytes for one pair of places, as arrays and as Python integers."""
AGAIN = "ask for a new quote"


@dataclass(frozen=True, slots=True)
class SiteTravel:
    """
    Travel between a new address and every location of the problem: one column and one row of the matrix.

    seconds_to
        Travel time from each location to the address.
    metres_to
        Length of the same ways.
    seconds_from
        Travel time from the address to each location.
    metres_from
        Length of the same ways.
    """

    seconds_to: Sequence[Seconds] | Cells
    metres_to: Sequence[Metres] | Cells
    seconds_from: Sequence[Seconds] | Cells
    metres_from: Sequence[Metres] | Cells


@dataclass(frozen=True, slots=True)
class Moved:
    """
    A visit that is served otherwise than before.

    visit_id
        The visit.
    technician_before
        Who was to come.
    technician_after
        Who comes now.
    later_by
        Seconds by which service begins later; negative when it begins earlier.
    """

    visit_id: str
    technician_before: str
    technician_after: str
    later_by: Seconds


@dataclass(frozen=True, slots=True)
class Rearranged(Offer):
    """
    An offer for which other visits of the day make room; all of them stay served within their windows.

    routes
        The routes that change, as they would be.
    emptied
        Technicians who would stay at home.
    moved
        What becomes of the other visits, those that stay as they are left out.
    base
        The plan for which it holds.
    """

    routes: tuple[Route, ...] = ()
    emptied: frozenset[str] = frozenset()
    moved: tuple[Moved, ...] = ()
    base: Plan | None = None


@dataclass(frozen=True, slots=True)
class Effort:
    """
    How long to search for room.

    milliseconds
        Wall clock.
    rounds
        Iterations in place of it; then the same seed gives the same answer.
    """

    milliseconds: float = 30.0
    rounds: int | None = None


USUAL = Effort()


class Quoting(Protocol):
    """A booking oracle: one plan, opened once and asked many times; threads may share one."""

    problem: Problem
    plan: Plan

    @property
    def nbytes(self) -> int:
        """Memory in use, about."""

    def quote(
        self,
        visit: Visit,
        windows: Sequence[Window],
        *,
        site: SiteTravel | None = None,
        each_technician: bool = False,
    ) -> list[Offer]:
        """Cheapest offer per window; with ``site`` the visit lies at an address the problem lacks."""

    def refusals(
        self, visit: Visit, windows: Sequence[Window], *, site: SiteTravel | None = None
    ) -> list[Refusal]:
        """For each technician who cannot take the visit in any of the windows, the first reason."""

    def reopen(
        self,
        visit: Visit,
        window: Window,
        *,
        site: SiteTravel | None = None,
        effort: Effort = USUAL,
        seed: int = 0,
    ) -> Rearranged | None:
        """Make room for a visit in a window by changing the nearest routes, all their visits kept."""

    def copy(self) -> "Quoting":
        """The same oracle once more, to be changed by itself."""

    def taken(self, offer: Offer, *, site: SiteTravel | None = None) -> Plan:
        """The plan with an offer taken, without taking it."""

    def commit(self, offer: Offer, *, site: SiteTravel | None = None) -> Plan:
        """Take an offer: problem and plan hold the visit from now on."""


class Desk:
    """What both oracles share: one plan under one problem, and why somebody cannot come."""

    problem: Problem
    plan: Plan

    def refusals(
        self, visit: Visit, windows: Sequence[Window], *, site: SiteTravel | None = None
    ) -> list[Refusal]:
        """For each technician who cannot take the visit in any of the windows, the first reason."""
        problem, there = with_site(self.problem, visit, site)
        return refusals(problem, self.plan, there, windows)


@dataclass(frozen=True, slots=True)
class BorderedRoads:
    """The ways of a matrix, and those to and from one more address at its end."""

    matrix: Matrix
    site: SiteTravel

    @property
    def size(self) -> int:
        """Number of places."""
        return len(self.matrix.seconds) + 1

    def leg(self, origin: int, target: int) -> tuple[Seconds, Metres]:
        """Travel time and length of one way."""
        last, site = self.size - 1, self.site
        if origin == target == last:
            return 0, 0
        if origin == last:
            return int(site.seconds_from[target]), int(site.metres_from[target])
        if target == last:
            return int(site.seconds_to[origin]), int(site.metres_to[origin])
        return self.matrix.leg(origin, target)

    def block(self, origins: Places, targets: Places) -> tuple[Cells, Cells]:
        """Seconds and metres from each origin to each target."""
        last, site = self.size - 1, self.site
        begins, ends = np.asarray(origins, dtype=np.int64), np.asarray(targets, dtype=np.int64)
        seconds, metres = self.matrix.block(
            np.where(begins == last, 0, begins), np.where(ends == last, 0, ends)
        )
        seconds, metres = np.array(seconds, dtype=np.int32), np.array(metres, dtype=np.int32)
        for table, to, back in (
            (seconds, site.seconds_to, site.seconds_from),
            (metres, site.metres_to, site.metres_from),
        ):
            table[:, ends == last] = np.append(to, 0)[begins][:, None]
            table[begins == last] = np.append(back, 0)[ends]
        return seconds, metres


def matrix_bytes(matrix: Matrix) -> int:
    """Memory of a matrix, about."""
    if matrix.roads is not None:
        return 0
    cell = WHOLE if isinstance(matrix.seconds, WholeTable) else PLAIN
    return cell * len(matrix.seconds) ** 2


def with_site(problem: Problem, visit: Visit, site: SiteTravel | None) -> tuple[Problem, Visit]:
    """The problem with one more location, in the traffic of the nearest one, and the visit there."""
    if site is None:
        return problem, visit
    traffic, size = problem.traffic, len(problem.matrix.seconds)
    if traffic is not None:
        near = int(np.argmin(np.asarray(site.seconds_to)[:size] + np.asarray(site.seconds_from)[:size]))
        traffic = replace(traffic, zones=(*traffic.zones[:size], traffic.zones[near]))
    bordered = Matrix.of(BorderedRoads(problem.matrix, site))
    return problem.changed(matrix=bordered, traffic=traffic), replace(visit, location=size)


def plain_quote(
    problem: Problem,
    plan: Plan,
    visit: Visit,
    windows: Sequence[Window],
    site: SiteTravel | None,
    *,
    each_technician: bool,
) -> list[Offer]:
    """Offers made in plain Python, routes opened for this question alone."""
    wider, there = with_site(problem, visit, site)
    found = quote(wider, plan, there, windows, each_technician=each_technician)
    return [replace(offer, visit=visit) for offer in found]


def asked(problem: Problem, visit: Visit, window: Window) -> tuple[Problem, Visit]:
    """The problem that holds the visit in a window; its own locked times give way."""
    narrowed = replace(visit, windows=(window,))
    lock = problem.lock(visit.id)
    if lock is not None and (lock.start is not None or lock.range is not None):
        free = replace(lock, start=None, range=None)
        problem = problem.with_locks(free if each is lock else each for each in problem.locks)
    return problem.with_visit(narrowed), narrowed


def inserted(problem: Problem, plan: Plan, offer: Offer, visit: Visit, held: Sequence[Offer]) -> Plan:
    """
    The plan with a visit of the problem where an offer puts it; ``held`` are the offers that hold now.

    Raises
    ------
    OfferGone
        When the plan has changed since the quote and the visit no longer fits there.
    """
    technician = problem.technician(offer.technician_id)
    if technician is None or not any(each.technician_id == technician.id for each in held):
        raise OfferGone(f"visit {visit.id} no longer fits into the day of {offer.technician_id}", AGAIN)
    rest = left_by(problem, plan, visit)
    before = known_sequences(problem, rest).get(technician.id) or problem.begun_by(technician.id)
    try:
        timed = timetable(problem, technician, (*before[: offer.position], visit, *before[offer.position :]))
    except InfeasibleRoute as missed:
        raise OfferGone(missed.cause, AGAIN) from missed
    return Plan(placed(problem, rest, timed), rest.unserved)


def rearranged(problem: Problem, plan: Plan, offer: Rearranged) -> Plan:
    """The plan in which other visits have made room; ``OfferGone`` when it is not the one that was asked."""
    if offer.base != plan or offer.visit is None:
        raise OfferGone("the plan has changed since the offer was made", AGAIN)
    rest = left_by(problem, plan, offer.visit)
    routes = {route.technician_id: route for route in rest.routes if route.technician_id not in offer.emptied}
    routes |= {route.technician_id: route for route in offer.routes}
    return Plan(tuple(routes[t.id] for t in problem.technicians if t.id in routes), rest.unserved)
