"""What can be planned, but hardly as it was meant."""

from collections.abc import Iterator
from itertools import pairwise

from optimizer.concessions import Concession
from optimizer.constraints import PAIRWISE, action_for
from optimizer.constraints.same_technician import groups
from optimizer.constraints.team import teams
from optimizer.explain import blocking_rule
from optimizer.findings import Finding, doubt
from optimizer.problem import Problem, Technician, Visit
from optimizer.units import clock, span


def doubts(problem: Problem) -> Iterator[Finding]:
    """Warnings: the problem can be planned, but hardly as meant."""
    if problem.visits and not problem.technicians:
        yield doubt("NO_TECHNICIANS", "problem", "nobody works on this day", "plan shifts")
    for technician in problem.technicians:
        if technician.shift.end == technician.shift.start:
            yield doubt("SHIFT_EMPTY", f"technician {technician.id}", "the shift has no length", "correct it")
    for visit in problem.visits:
        subject = f"visit {visit.id}"
        yield from _times(problem, visit)
        if visit.duration == 0:
            yield doubt("ZERO_DURATION", subject, "service takes no time", "give the time the work takes")
        yield from _outside_windows(problem, visit)
        if problem.technicians and not problem.is_begun(visit.id):
            reason = blocking_rule(problem, visit)
            if reason is not None:
                cause = f"nobody can serve it ({reason.reason}): {reason.sentence}"
                yield doubt("NOBODY_CAN_SERVE", subject, cause, reason.action)
    yield from _team_doubts(problem)
    yield from _group_doubts(problem)
    yield from _shift_doubts(problem)
    for against in against_rules(problem):
        cause = f"the lock stands against {against.rule}: {against.cause}; the lock counts"
        yield doubt("LOCK_AGAINST_RULE", f"lock {against.visit_id}", cause, action_for(against.rule))
    yield from _clashes(problem)


def about_decisions(problem: Problem) -> Iterator[Finding]:
    """The warnings about locks and teams alone: nothing else in a plan says what became of them."""
    for visit in problem.visits:
        yield from _outside_windows(problem, visit)
    yield from _team_doubts(problem)
    yield from _clashes(problem)


def _outside_windows(problem: Problem, visit: Visit) -> Iterator[Finding]:
    """A lock to a time that the customer was not told."""
    lock = problem.lock(visit.id)
    held = problem.windows_of(visit)
    if lock is not None and not lock.is_begun and held != visit.windows and visit.windows:
        meets = any(w.start <= h.end and h.start <= w.end for w in visit.windows for h in held)
        if not meets:
            cause = "the lock's time lies outside the promised windows; the lock counts"
            remedy = "tell the customer, or move the lock"
            yield doubt("LOCK_OUTSIDE_WINDOW", f"visit {visit.id}", cause, remedy)


def _times(problem: Problem, visit: Visit) -> Iterator[Finding]:
    """A visit whose windows or length fit no shift at all."""
    subject, crew = f"visit {visit.id}", problem.technicians
    if not crew or problem.is_begun(visit.id):
        return
    ends = {t.id: t.shift.end + t.overtime for t in crew}
    if visit.windows and not problem.is_timed(visit.id):
        meets = any(w.start <= ends[t.id] and t.shift.start <= w.end for w in visit.windows for t in crew)
        if not meets:
            cause = "nobody works in any of its windows"
            yield doubt("WINDOW_OUTSIDE_SHIFTS", subject, cause, "offer another window, or plan a shift then")
    shortest = visit.setup + min(t.time_for(visit) for t in crew)
    longest = max(ends[t.id] - t.shift.start for t in crew)
    if shortest > longest:
        cause = f"it takes {span(shortest)}, the longest shift has {span(longest)}"
        remedy = "plan several days together, over which it is split, or cut it into visits yourself"
        yield doubt("VISIT_TOO_LONG", subject, cause, remedy)


def _team_doubts(problem: Problem) -> Iterator[Finding]:
    """Teams of one, and teams of more people than there are."""
    people = {technician.who for technician in problem.technicians}
    for name, members in teams(problem).items():
        subject = f"team {name[:40]}"
        if len(members) == 1:
            cause = f"visit {members[0].id} is its only one"
            yield doubt("TEAM_OF_ONE", subject, cause, "name the team in its other visits, or take it out")
        if len(members) > len(people):
            cause = f"{len(members)} visits at once, {len(people)} people"
            yield doubt("TEAM_TOO_LARGE", subject, cause, "plan more shifts, or split the work")


def _group_doubts(problem: Problem) -> Iterator[Finding]:
    """Groups of one hand of which no technician can serve all."""
    for name, visits in groups(problem).items():
        able = {t.who for t in problem.technicians}
        for visit in visits:
            able &= {t.who for t in problem.technicians if _may_serve(problem, t, visit)}
        if problem.technicians and len(visits) > 1 and not able:
            cause = "no technician may serve all of its visits"
            remedy = "loosen the locks, skills or named technicians of one of them"
            yield doubt("SAME_TECHNICIAN_CLASH", f"group {name[:40]}", cause, remedy)


def _may_serve(problem: Problem, technician: Technician, visit: Visit) -> bool:
    """Whether neither a begun stop nor a rule about the pair speaks against somebody."""
    lock = problem.lock(visit.id)
    if lock is not None and lock.is_begun:
        return technician.is_called(lock.technician_id)
    return not any(rule.forbids(problem, technician, visit) for rule in PAIRWISE)


def _shift_doubts(problem: Problem) -> Iterator[Finding]:
    """Shifts of one person of which the overtime of one would run into the next."""
    for first, then in pairwise(sorted(problem.technicians, key=lambda t: (t.who, t.shift.start, t.id))):
        if first.who == then.who and then.shift.start < first.shift.end + first.overtime:
            cause = (
                f"with overtime it ends at {clock(first.shift.end + first.overtime)}, after {then.id} begins"
            )
            yield doubt("OVERTIME_OVERLAP", f"technician {first.id}", cause, "allow less overtime")


def against_rules(problem: Problem) -> Iterator[Concession]:
    """Locks to somebody whom a rule would keep from the visit: nothing is conceded for them, they count."""
    names = _names(problem)
    for lock in problem.locks:
        visit = problem.visit(lock.visit_id)
        if visit is None or lock.technician_id is None or lock.is_begun:
            continue
        called = names.get(lock.technician_id, [])
        for rule in PAIRWISE:
            judge = getattr(rule.forbids, "__wrapped__", None)
            causes = [judge(problem, technician, visit) for technician in called] if judge is not None else []
            if causes and all(causes):
                yield Concession(visit.id, rule.CODE, causes[0])


def _names(problem: Problem) -> dict[str, list[Technician]]:
    """The shifts that each name means, of a shift or its person."""
    found: dict[str, list[Technician]] = {}
    for technician in problem.technicians:
        for name in {technician.id, technician.who}:
            found.setdefault(name, []).append(technician)
    return found


def _clashes(problem: Problem) -> Iterator[Finding]:
    """Locks that want one technician in two places at once."""
    fixed: dict[str, list[tuple[int, int, str]]] = {}
    names = _names(problem)
    for lock in problem.locks:
        visit = problem.visit(lock.visit_id)
        called = names.get(lock.technician_id or "", [])
        if visit is not None and lock.start is not None and called:
            end = lock.start + min(technician.time_for(visit) for technician in called)
            fixed.setdefault(called[0].who, []).append((lock.start, end, visit.id))
    for person, held in sorted(fixed.items()):
        for first, then in pairwise(sorted(held)):
            if then[0] < first[1]:
                cause = (
                    f"{person} serves {first[2]} until {clock(first[1])} and {then[2]} from {clock(then[0])}"
                )
                remedy = "loosen one of the two locks, or give one to somebody else"
                yield doubt("LOCKS_CLASH", f"lock {then[2]}", cause, remedy)
