"""Why a visit is not served: the rule that stands in the way, in words, and what would help."""

from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import replace

import numpy as np

from optimizer.constraints import PAIRWISE, action_for, parts
from optimizer.explain_ties import Ties
from optimizer.glance import Flags
from optimizer.oracle import Oracle, Refusal
from optimizer.plan import Plan, Unserved
from optimizer.problem import Problem, Visit
from optimizer.reasons import (
    ASK_AGAIN,
    CALLED_OFF,
    CAPACITY,
    MORE_PEOPLE,
    MORE_ROOM,
    MORE_WORTH,
    NO_TECHNICIAN,
    NOT_EXPLAINED,
    NOT_WORTH,
    SHOWN,
    blocking_rule,
    in_one_sentence,
)
from optimizer.suited import Suited

__all__ = [
    "ASK_AGAIN",
    "CAPACITY",
    "MORE_PEOPLE",
    "MORE_ROOM",
    "MORE_WORTH",
    "NOT_EXPLAINED",
    "NOT_WORTH",
    "NO_TECHNICIAN",
    "Reasons",
    "blocking_rule",
    "explained",
]


OPENED_AT_ONCE = 200
"""Routes of a plan with more visits are not opened any more once nobody wants to wait."""


def explained(
    problem: Problem, plan: Plan, is_enough: Callable[[], bool] = lambda: False, *, is_hurried: bool = False
) -> Plan:
    """
    The plan with a reason, a sentence and an action for every visit left out.

    Parameters
    ----------
    is_enough
        Asked before each visit; from the first yes on they are ``NOT_EXPLAINED``.
    is_hurried
        Whether not even a large plan is to be opened for questions, which takes its time before the first.
    """
    if not plan.unserved:
        return plan
    is_large = is_hurried and len(problem.visits) > OPENED_AT_ONCE
    reasons = None if is_large or is_enough() else Reasons(problem, plan)
    found = []
    for entry in plan.unserved:
        visit = problem.visit(entry.visit_id)
        if visit is None:
            found.append(entry)
        elif reasons is None or is_enough():
            reasons = None
            found.append(Unserved(visit.id, NOT_EXPLAINED, CALLED_OFF, ASK_AGAIN))
        else:
            found.append(reasons.of(visit))
    return replace(plan, unserved=tuple(found))


class Reasons:
    """Why visits are on no route of a plan; what several of them ask of the day is found out once."""

    def __init__(self, problem: Problem, plan: Plan) -> None:
        self.problem = problem
        self._oracle = Oracle.open(problem, plan)
        self._suited = Suited(problem)
        self._ties = Ties(problem, self._oracle, self._suited)
        self._is_closed: Flags = np.array(
            [t.id in self._oracle.closed for t in problem.technicians], dtype=np.bool_
        )
        self._short: dict[Hashable, Flags] = {}

    def of(self, visit: Visit) -> Unserved:
        """Reason why one visit is on no route."""
        found = self._suited.blocking(visit)
        if found is not None:
            return found
        best = self._oracle.cheapest(visit)
        if best is not None:
            sentence = f"the visit would fit into the day of {best[1]}, "
            sentence += f"but costs {best[0]} cents more than it is worth"
            return Unserved(visit.id, NOT_WORTH, sentence, MORE_WORTH)
        return self._ties.in_the_way(visit) or self._no_room(visit)

    def _no_room(self, visit: Visit) -> Unserved:
        """The day of everybody who could come is full, or their vans are empty."""
        is_locked = self.problem.lock(visit.id) is not None
        able, short = self._asked(visit) if is_locked else self._able(visit)
        crew = self.problem.technicians
        full = np.flatnonzero(able)
        if full.size and not (able & ~short).any():
            told = list(self._lacking(visit, full[:SHOWN].tolist()))
            sentence = in_one_sentence(told, others=full.size < len(crew), count=full.size)
            return Unserved(visit.id, parts.CODE, sentence, action_for(parts.CODE))
        who = ", ".join(crew[at].name for at in full[:SHOWN].tolist())
        who += f" and {full.size - SHOWN} more" if full.size > SHOWN else ""
        sentence = f"the day of everybody who could come is full ({who})"
        return Unserved(visit.id, CAPACITY, sentence, MORE_ROOM)

    def _able(self, visit: Visit) -> tuple[Flags, Flags]:
        """Who could come to a visit without a lock that fits nowhere, and whose van lacks parts for it."""
        refused = self._suited.refused(visit)
        at = PAIRWISE.index(parts)
        lacking, unfit = refused[at], np.logical_or.reduce(refused[:at])
        out = unfit | self._tied(visit) | np.logical_or.reduce(refused[at + 1 :])
        short = lacking & ~unfit | ~lacking & ~out & self._used_up(visit)
        return self._is_closed | short | ~(lacking | out), short & ~self._is_closed

    def _tied(self, visit: Visit) -> Flags:
        """Whom another visit of its team, or of its group for one hand, keeps from a visit."""
        trials, crew = self._oracle.trials, self.problem.technicians
        return _flags(trials is not None and trials.tie_against(each, visit) is not None for each in crew)

    def _used_up(self, visit: Visit) -> Flags:
        """On whose van the other visits of the route use up what a visit needs, asked once for like needs."""
        needs = frozenset(visit.parts.items())
        if needs not in self._short:
            routes = [self._oracle.routes.get(technician.id) for technician in self.problem.technicians]
            may_fetch = self._oracle.trials is not None and self.problem.depots
            is_asked = bool(needs) and not may_fetch
            self._short[needs] = _flags(is_asked and r is not None and not r.has_parts(visit) for r in routes)
        return self._short[needs]

    def _asked(self, visit: Visit) -> tuple[Flags, Flags]:
        """The same of a visit with a lock, each technician asked."""
        refused = [self._refusal(visit, at) for at in range(len(self.problem.technicians))]
        codes = [refusal.code if refusal is not None else "" for refusal in refused]
        able = [code in {CAPACITY, parts.CODE, "INFEASIBLE_ROUTE"} for code in codes]
        return np.array(able, dtype=np.bool_), np.array(
            [code == parts.CODE for code in codes], dtype=np.bool_
        )

    def _refusal(self, visit: Visit, who: int) -> Refusal | None:
        technician = self.problem.technicians[who]
        return self._oracle.refusal(visit, technician, self.problem.windows_of(visit))

    def _lacking(self, visit: Visit, people: list[int]) -> Iterator[str]:
        """What is said of those whose vans lack the parts."""
        for who in people:
            refusal = self._refusal(visit, who)
            if refusal is not None:
                yield refusal.sentence


def _flags(answers: Iterable[bool]) -> Flags:
    return np.array(list(answers), dtype=np.bool_)
