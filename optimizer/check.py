"""Judge any plan without any solver: every hard rule it breaks, and its exact cost by term."""

from collections.abc import Iterable

from optimizer.constraints import CONSTRAINTS, Constraint
from optimizer.objectives import OBJECTIVES
from optimizer.plan import Plan, Violation
from optimizer.planned import as_planned
from optimizer.problem import Problem
from optimizer.units import Cents


def check(problem: Problem, plan: Plan) -> list[Violation]:
    """
    List every hard rule that a plan breaks; an empty list means it can be published.

    The checker believes nothing the plan states: travel, arrivals, service times, breaks and returns are
    worked out from the problem, and a stated time that differs is itself a violation. Visits longer than a
    shift are judged by their parts.
    """
    return violations_of(CONSTRAINTS, as_planned(problem), plan)


def violations_of(rules: Iterable[Constraint], problem: Problem, plan: Plan) -> list[Violation]:
    """List where a plan breaks some of the rules."""
    return [violation for rule in rules for violation in rule.violations(problem, plan)]


def cost(problem: Problem, plan: Plan) -> dict[str, Cents]:
    """Price of a plan by term, in cents; the sum is what engines make small."""
    planned = as_planned(problem)
    return {term.NAME: term.cents(planned, plan) for term in OBJECTIVES}
