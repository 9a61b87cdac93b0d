"""All hard rules of a plan, one file each; this list is what the checker and the engines go by."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

from optimizer.constraints import (
    arrival_window,
    breaks,
    certificates,
    excluded_technicians,
    locks,
    longest_way,
    parts,
    precedence,
    required_technician,
    same_technician,
    served_once,
    shift,
    skills,
    team,
    territory,
    timetable,
)
from optimizer.plan import Plan, Violation
from optimizer.problem import Problem, Technician, Visit

if TYPE_CHECKING:
    from optimizer.engines.model import DayModel


class Constraint(Protocol):
    """What a constraint module offers."""

    CODE: str
    TITLE: str
    ACTION: str

    def used_by(self, problem: Problem) -> bool:
        """Whether the problem brings the rule into play."""

    def add(self, model: "DayModel", problem: Problem) -> None:
        """State the rule to the reference engine."""

    def violations(self, problem: Problem, plan: Plan) -> Iterator[Violation]:
        """Yield where a plan breaks the rule."""


class PairConstraint(Constraint, Protocol):
    """A constraint that can already be judged for one technician and one visit."""

    def forbids(self, problem: Problem, technician: Technician, visit: Visit) -> str | None:
        """Why the technician may not serve the visit, or None."""


CONSTRAINTS: tuple[Constraint, ...] = (
    served_once,
    timetable,
    arrival_window,
    shift,
    breaks,
    skills,
    certificates,
    required_technician,
    excluded_technicians,
    territory,
    longest_way,
    parts,
    team,
    precedence,
    same_technician,
    locks,
)

PAIRWISE: tuple[PairConstraint, ...] = (
    locks,
    required_technician,
    skills,
    certificates,
    excluded_technicians,
    territory,
    longest_way,
    parts,
    arrival_window,
    shift,
)
"""Rules about one pair, in the order in which a dispatcher would give them as a reason."""
ABOUT_PAIRS = tuple(rule for rule in PAIRWISE if rule not in {arrival_window, shift})
"""Those that no clock decides: whoever times whole routes keeps windows and shifts there."""


def blocked(problem: Problem, technician: Technician, visit: Visit) -> tuple[str, str] | None:
    """First rule that keeps a technician from a visit whatever else the day holds, with its cause."""
    for rule in PAIRWISE:
        if cause := rule.forbids(problem, technician, visit):
            return rule.CODE, cause
    return None


def may_go(problem: Problem, technician: Technician, visit: Visit) -> bool:
    """Whether no rule about the pair stands in the way, times apart."""
    return not any(rule.forbids(problem, technician, visit) for rule in ABOUT_PAIRS)


def action_for(code: str) -> str:
    """What a dispatcher can do when a rule stands in the way."""
    return next((rule.ACTION for rule in CONSTRAINTS if code == rule.CODE), "")
