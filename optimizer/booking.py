"""
The booking oracle for callers: opened once on a plan, then asked and changed.

>>> desk = open_oracle(problem, plan)
>>> offers = desk.quote(visit, windows)
>>> plan = desk.commit(offers[0])

Compiled loops answer where numba is installed; plain Python does, with the same offers, where it is not and
for what the loops do not know: a lock to a place in a route, parts from depots, several shifts of a person,
days on which visits depend on one another, and rich days whose plan overdraws a van or is out of date.
"""

from collections.abc import Sequence
from importlib.util import find_spec

from optimizer import offers, oracle
from optimizer.errors import OfferGone
from optimizer.features import features
from optimizer.offers import USUAL, Effort, Quoting, Rearranged, SiteTravel
from optimizer.oracle import Offer
from optimizer.plan import Plan
from optimizer.planned import as_planned
from optimizer.problem import Problem, Visit, Window

__all__ = ["Effort", "PlainOracle", "Quoting", "Rearranged", "SiteTravel", "open_oracle"]


class PlainOracle(offers.Desk):
    """The oracle in plain Python: opens its routes anew for each question."""

    def __init__(self, problem: Problem, plan: Plan) -> None:
        oracle.known_sequences(problem, plan)
        self.problem, self.plan = problem, plan

    @property
    def nbytes(self) -> int:
        """Memory of the travel tables, about."""
        return offers.matrix_bytes(self.problem.matrix)

    def quote(
        self,
        visit: Visit,
        windows: Sequence[Window],
        *,
        site: SiteTravel | None = None,
        each_technician: bool = False,
    ) -> list[Offer]:
        """Cheapest offer per window, dearest last; with ``each_technician`` one per window and technician."""
        plain = offers.plain_quote
        return plain(self.problem, self.plan, visit, windows, site, each_technician=each_technician)

    def reopen(
        self,
        visit: Visit,
        window: Window,
        *,
        site: SiteTravel | None = None,
        effort: Effort = USUAL,
        seed: int = 0,
    ) -> Rearranged | None:
        """Make room on routes that decide by themselves; None without the compiled loops that search."""
        if not _has_loops(self.problem):
            return None
        from optimizer.engines.ruin.making_room import made_room

        return made_room(self.problem, self.plan, visit, window, site, effort, seed)

    def copy(self) -> "PlainOracle":
        """The same oracle once more, to be changed by itself."""
        return PlainOracle(self.problem, self.plan)

    def taken(self, offer: Offer, *, site: SiteTravel | None = None) -> Plan:
        """The plan with an offer taken, without taking it; ``OfferGone`` when it no longer holds."""
        return self._with(offer, site)[1]

    def commit(self, offer: Offer, *, site: SiteTravel | None = None) -> Plan:
        """Take an offer, or raise ``OfferGone`` when it no longer holds."""
        self.problem, self.plan = self._with(offer, site)
        return self.plan

    def _with(self, offer: Offer, site: SiteTravel | None) -> tuple[Problem, Plan]:
        """Problem and plan with an offer taken."""
        if offer.visit is None:
            raise OfferGone("the offer names no visit", "commit an offer that quote returned")
        problem, there = offers.with_site(self.problem, offer.visit, site)
        asked, _ = offers.asked(problem, there, offer.window)
        if isinstance(offer, Rearranged):
            return asked, offers.rearranged(problem, self.plan, offer)
        return asked, oracle.insert(problem, self.plan, offer, there)


def open_oracle(problem: Problem, plan: Plan) -> Quoting:
    """Open a plan for questions; a route that no longer holds under the problem is closed to insertions."""
    problem = as_planned(problem)
    if _has_loops(problem):
        from optimizer.engines.ruin.booking import CompiledOracle
        from optimizer.engines.ruin.rich_booking import RichOracle
        from optimizer.engines.ruin.uncovered import Uncovered

        try:
            return RichOracle(problem, plan) if features(problem) else CompiledOracle(problem, plan)
        except Uncovered:
            return PlainOracle(problem, plan)
    return PlainOracle(problem, plan)


def _has_loops(problem: Problem) -> bool:
    """Whether compiled loops can answer anything about a day."""
    return find_spec("numba") is not None and bool(problem.technicians) and len(problem.matrix.seconds) > 0
