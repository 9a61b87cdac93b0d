"""
Who may serve a visit by the rules about one technician and one visit, asked once for visits alike.

Skills, papers and the like are asked of everybody once for all visits with the same needs; whether somebody
who drives straight there keeps a window and the shift is worked out for everybody at a time.
"""

from collections.abc import Callable, Hashable
from types import MappingProxyType

import numpy as np

from optimizer.constraints import (
    PAIRWISE,
    PairConstraint,
    arrival_window,
    certificates,
    excluded_technicians,
    locks,
    longest_way,
    parts,
    required_technician,
    shift,
    skills,
    territory,
)
from optimizer.constraints.arrival_window import meaning
from optimizer.drives import opening
from optimizer.glance import Flags, Whole, times_for
from optimizer.plan import Unserved
from optimizer.problem import Problem, Visit
from optimizer.reasons import MORE_PEOPLE, NO_TECHNICIAN, SHOWN, blocking_rule, in_one_sentence
from optimizer.units import NEVER
from optimizer.work import ARRIVAL, FINISH, START

NEEDS: MappingProxyType[PairConstraint, Callable[[Visit], Hashable]] = MappingProxyType(
    {
        required_technician: lambda visit: visit.required_technician,
        skills: lambda visit: frozenset(visit.skills.items()),
        certificates: lambda visit: visit.certificates,
        excluded_technicians: lambda visit: visit.excluded_technicians,
        territory: lambda visit: visit.territory,
        parts: lambda visit: frozenset(visit.parts.items()),
    }
)
"""What of a visit without a lock a rule goes by; a visit that needs nothing is refused to nobody."""


class Suited:
    """Everybody of a day and the rules about pairs; asked about visits without a lock."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        crew = problem.technicians
        self._nobody: Flags = np.zeros(len(crew), dtype=np.bool_)
        self._known: dict[tuple[str, Hashable], Flags] = {}
        openings = [opening(problem, technician) for technician in crew]
        self._begin = np.array([begin.location for begin in openings], dtype=np.int64)
        self._ready = np.array([begin.ready for begin in openings], dtype=np.int64)
        self._home = np.array([t.end for t in crew], dtype=np.int64)
        self._limit = np.array([t.shift.end + t.overtime for t in crew], dtype=np.int64)
        self._start = np.array([t.start for t in crew], dtype=np.int64)
        ways = [NEVER if t.longest_way is None else t.longest_way for t in crew]
        self._longest = np.array(ways, dtype=np.int64)
        self._is_limited = bool((self._longest < NEVER).any())

    def refused(self, visit: Visit) -> list[Flags]:
        """For each of ``PAIRWISE``, whom it keeps from a visit without a lock."""
        is_plain = self.problem.traffic is None and self.problem.bound(visit.id) is None
        starts = self._starts(visit) if is_plain else None
        found = []
        for rule in PAIRWISE:
            if rule in NEEDS:
                found.append(self._by_needs(rule, visit))
            elif rule is locks:
                found.append(self._nobody)
            elif rule is longest_way:
                found.append(self._too_far(visit))
            elif starts is None:
                found.append(self._asked(rule, visit))
            elif rule is arrival_window:
                found.append(starts >= NEVER)
            elif rule is shift:
                found.append(self._too_long(visit, starts))
            else:
                found.append(self._asked(rule, visit))
        return found

    def able(self, visit: Visit) -> Flags:
        """Who may go to a visit without a lock as far as the clock does not decide."""
        refused = self._too_far(visit)
        for rule in NEEDS:
            refused = refused | self._by_needs(rule, visit)
        return ~refused

    def blocking(self, visit: Visit) -> Unserved | None:
        """Reason that holds on any plan of the day, as ``reasons.blocking_rule``."""
        crew = self.problem.technicians
        if self.problem.lock(visit.id) is not None:
            return blocking_rule(self.problem, visit)
        if not crew:
            return Unserved(visit.id, NO_TECHNICIAN, "nobody works on this day", MORE_PEOPLE)
        left = ~self._nobody
        for rule, refused in zip(PAIRWISE, self.refused(visit), strict=True):
            if not (left & ~refused).any():
                names = np.flatnonzero(left)
                told = (rule.forbids(self.problem, crew[who], visit) for who in names[:SHOWN].tolist())
                causes = [cause for cause in told if cause]
                sentence = in_one_sentence(causes, others=names.size < len(crew), count=names.size)
                return Unserved(visit.id, rule.CODE, sentence, rule.ACTION)
            left &= ~refused
        return None

    def _asked(self, rule: PairConstraint, visit: Visit) -> Flags:
        """Whom a rule refuses, each technician asked."""
        causes = [rule.forbids(self.problem, technician, visit) for technician in self.problem.technicians]
        return np.array([cause is not None for cause in causes], dtype=np.bool_)

    def _by_needs(self, rule: PairConstraint, visit: Visit) -> Flags:
        """Whom a rule refuses, asked once for visits that need the same."""
        needs = NEEDS[rule](visit)
        if not needs and needs != "":
            return self._nobody
        key = (rule.CODE, needs)
        if key not in self._known:
            self._known[key] = self._asked(rule, visit)
        return self._known[key]

    def _too_far(self, visit: Visit) -> Flags:
        """Whose longest way ends before the site."""
        if not self._is_limited:
            return self._nobody
        ways = self.problem.matrix.block(self._start, [visit.location])[0]
        return ways.ravel().astype(np.int64) > self._longest

    def _starts(self, visit: Visit) -> Whole:
        """When each technician who drives straight there can begin, NEVER after the last window."""
        travel = self.problem.matrix.block(self._begin, [visit.location])[0].ravel().astype(np.int64)
        setup = np.where(self._begin != visit.location, visit.setup, 0)
        ready = self._ready + travel + setup
        windows = self.problem.windows_of(visit)
        if not windows:
            return ready
        service = times_for(self.problem, visit)
        found = np.full_like(ready, NEVER)
        for window in windows:
            bound = meaning(self.problem, visit)
            beyond: dict[str, Whole | int] = {START: 0, FINISH: -service, ARRIVAL: setup}
            reach = window.end + beyond[bound]
            is_open = (ready <= reach) & (found >= NEVER)
            if bound != ARRIVAL:
                is_open &= window.start <= reach
            found = np.where(is_open, np.maximum(ready, window.start), found)
        return found

    def _too_long(self, visit: Visit, starts: Whole) -> Flags:
        """Who would be back too late from this visit alone."""
        travel = self.problem.matrix.block([visit.location], self._home)[0].ravel().astype(np.int64)
        back = starts + times_for(self.problem, visit) + travel
        return (starts < NEVER) & (back > self._limit)
