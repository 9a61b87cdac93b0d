"""Which rules to loosen, and by how much, for a visit that nobody serves, or that is served dearly."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import combinations

from optimizer.alternatives import asked_about
from optimizer.oracle import Oracle
from optimizer.plan import Plan
from optimizer.problem import Problem, Visit, Window
from optimizer.schedule import Sequences
from optimizer.units import DAY, NEVER, Cents, Seconds, span

MOST_OVERTIME: Seconds = 4 * 3_600
"""Longer overtime is no proposal."""
MINUTE: Seconds = 60
WORTH_ASKING_PART = 10
"""A saving below this part of the price is not worth asking anybody."""
WORTH_ASKING_PER_HOUR = 6
"""Nor is one below the price of this part of an hour on the road."""


@dataclass(frozen=True, slots=True)
class Relaxation:
    """
    Rules that, loosened together, give a visit a place, or a cheaper one; one rule wherever one is enough.

    rule
        Code of the rule; of several, joined by a plus.
    action
        What would have to be decided.
    technician_id
        Who would go then.
    extra_cost
        What the plan would cost more with the visit than without it, in cents.
    needed
        For time: how much more overtime, or how much wider the window, at least; None for other rules.
    saved
        What the visit costs less than with the cheapest technician under the rules; None where nobody can go.
    """

    rule: str
    action: str
    technician_id: str
    extra_cost: Cents
    needed: Seconds | None = None
    saved: Cents | None = None


Loosen = Callable[[Problem, Visit], Problem]


@dataclass(frozen=True, slots=True)
class Way:
    """One rule, what would have to be decided, and the problem without the rule for this visit."""

    rule: str
    action: str
    loosen: Loosen


@dataclass(frozen=True, slots=True)
class Question:
    """A visit off its plan; ``now``: what it costs under the rules as they are, None where nobody can go."""

    problem: Problem
    others: Sequences
    visit: Visit
    now: Cents | None = None

    @property
    def dearest(self) -> Cents:
        """What a place may cost to be worth telling: anything, or clearly less than now."""
        if self.now is None:
            return NEVER
        tenth = self.now // WORTH_ASKING_PART
        return self.now - max(self.problem.policy.travel_cents_per_hour // WORTH_ASKING_PER_HOUR, tenth, 1)

    def cheapest(
        self, looser: Problem, dearest: Cents, strict: Problem | None = None
    ) -> tuple[Cents, str, int] | None:
        """The cheapest place under looser rules, if they are any looser and it costs no more than that."""
        asked = looser.visit(self.visit.id)
        if looser == (strict or self.problem) or asked is None:
            return None
        best = Oracle(looser, self.others).cheapest(asked)
        return best if best is not None and best[0] <= dearest else None

    def told(
        self, rule: str, action: str, best: tuple[Cents, str, int], needed: Seconds | None = None
    ) -> Relaxation:
        """A place under looser rules, as it is told."""
        saved = None if self.now is None else self.now - best[0]
        return Relaxation(rule, action, best[1], best[0], needed, saved)


def relaxations(problem: Problem, plan: Plan, visit_id: str) -> list[Relaxation]:
    """
    Rules of which each, loosened alone, makes room for a visit, cheapest first; pairs where none does alone.

    Of a visit that somebody can serve: the rules of which each, loosened alone, saves at least a tenth of its
    price, and ten minutes on the road; never pairs. Time is loosened by as little as is needed, to the
    minute: for any place, or for half of what the most would save. The price is that of the plan; what a
    certificate or another window is worth is for people to say.
    """
    visit, others = asked_about(problem, plan, visit_id)
    best = Oracle(problem, others).cheapest(visit)
    question = Question(problem, others, visit, best[0] if best is not None else None)
    found = [one for way in WAYS if (one := _by(way, question)) is not None]
    if not found and question.now is None:
        found = list(_by_two(question))
    return sorted(found, key=lambda item: (item.extra_cost, item.rule))


def _by(way: Way, question: Question) -> Relaxation | None:
    """What loosening one rule gives."""
    problem, visit = question.problem, question.visit
    best = question.cheapest(way.loosen(problem, visit), question.dearest)
    if best is None:
        return None
    if way.rule not in BY_TIME:
        return question.told(way.rule, way.action, best)
    words, most, loosened = BY_TIME[way.rule]
    dearest = NEVER if question.now is None else min(question.dearest, (question.now + best[0]) // 2)
    needed = _least(most, lambda more: question.cheapest(loosened(problem, visit, more), dearest))
    if needed is None:
        return question.told(way.rule, way.action, best)
    cheapest = question.cheapest(loosened(problem, visit, needed), dearest) or best
    return question.told(way.rule, words.format(span(needed)), cheapest, needed)


def _by_two(question: Question) -> Iterator[Relaxation]:
    """What loosening two rules at once gives."""
    for first, then in combinations(WAYS, 2):
        middle = first.loosen(question.problem, question.visit)
        asked = middle.visit(question.visit.id)
        if middle == question.problem or asked is None:
            continue
        best = question.cheapest(then.loosen(middle, asked), NEVER, middle)
        if best is not None:
            yield question.told(f"{first.rule}+{then.rule}", f"{first.action}, and {then.action}", best)


def _least(most: Seconds, found: Callable[[Seconds], object | None]) -> Seconds | None:
    """Fewest whole minutes more with which something is found; None when the most are not enough."""
    if found(most) is None:
        return None
    low, high = 0, most // MINUTE
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if found(middle * MINUTE) is None else (low, middle)
    return high * MINUTE


def _wider(problem: Problem, visit: Visit, more: Seconds) -> Problem:
    """Windows, or the lock's time, wider at both ends."""
    windows = [Window(max(0, w.start - more), w.end + more) for w in problem.windows_of(visit)]
    if not problem.is_timed(visit.id):
        return problem.with_visit(replace(visit, windows=tuple(windows)))
    locks = (
        replace(lock, start=None, range=windows[0]) if lock.visit_id == visit.id else lock
        for lock in problem.locks
    )
    return problem.with_locks(locks)


def _longer_days(problem: Problem, visit: Visit, more: Seconds) -> Problem:
    del visit
    crew = tuple(replace(each, overtime=each.overtime + more) for each in problem.technicians)
    return replace(problem, technicians=crew)


BY_TIME: dict[str, tuple[str, Seconds, Callable[[Problem, Visit, Seconds], Problem]]] = {
    "ARRIVAL_WINDOW": ("agree with the customer on a time {} outside what is promised", DAY, _wider),
    "SHIFT": ("allow {} more of overtime", MOST_OVERTIME, _longer_days),
}
"""Rules about time: what to decide, how far to go at most, and the problem with so much more."""


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


def _any_distance(problem: Problem, visit: Visit) -> Problem:
    del visit
    return replace(problem, technicians=tuple(replace(t, longest_way=None) for t in problem.technicians))


WAYS: tuple[Way, ...] = tuple(
    Way(*way)
    for way in (
        ("ARRIVAL_WINDOW", "agree with the customer on another time of the day", _any_time),
        ("SHIFT", "allow more overtime", lambda problem, visit: _longer_days(problem, visit, MOST_OVERTIME)),
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
            lambda problem, visit: problem.with_visit(
                replace(visit, team=None, team_skills={}, lead_certificates=frozenset())
            ),
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
)
"""Rules about one visit, one at a time."""
