"""
Why nobody can take a visit in windows that the oracle has found closed, without opening any route again.

On a day without any lock, whoever is not kept away by a rule has no room there: the quote has shown it. Days
that have begun, and days whose visits depend on one another, are asked in full.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property

from optimizer.constraints import ABOUT_PAIRS, PAIRWISE, blocked
from optimizer.features import features, is_plain
from optimizer.oracle import Refusal
from optimizer.problem import Problem, Technician, Visit, Window
from optimizer.units import clock

CLOCKED = tuple(rule for rule in PAIRWISE if rule not in ABOUT_PAIRS)
"""Rules about a pair that a window decides."""


def is_free(problem: Problem) -> bool:
    """Tell whether rules and room are all that can stand in the way on a day."""
    return not problem.locks and not features(problem)


def is_simple(problem: Problem, visit: Visit) -> bool:
    """Tell whether a visit asks for nothing beyond rules and room."""
    return not visit.parts and is_plain(problem, visit)


class Closed:
    """Why technicians cannot take one visit; what does not hang on the window is judged once."""

    def __init__(self, read: Callable[[], tuple[Problem, Visit]]) -> None:
        self._read = read

    @cached_property
    def problem(self) -> Problem:
        """The day, with the place of the visit."""
        return self._both[0]

    @cached_property
    def visit(self) -> Visit:
        """The visit, at its place."""
        return self._both[1]

    @cached_property
    def _both(self) -> tuple[Problem, Visit]:
        return self._read()

    @cached_property
    def _always(self) -> tuple[Refusal | None, ...]:
        """Whom a rule keeps away at any time, in the order of technicians."""
        untimed = replace(self.visit, windows=())
        found = ((person, blocked(self.problem, person, untimed)) for person in self.problem.technicians)
        return tuple(Refusal(person.id, *rule) if rule is not None else None for person, rule in found)

    def is_about_room(self, window: Window) -> bool:
        """Tell whether anybody might come if there were room in a window."""
        asked = replace(self.visit, windows=(window,))
        return any(self._late(person, asked) is None for person in self._able())

    def because(self, windows: Sequence[Window]) -> list[Refusal]:
        """Return for each technician why not, in windows for which no route has an offer."""
        asked = replace(self.visit, windows=tuple(windows))
        times = ", ".join(f"{clock(window.start)}-{clock(window.end)}" for window in windows)
        return [
            always or self._late(person, asked) or _full(person, times)
            for person, always in zip(self.problem.technicians, self._always, strict=True)
        ]

    def _able(self) -> list[Technician]:
        both = zip(self.problem.technicians, self._always, strict=True)
        return [person for person, always in both if always is None]

    def _late(self, technician: Technician, asked: Visit) -> Refusal | None:
        for rule in CLOCKED:
            if cause := rule.forbids(self.problem, technician, asked):
                return Refusal(technician.id, rule.CODE, cause)
        return None


def _full(technician: Technician, times: str) -> Refusal:
    return Refusal(technician.id, "CAPACITY", f"{technician.name} has no room left in {times}")
