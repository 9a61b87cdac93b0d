"""
Visits longer than a shift, cut into parts on several shifts of one technician.

Parts are called ``V7/1``, ``V7/2`` and so on, are about equally long, all go to one technician, and each
begins after the one before is over. Each part is a visit of its own: it sets up anew, has its own price of
being left out, and a plan that has no room for the last part may still serve the first ones.
"""

from dataclasses import replace

from optimizer.constraints import may_go
from optimizer.problem import After, Lock, Problem, Technician, Visit
from optimizer.units import Seconds
from optimizer.work import FINISH, START

MINUTE: Seconds = 60


def split_long(problem: Problem) -> tuple[Problem, dict[str, tuple[str, ...]]]:
    """
    The problem with visits that no shift can hold cut into parts, and the names of the parts by visit.

    Only days on which somebody works several shifts are touched, and of them neither visits of teams nor
    those that have begun or are locked to a place in a route. A visit for which nobody has shifts enough
    stays as it is.
    """
    if len({technician.who for technician in problem.technicians}) == len(problem.technicians):
        return problem, {}
    cut = {
        visit.id: _parts(visit, count) for visit in problem.visits if (count := _count(problem, visit)) > 1
    }
    taken = {visit.id for visit in problem.visits}
    cut = {name: parts for name, parts in cut.items() if taken.isdisjoint(part.id for part in parts)}
    if not cut:
        return problem, {}
    last = {name: parts[-1].id for name, parts in cut.items()}
    visits = [part for visit in problem.visits for part in cut.get(visit.id, (visit,))]
    visits = [
        replace(v, after=tuple(replace(a, visit_id=last.get(a.visit_id, a.visit_id)) for a in v.after))
        for v in visits
    ]
    locks = [part for lock in problem.locks for part in _locks(lock, cut.get(lock.visit_id))]
    names = {name: tuple(part.id for part in parts) for name, parts in cut.items()}
    return replace(problem, visits=tuple(visits), locks=tuple(locks)), names


def _count(problem: Problem, visit: Visit) -> int:
    """Parts into which a visit is cut: as few as somebody can serve; 1 where it need not or cannot be."""
    lock = problem.lock(visit.id)
    if visit.team is not None or (lock is not None and lock.sequence is not None):
        return 1
    longest = max(t.shift.end + t.overtime - t.shift.start for t in problem.technicians)
    if 2 * visit.duration <= longest and not visit.durations:
        return 1
    room: dict[str, list[tuple[Seconds, Seconds]]] = {}
    for technician in problem.technicians:
        if may_go(problem, technician, visit):
            calm, needed = _room(problem, technician, visit), technician.time_for(visit)
            if needed <= calm + technician.overtime:
                return 1
            room.setdefault(technician.who, []).append((calm, needed))
    counts = []
    for shifts in room.values():
        for count in range(2, len(shifts) + 1):
            if sum(calm >= _part_length(needed, count) for calm, needed in shifts) >= count:
                counts.append(count)
                break
    return min(counts, default=1)


def _room(problem: Problem, technician: Technician, visit: Visit) -> Seconds:
    """Time of a shift that is left for service after the ways, the set-up and the breaks."""
    there, _ = problem.matrix.leg(technician.start, visit.location)
    back, _ = problem.matrix.leg(visit.location, technician.end)
    setup = visit.setup if technician.start != visit.location else 0
    rests = sum(pause.duration for pause in technician.breaks)
    return technician.shift.end - technician.shift.start - there - back - setup - rests


def _part_length(needed: Seconds, count: int) -> Seconds:
    """Length of all parts but the last, in whole minutes where that is possible."""
    length = -(-needed // count)
    rounded = -(-length // MINUTE) * MINUTE
    return rounded if rounded * (count - 1) < needed else length


def _lengths(needed: Seconds, count: int) -> list[Seconds]:
    """Lengths of the parts; together they take what the visit takes."""
    length = min(_part_length(needed, count), needed)
    return [*([length] * (count - 1)), max(0, needed - length * (count - 1))]


def _parts(visit: Visit, count: int) -> tuple[Visit, ...]:
    """A visit cut into parts; windows bound the first, or the last where they bound the finish."""
    lengths = _lengths(visit.duration, count)
    own = {name: _lengths(needed, count) for name, needed in visit.durations.items()}
    found = []
    for at in range(count):
        is_first, is_last = at == 0, at == count - 1
        bounds_finish = visit.window_end == FINISH
        found.append(
            replace(
                visit,
                id=f"{visit.id}/{at + 1}",
                duration=lengths[at],
                durations={name: split[at] for name, split in own.items()},
                windows=visit.windows if (is_last if bounds_finish else is_first) else (),
                window_end=visit.window_end if is_first or is_last else START,
                parts=visit.parts if is_first else {},
                respond_by=visit.respond_by if is_first else None,
                resolve_by=visit.resolve_by if is_last else None,
                announced=visit.announced if is_first else None,
                after=visit.after if is_first else (After(f"{visit.id}/{at}"),),
                same_technician=visit.same_technician or f"parts of {visit.id}",
            )
        )
    return tuple(found)


def _locks(lock: Lock, parts: tuple[Visit, ...] | None) -> tuple[Lock, ...]:
    """A lock on a visit as locks on its parts: the technician on all, the time on the first."""
    if parts is None:
        return (lock,)
    first = replace(lock, visit_id=parts[0].id)
    return (first, *(Lock(part.id, lock.technician_id) for part in parts[1:] if lock.technician_id))
