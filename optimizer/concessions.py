"""
What rules concede to locks: a decision of a person is kept, and what it stands against is reported.

A lock that no shift could keep lengthens the shift, lays aside a break or puts the part on the van, as little
as it takes; two locks that no team, order or hand could keep together loosen that tie between them. What is
impossible for anybody, such as two places at one time, stays impossible.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from optimizer.constraints import parts, precedence, same_technician, shift, team
from optimizer.errors import InfeasibleRoute
from optimizer.fetching import has, lacking, on_van
from optimizer.leading import leading
from optimizer.plan import Route
from optimizer.problem import Lock, Problem, Technician, Visit, Window
from optimizer.timing import timetable
from optimizer.units import HORIZON, Seconds, clock


@dataclass(frozen=True, slots=True)
class Concession:
    """
    A rule that a lock stands against.

    visit_id
        The visit that is locked.
    rule
        Code of the rule.
    cause
        What breaks it, in words.
    """

    visit_id: str
    rule: str
    cause: str


def conceded(problem: Problem) -> tuple[Problem, tuple[Concession, ...]]:
    """The problem in which every lock that somebody could keep is kept, and what was conceded for that."""
    if all(lock.is_begun for lock in problem.locks):
        return problem, ()
    visits, found = _loosened(problem)
    loose = replace(problem, visits=visits) if found else problem
    crew = {technician.id: technician for technician in problem.technicians}
    for technician in problem.technicians:
        former = crew[technician.id]
        crew[technician.id], more = _lengthened(loose, former)
        if more:
            _share(crew, former, crew[technician.id])
            loose = replace(loose, technicians=tuple(crew.values()))
            found += more
    return (loose, tuple(found)) if found else (problem, ())


def _share(crew: dict[str, Technician], former: Technician, able: Technician) -> None:
    """Put what has come onto a van into all shifts of its keeper."""
    more = {part: count - former.stock.get(part, 0) for part, count in able.stock.items()}
    for name, other in crew.items():
        if other.who == able.who and name != able.id and any(more.values()):
            crew[name] = _with_parts(other, more)


# Shifts, breaks and vans -------------------------------------------------------------------------


def _lengthened(problem: Problem, technician: Technician) -> tuple[Technician, list[Concession]]:
    """The technician as the locked visits need, alone and together."""
    locked = _locked_to(problem, technician)
    able, found = _stocked(problem, technician, locked)
    order = (*problem.begun_by(technician.id), *locked)
    if not locked or _route(problem, able, order) is not None:
        return able, found
    kept: tuple[Visit, ...] = problem.begun_by(technician.id)
    for visit in locked:
        placed = _placed(problem, able, kept, visit)
        if placed is None:
            wider = _wider(problem, able, kept, visit)
            placed = _placed(problem, wider, kept, visit) if wider is not None else None
            if wider is not None and placed is not None:
                found.append(Concession(visit.id, *_missed(problem, able, kept, visit)))
                able = wider
        kept = placed or kept
    return able, found


def _locked_to(problem: Problem, technician: Technician) -> list[Visit]:
    """Open visits locked to a shift, or to its person and nearest to this shift, in order of time."""
    first = leading(problem, technician)
    found = []
    for lock in problem.locks:
        visit = problem.visit(lock.visit_id)
        if lock.is_begun or visit is None or not technician.is_called(lock.technician_id) or visit in first:
            continue
        called = [other for other in problem.technicians if other.is_called(lock.technician_id)]
        if len(called) == 1 or min(called, key=lambda t: _strangeness(problem, t, visit)) == technician:
            found.append((_opens(problem, visit), visit.id, visit))
    return [*first, *(visit for *_, visit in sorted(found, key=lambda one: one[:2]))]


def _opens(problem: Problem, visit: Visit) -> Seconds:
    """First moment at which a visit may begin, 0 for any."""
    return min((window.start for window in problem.windows_of(visit)), default=0)


def _strangeness(problem: Problem, technician: Technician, visit: Visit) -> tuple[bool, Seconds, Seconds]:
    """How badly a shift suits a visit: it cannot be served alone, and how far its time lies outside."""
    begun = problem.begun_by(technician.id)
    is_possible = _route(problem, technician, (*begun, visit)) is not None
    moment, works = _opens(problem, visit), technician.shift
    return not is_possible, max(works.start - moment, moment - works.end, 0), works.start


def _route(problem: Problem, technician: Technician, order: Sequence[Visit]) -> Route | None:
    """A route in this order, or None."""
    try:
        return timetable(problem, technician, order)
    except InfeasibleRoute:
        return None


def _missed(problem: Problem, technician: Technician, kept: Sequence[Visit], visit: Visit) -> tuple[str, str]:
    """The rule that keeps a visit off the end of a route, and its cause."""
    for order in ((*problem.begun_by(technician.id), visit), (*kept, visit)):
        try:
            timetable(problem, technician, order)
        except InfeasibleRoute as missed:
            return missed.rule, missed.cause
    return shift.CODE, f"{technician.name} has no time for all locked visits"


def _placed(
    problem: Problem, technician: Technician, kept: Sequence[Visit], visit: Visit
) -> tuple[Visit, ...] | None:
    """The route with a visit at the place from which one is home first, or None."""
    best: tuple[Seconds, tuple[Visit, ...]] | None = None
    first = leading(problem, technician)
    least = len(problem.begun_by(technician.id)) + sum(other in first for other in kept)
    for place in (least,) if visit in first else range(least, len(kept) + 1):
        order = (*kept[:place], visit, *kept[place:])
        route = _route(problem, technician, order)
        if route is not None and (best is None or route.return_time < best[0]):
            best = route.return_time, order
    return best[1] if best is not None else None


def _wider(
    problem: Problem, technician: Technician, kept: Sequence[Visit], visit: Visit
) -> Technician | None:
    """The technician with as much time and as many parts as a locked visit needs, or None."""

    def holds(able: Technician) -> tuple[Visit, ...] | None:
        return _placed(problem, able, kept, visit)

    first, last = _free_around(problem, technician)
    widest = technician
    steps: tuple[Callable[[Technician], Technician], ...] = (
        lambda able: replace(able, overtime=max(able.overtime, last - able.shift.end)),
        lambda able: replace(able, shift=Window(min(able.shift.start, first), able.shift.end)),
        lambda able: replace(able, breaks=()),
    )
    for step in steps:
        widest = step(widest)
        if holds(widest) is not None:
            break
    else:
        return None
    for pause in technician.breaks if not widest.breaks else ():
        more = replace(widest, breaks=(*widest.breaks, pause))
        widest = more if holds(more) is not None else widest
    route = _route(problem, widest, holds(widest) or ())
    if route is None:
        return None
    begin = min(technician.shift.start, route.departure)
    tighter = replace(
        widest,
        shift=Window(begin, technician.shift.end),
        overtime=max(technician.overtime, route.return_time - technician.shift.end),
    )
    return tighter if holds(tighter) is not None else widest


def _free_around(problem: Problem, technician: Technician) -> tuple[Seconds, Seconds]:
    """When a shift may begin and end at most for the other shifts of its person."""
    others = [t for t in problem.technicians if t.who == technician.who and t.id != technician.id]
    before = [t.shift.end + t.overtime for t in others if t.shift.start < technician.shift.start]
    behind = [t.shift.start for t in others if t.shift.start >= technician.shift.start]
    return max(before, default=0), min(behind, default=2 * HORIZON)


def _stocked(
    problem: Problem, technician: Technician, locked: Sequence[Visit]
) -> tuple[Technician, list[Concession]]:
    """The technician with the parts for locked visits that neither van nor any depot has."""
    short, first = lacking(on_van(problem, technician), locked)
    if not short or any(has(depot, short) for depot in problem.depots):
        return technician, []
    names = ", ".join(f"{count} {part}" for part, count in short.items())
    cause = f"the van of {technician.name} lacks {names}"
    return _with_parts(technician, short), [Concession(locked[first].id, parts.CODE, cause)]


def _with_parts(technician: Technician, more: Mapping[str, int]) -> Technician:
    stock = dict(technician.stock)
    for part, count in more.items():
        stock[part] = stock.get(part, 0) + count
    return replace(technician, stock=stock)


# Ties of visits ----------------------------------------------------------------------------------


def _loosened(problem: Problem) -> tuple[tuple[Visit, ...], list[Concession]]:
    """The visits without the ties that two locks stand against."""
    held = {lock.visit_id: lock for lock in problem.locks if not lock.is_begun}
    visits = {visit.id: visit for visit in problem.visits}
    found: list[Concession] = []
    for visit_id, cause in _parted_teams(problem, held):
        visits[visit_id] = replace(visits[visit_id], team=None)
        found.append(Concession(visit_id, team.CODE, cause))
    for visit_id, cause in _parted_hands(problem, held):
        visits[visit_id] = replace(visits[visit_id], same_technician=None)
        found.append(Concession(visit_id, same_technician.CODE, cause))
    for visit_id, other, cause in _overtaken(problem, held):
        left = tuple(after for after in visits[visit_id].after if after.visit_id != other)
        visits[visit_id] = replace(visits[visit_id], after=left)
        found.append(Concession(visit_id, precedence.CODE, cause))
    return tuple(visits.values()), found


def _people(problem: Problem, lock: Lock) -> set[str]:
    """Who a lock names: nobody or one person."""
    return {t.who for t in problem.technicians if t.is_called(lock.technician_id)}


def _parted_teams(problem: Problem, held: dict[str, Lock]) -> Iterator[tuple[str, str]]:
    """Locked members of teams of which two are locked to one person, or to two moments."""
    for name, members in team.teams(problem).items():
        locks = [held[visit.id] for visit in members if visit.id in held]
        for first, then in combinations(locks, 2):
            is_one = bool(_people(problem, first) & _people(problem, then))
            is_apart = None not in (first.start, then.start) and first.start != then.start
            if is_one or is_apart:
                what = "one person" if is_one else "two moments"
                for lock in locks:
                    yield lock.visit_id, f"visits of team {name} are locked to {what}"
                break


def _parted_hands(problem: Problem, held: dict[str, Lock]) -> Iterator[tuple[str, str]]:
    """Visits of one hand that are locked to another person than the first of them."""
    for name, visits in same_technician.groups(problem).items():
        locks = [problem.lock(visit.id) for visit in visits]
        named = [lock for lock in locks if lock is not None and _people(problem, lock)]
        named.sort(key=lambda lock: not lock.is_begun)
        for lock in named[1:]:
            if lock.visit_id in held and not _people(problem, lock) & _people(problem, named[0]):
                first = named[0].technician_id
                yield lock.visit_id, f"visits of {name} are locked to {first} and {lock.technician_id}"


def _overtaken(problem: Problem, held: dict[str, Lock]) -> Iterator[tuple[str, str, str]]:
    """Visits locked to a moment before the end of what they wait for, which is locked as well or begun."""
    for visit in problem.visits:
        lock = held.get(visit.id)
        if lock is None or lock.start is None:
            continue
        for after in visit.after:
            first, other = problem.visit(after.visit_id), problem.lock(after.visit_id)
            if first is None or other is None or other.start is None:
                continue
            server = [t for t in problem.technicians if t.is_called(other.technician_id)]
            length = min((t.time_for(first) for t in server), default=first.duration)
            due = precedence.earliest(problem, after, other.start + length)
            if lock.start < due:
                cause = (
                    f"{visit.id} is locked to {clock(lock.start)}, {first.id} lets it begin at {clock(due)}"
                )
                yield visit.id, first.id, cause
