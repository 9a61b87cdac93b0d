"""Why a visit is not served: the rule that stands in the way, in words, and what would help."""

from dataclasses import replace

from optimizer.constraints import action_for
from optimizer.explain_ties import tie_in_the_way
from optimizer.oracle import Oracle
from optimizer.plan import Plan, Unserved
from optimizer.problem import Problem, Visit
from optimizer.reasons import (
    CAPACITY,
    MORE_PEOPLE,
    MORE_ROOM,
    MORE_WORTH,
    NO_TECHNICIAN,
    NOT_WORTH,
    blocking_rule,
    in_one_sentence,
)

__all__ = [
    "CAPACITY",
    "MORE_PEOPLE",
    "MORE_ROOM",
    "MORE_WORTH",
    "NOT_WORTH",
    "NO_TECHNICIAN",
    "blocking_rule",
    "explained",
    "why_unserved",
]


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
    tie = tie_in_the_way(problem, oracle, visit)
    if tie is not None:
        return tie
    refused = [oracle.refusal(visit, t, problem.windows_of(visit)) for t in problem.technicians]
    able = [r for r in refused if r is not None and r.code in {CAPACITY, "PARTS", "INFEASIBLE_ROUTE"}]
    if able and all(r.code == "PARTS" for r in able):
        sentence = in_one_sentence([r.sentence for r in able], others=len(able) < len(problem.technicians))
        return Unserved(visit.id, "PARTS", sentence, action_for("PARTS"))
    full = {refusal.technician_id for refusal in able}
    names = [t.name for t in problem.technicians if t.id in full]
    who = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    sentence = f"the day of everybody who could come is full ({who})"
    return Unserved(visit.id, CAPACITY, sentence, MORE_ROOM)
