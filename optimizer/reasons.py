"""Reasons why a visit is left out, and the rule that keeps everybody from it on any plan of the day."""

from collections.abc import Sequence

from optimizer.constraints import PAIRWISE
from optimizer.plan import Unserved
from optimizer.problem import Problem, Technician, Visit

CAPACITY = "CAPACITY"
NOT_EXPLAINED = "NOT_EXPLAINED"
"""Planning was called off, and nobody has looked for the reason."""
CALLED_OFF = "planning was called off before the reason was looked for"
ASK_AGAIN = "plan again, or have the plan explained"
MORE_ROOM = "offer another window or day, or allow overtime"
NO_TECHNICIAN = "NO_TECHNICIAN"
MORE_WORTH = "raise its priority, or insert it by hand"
MORE_PEOPLE = "plan a shift for the day"
SHOWN = 3
"""Causes and names that a sentence gives before it counts the others."""
NOT_WORTH = "NOT_WORTH"
"""The visit would fit, but its price of being left out is lower than what serving it costs."""


def blocking_rule(problem: Problem, visit: Visit) -> Unserved | None:
    """
    Reason that holds on any plan of the day: the rule after which no technician remains.

    The rules are asked in turn; each is put only to those who passed the ones before. So "certificate" means:
    of all who have the skills, nobody has the paper.
    """
    left: list[Technician] = list(problem.technicians)
    if not left:
        return Unserved(visit.id, NO_TECHNICIAN, "nobody works on this day", MORE_PEOPLE)
    for rule in PAIRWISE:
        causes = [(t, rule.forbids(problem, t, visit)) for t in left]
        passed = [t for t, cause in causes if cause is None]
        if not passed:
            sentence = in_one_sentence(
                [cause for _, cause in causes if cause], others=len(left) < len(problem.technicians)
            )
            return Unserved(visit.id, rule.CODE, sentence, rule.ACTION)
        left = passed
    return None


def in_one_sentence(causes: Sequence[str], *, others: bool, count: int | None = None) -> str:
    """Word the causes of several technicians in one sentence; of ``count`` only the first need be given."""
    shown, count = "; ".join(causes[:SHOWN]), len(causes) if count is None else count
    if count > SHOWN:
        shown += f"; and {count - SHOWN} more"
    return f"of the technicians otherwise suitable: {shown}" if others else shown
