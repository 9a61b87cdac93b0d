"""Who else could serve a visit, at what price and for which reasons."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from optimizer.check import cost
from optimizer.errors import InfeasibleRoute, UnknownSubject
from optimizer.insertion import sequences_of
from optimizer.objectives import unserved
from optimizer.oracle import Offer, Oracle, Refusal
from optimizer.plan import Plan
from optimizer.problem import Problem, Visit, Window
from optimizer.schedule import Sequences, retimed
from optimizer.units import NEVER, Cents, Seconds

EXPLAINED = 3
"""So many of the cheapest choices are priced term by term."""


@dataclass(frozen=True, slots=True)
class Choice:
    """
    One technician as a choice for a visit, the rest of the plan as it is.

    technician_id
        Who.
    extra_cost
        What the plan costs more with the visit on this technician's route, in cents.
    start
        When service would begin.
    by_term
        The same price by term, of the cheapest choices; empty for the others.
    """

    technician_id: str
    extra_cost: Cents
    start: Seconds
    by_term: Mapping[str, Cents] = field(default_factory=dict)


def choices(problem: Problem, plan: Plan, visit_id: str) -> tuple[list[Choice], list[Refusal]]:
    """
    Everybody who could serve a visit, cheapest first, and why the others cannot.

    The visit is taken off the plan first, so that the first choice shows what having it costs at all.
    """
    visit, others = asked_about(problem, plan, visit_id)
    oracle = Oracle(problem, others)
    windows = problem.windows_of(visit) or (Window(-NEVER, NEVER),)
    offers = oracle.quote(visit, windows, each_technician=True)
    best: dict[str, Offer] = {}
    for offer in offers:
        known = best.get(offer.technician_id)
        if known is None or offer.extra_cost < known.extra_cost:
            best[offer.technician_id] = offer
    refused = [
        refusal
        for technician in problem.technicians
        if technician.id not in best
        and (refusal := oracle.refusal(visit, technician, problem.windows_of(visit))) is not None
    ]
    found = sorted(best.values(), key=lambda offer: (offer.extra_cost, offer.technician_id))
    explained = [_priced(problem, others, offer, visit) for offer in found[:EXPLAINED]]
    return [*explained, *(_choice(offer, {}) for offer in found[EXPLAINED:])], refused


def _choice(offer: Offer, by_term: Mapping[str, Cents]) -> Choice:
    return Choice(offer.technician_id, offer.extra_cost, offer.start, by_term)


def _priced(problem: Problem, others: Sequences, offer: Offer, visit: Visit) -> Choice:
    """A choice with its price by term: what the whole plan costs with it, less what it costs without."""
    route = others.get(offer.technician_id) or problem.begun_by(offer.technician_id)
    order = (*route[: offer.position], visit, *route[offer.position :])
    try:
        plans = [retimed(problem, each) for each in ({**others, offer.technician_id: order}, others)]
    except InfeasibleRoute:  # of visits that depend on one another
        return _choice(offer, {})
    having, without = (cost(problem, plan) for plan in plans)
    left_out = unserved.visit_cents(problem, visit)
    terms = {name: cents - without[name] for name, cents in having.items()}
    terms[unserved.NAME] += left_out
    return _choice(offer, {name: cents for name, cents in terms.items() if cents})


def asked_about(problem: Problem, plan: Plan, visit_id: str) -> tuple[Visit, Sequences]:
    """The visit, and the routes of the plan without it."""
    visit = problem.visit(visit_id)
    if visit is None:
        raise UnknownSubject(f"the problem holds no visit {visit_id!r}", "name a visit of the problem")
    if problem.is_begun(visit_id):
        raise UnknownSubject(f"visit {visit_id!r} has begun", "ask about a visit that can still be planned")
    sequences = {
        technician: tuple(each for each in visits if each.id != visit_id)
        for technician, visits in sequences_of(problem, plan).items()
    }
    return visit, sequences
