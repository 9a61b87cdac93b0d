"""In which order the places of a plan are worth looking at for one visit: none that holds is left out."""

from collections.abc import Hashable, Iterator, Sequence

import numpy as np

from optimizer.glance import NO_FLOOR, Flags, Glance, Promising, Whole
from optimizer.objectives import preference, stability
from optimizer.open_route import OpenRoute
from optimizer.problem import Problem, Visit, Window
from optimizer.suited import Suited
from optimizer.trials import Trials


class Survey:
    """
    Places of all routes, and what an insertion costs at least on each of them.

    Parameters
    ----------
    problem
        The day.
    routes
        The open routes in the order of the technicians.
    trials
        The plan on which insertions are driven, where arrays alone cannot tell.
    like
        Another survey of the same people, whose answers are taken over where they still hold.
    """

    def __init__(
        self,
        problem: Problem,
        routes: Sequence[OpenRoute | None],
        trials: Trials | None,
        like: "Survey | None" = None,
    ) -> None:
        self.routes, self.trials, self._problem = routes, trials, problem
        self.glance: Glance = Glance(problem, routes, like.glance if like is not None else None)
        self.suited: Suited = like.suited if like is not None else Suited(problem)
        self.prices: dict[Hashable, Whole] = like.prices if like is not None else {}
        stakes = [self._at_stake(route) for route in routes]
        self._stakes = np.array(stakes, dtype=np.int64).reshape(-1, 2).T

    def places(self, visit: Visit, windows: Sequence[Window], bound: Window | None) -> Iterator[Promising]:
        """
        Where a visit without a lock may have time, the cheapest first.

        ``windows`` are those asked about, none for any time; ``bound`` what other visits leave.
        """
        able = self.suited.able(visit)
        always, shorter = self._stakes
        if self.trials is not None and self._problem.depots and visit.parts:
            always = np.where(self._may_fetch(visit), NO_FLOOR, always)
        return self.glance.places(
            visit, windows, bound=bound, able=able, prices=self._prices_of(visit), discounts=(always, shorter)
        )

    def _at_stake(self, route: OpenRoute | None) -> tuple[int, int]:
        """What an insertion into a route may save at most: in any case, and where it shortens the work."""
        if route is None:
            return 0, 0
        if self.trials is None:
            return route.overtime, 0
        if self._problem.traffic is not None:
            return NO_FLOOR, 0
        return self.trials.at_stake(route.technician)

    def _may_fetch(self, visit: Visit) -> Flags:
        """On whose route a visit needs parts that the van lacks."""
        lacks = [route is not None and not route.has_parts(visit) for route in self.routes]
        return np.array(lacks, dtype=np.bool_)

    def _prices_of(self, visit: Visit) -> Whole:
        """What each technician costs for the visit beyond the drive, asked once for visits alike."""
        skills = frozenset(visit.skills.items())
        wish = (visit.previous_technician, visit.preferred_technicians, skills)
        if wish not in self.prices:
            crew = self._problem.technicians
            prices = [
                stability.pair_cents(self._problem, t, visit) + preference.pair_cents(self._problem, t, visit)
                for t in (crew if any(wish) else ())
            ]
            self.prices[wish] = np.array(prices or [0] * len(crew), dtype=np.int64)
        return self.prices[wish]
