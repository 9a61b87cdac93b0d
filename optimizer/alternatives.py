"""Who else could serve a visit and at what price, and which rule to loosen for one that nobody serves."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from optimizer.errors import UnknownSubject
from optimizer.insertion import sequences_of
from optimizer.oracle import Oracle, Refusal
from optimizer.plan import Plan
from optimizer.problem import Problem, Visit, Window
from optimizer.schedule import Sequences
from optimizer.units import NEVER, Cents, Seconds

MORE_OVERTIME: Seconds = 3_600


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
    """

    technician_id: str
    extra_cost: Cents
    start: Seconds


@dataclass(frozen=True, slots=True)
class Relaxation:
    """
    A rule that, loosened alone, lets a visit into the plan.

    rule
        Code of the rule.
    action
        What would have to be decided.
    technician_id
        Who would go then.
    extra_cost
        What the plan would cost more, in cents.
    """

    rule: str
    action: str
    technician_id: str
    extra_cost: Cents


def choices(problem: Problem, plan: Plan, visit_id: str) -> tuple[list[Choice], list[Refusal]]:
    """
    Everybody who could serve a visit, cheapest first, and why the others cannot.

    The visit is taken off the plan first, so that the first choice shows what having it costs at all.
    """
    visit, others = _asked(problem, plan, visit_id)
    oracle = Oracle(problem, others)
    windows = problem.windows_of(visit) or (Window(-NEVER, NEVER),)
    offers = oracle.quote(visit, windows, each_technician=True)
    best: dict[str, Choice] = {}
    for offer in offers:
        found = Choice(offer.technician_id, offer.extra_cost, offer.start)
        if found.technician_id not in best or found.extra_cost < best[found.technician_id].extra_cost:
            best[found.technician_id] = found
    refused = [
        refusal
        for technician in problem.technicians
        if technician.id not in best
        and (refusal := oracle.refusal(visit, technician, problem.windows_of(visit))) is not None
    ]
    return sorted(best.values(), key=lambda choice: (choice.extra_cost, choice.technician_id)), refused


def relaxations(problem: Problem, plan: Plan, visit_id: str) -> list[Relaxation]:
    """
    Rules of which each, loosened alone, makes room for a visit, cheapest first.

    The price is that of the plan; what a certificate or another window is worth is for people to say.
    """
    visit, others = _asked(problem, plan, visit_id)
    found = []
    for rule, action, loosen in LOOSER:
        looser = loosen(problem, visit)
        asked = looser.visit(visit_id)
        if looser == problem or asked is None:
            continue
        best = Oracle(looser, others).cheapest(asked)
        if best is not None:
            found.append(Relaxation(rule, action, best[1], best[0]))
    return sorted(found, key=lambda item: (item.extra_cost, item.rule))


def _asked(problem: Problem, plan: Plan, visit_id: str) -> tuple[Visit, Sequences]:
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


def _any_time(problem: Problem, visit: Visit) -> Problem:
    locks = (
        replace(lock, start=None, range=None) if lock.visit_id == visit.id else lock for lock in problem.locks
    )
    return problem.with_visit(replace(visit, windows=())).with_locks(locks)


def _anybody(problem: Problem, visit: Visit) -> Problem:
    locks = (
        replace(lock, technician_id=None) if lock.visit_id == visit.id else lock for lock in problem.locks
    )
    free = replace(visit, required_technician=None)
    return problem.with_visit(free).with_locks(locks)


def _longer_days(problem: Problem, visit: Visit) -> Problem:
    del visit
    crew = tuple(replace(each, overtime=each.overtime + MORE_OVERTIME) for each in problem.technicians)
    return replace(problem, technicians=crew)


def _any_distance(problem: Problem, visit: Visit) -> Problem:
    del visit
    return replace(problem, technicians=tuple(replace(t, longest_way=None) for t in problem.technicians))


Loosen = Callable[[Problem, Visit], Problem]

LOOSER: tuple[tuple[str, str, Loosen], ...] = (
    ("ARRIVAL_WINDOW", "agree with the customer on another time of the day", _any_time),
    ("SHIFT", "allow everybody one more hour of overtime", _longer_days),
    ("REQUIRED_TECHNICIAN", "let anybody go", _anybody),
    (
        "EXCLUDED_TECHNICIAN",
        "let a former technician go again",
        lambda problem, visit: problem.with_visit(replace(visit, excluded_technicians=frozenset())),
    ),
    (
        "SKILL",
        "send somebody without the skill, or with a colleague on the telephone",
        lambda problem, visit: problem.with_visit(replace(visit, skills={})),
    ),
    (
        "CERTIFICATE",
        "have a certificate renewed before the day",
        lambda problem, visit: problem.with_visit(replace(visit, certificates=frozenset())),
    ),
    (
        "TERRITORY",
        "let a neighbouring territory help out",
        lambda problem, visit: problem.with_visit(replace(visit, territory=None)),
    ),
    ("LONGEST_WAY", "send somebody further than agreed", _any_distance),
    (
        "TEAM",
        "let one technician do it alone",
        lambda problem, visit: problem.with_visit(replace(visit, team=None, team_skills={})),
    ),
    (
        "PRECEDENCE",
        "begin it before the others are over",
        lambda problem, visit: problem.with_visit(replace(visit, after=())),
    ),
    (
        "SAME_TECHNICIAN",
        "let another technician take over",
        lambda problem, visit: problem.with_visit(replace(visit, same_technician=None)),
    ),
    (
        "PARTS",
        "bring the parts to the van before the visit",
        lambda problem, visit: problem.with_visit(replace(visit, parts={})),
    ),
)
"""Rule, what would have to be decided, and the problem without the rule for this visit."""
