"""All terms of a plan's cost, one file each, in cents."""

from typing import TYPE_CHECKING, Protocol

from optimizer.objectives import fairness, lateness, overtime, preference, stability, travel, unserved
from optimizer.plan import Plan
from optimizer.problem import Problem
from optimizer.units import Cents

if TYPE_CHECKING:
    from optimizer.engines.model import DayModel


class Objective(Protocol):
    """What an objective module offers."""

    NAME: str
    TITLE: str

    def cents(self, problem: Problem, plan: Plan) -> Cents:
        """Price of a plan under this term."""

    def add(self, model: "DayModel", problem: Problem) -> None:
        """State the term to the reference engine."""


OBJECTIVES: tuple[Objective, ...] = (unserved, lateness, overtime, stability, preference, fairness, travel)
