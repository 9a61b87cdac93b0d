"""Certificates: a visit goes only to technicians whose required papers are valid on the plan day."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from optimizer.constraints.pairs import forbid_pairs, pair_violations, unless_locked
from optimizer.plan import Plan, Violation
from optimizer.problem import Problem, Technician, Visit

if TYPE_CHECKING:
    from optimizer.engines.model import DayModel

CODE = "CERTIFICATE"
TITLE = "Certificates"
ACTION = "renew the certificate, or plan the visit for a day on which it is valid"


def used_by(problem: Problem) -> bool:
    """Whether any visit of the day brings the rule into play."""
    return any(visit.certificates for visit in problem.visits)


@unless_locked
def forbids(problem: Problem, technician: Technician, visit: Visit) -> str | None:
    """Say why the rule keeps a technician from a visit, or None."""
    if not visit.certificates:
        return None
    lacking = sorted(visit.certificates - problem.certificates_of(technician))
    day = problem.date_of(technician)
    return f"{technician.name} has no certificate {', '.join(lacking)} valid on {day}" if lacking else None


def add(model: "DayModel", problem: Problem) -> None:
    """Keep each visit off the routes of technicians the rule refuses."""
    forbid_pairs(model, problem, forbids)


def violations(problem: Problem, plan: Plan) -> Iterator[Violation]:
    """Yield one violation per planned visit whose technician the rule refuses."""
    return pair_violations(CODE, problem, plan, forbids=forbids)
