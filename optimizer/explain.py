"""Why a visit is not served: the rule that stands in the way, in words, and what would help."""

from dataclasses import replace

from optimizer.constraints import PAIRWISE, action_for
from optimizer.oracle import Oracle
from optimizer.plan import Plan, Unserved
from optimizer.problem import Problem, Technician, Visit

CAPACITY = "CAPACITY"
MORE_ROOM = "offer another window or day, or allow overtime"
NO_TECHNICIAN = "NO_TECHNICIAN"
MORE_WORTH = "raise its priority, or insert it by hand"
MORE_PEOPLE = "plan a shift for the day"
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
            sentence = _sentence(
                [cause for _, cause in causes if cause], others=len(left) < len(problem.technicians)
            )
            return Unserved(visit.id, rule.CODE, sentence, rule.ACTION)
        left = passed
    return None


def _sentence(causes: list[str], *, others: bool) -> str:
    """Word the causes of several technicians in one sentence."""
    shown = "; ".join(causes[:3])
    if len(causes) > 3:
        shown += f"; and {len(causes) - 3} more"
    return f"of the technicians otherwise suitable: {shown}" if others else shown


def explained(problem: Problem, plan: Plan) -> Plan:
    """The plan with a reason, a sentence and an action for every visit left out."""
    if not plan.unserved:
        return plan
    oracle = Oracle.open(problem, plan)
    known = ((entry, problem.visit(entry.visit_id)) for entry in plan.unserved)
    return replace(
        plan, unserved=tuple(why_unserved(problem, oracle, v) if v is not None else u for u, v in known)
    )


def why_unserved(problem: Problem, oracle: Oracle, visit: Visit) -> Unserved:
    """Reason why one visit is on no route of a plan."""
    found = blocking_rule(problem, visit)
    if found is not None:
        return found
    best = oracle.cheapest(visit)
    if best is not None:
        sentence = (
            f"the visit would fit into the day of {best[1]}, but costs {best[0]} cents more than it is worth"
        )
        return Unserved(visit.id, NOT_WORTH, sentence, MORE_WORTH)
    refused = [oracle.refusal(visit, t, problem.windows_of(visit)) for t in problem.technicians]
    able = [r for r in refused if r is not None and r.code in {CAPACITY, "PARTS", "INFEASIBLE_ROUTE"}]
    if able and all(r.code == "PARTS" for r in able):
        sentence = _sentence([r.sentence for r in able], others=len(able) < len(problem.technicians))
        return Unserved(visit.id, "PARTS", sentence, action_for("PARTS"))
    names = [t.name for t in problem.technicians if any(r.technician_id == t.id for r in able)]
    who = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    sentence = f"the day of everybody who could come is full ({who})"
    return Unserved(visit.id, CAPACITY, sentence, MORE_ROOM)
