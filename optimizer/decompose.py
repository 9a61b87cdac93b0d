"""
Cutting a day that is too large for one search into parts, and joining the plans of the parts.

A part has technicians, and visits that nobody else serves; parts share nothing, so each can be planned by
itself, in this process or in another one. Named territories are cut along their names where nobody works in
two of them; everything else along straight lines, so that the work of each part matches the hours of its
technicians. Visits that a plan, a lock or a rule gives to somebody go with their technician.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.constraints import certificates, skills, territory
from optimizer.geometry import Spots, spots
from optimizer.plan import Plan, Unserved
from optimizer.problem import Problem, Technician, Visit

GOLDEN = 2.399963229728653
"""Each turn cuts at another angle, never near one that came before."""
TRAVEL_SECONDS = 600
"""Work of a visit beside its service, when the day is shared out."""
LEEWAY, EMPTY = 0.1, 15.0
"""A line may leave its place by a tenth of the smaller side, for a gap so many times the usual one."""


@dataclass(frozen=True, slots=True)
class Part:
    """
    Technicians who plan among themselves, and the visits among which they choose.

    technicians
        Ids of technicians.
    visits
        Ids of visits.
    """

    technicians: tuple[str, ...]
    visits: tuple[str, ...]


def cut(problem: Problem, most_visits: int, *, plan: Plan | None = None, turn: int = 0) -> list[Part]:
    """
    Cut a day into parts of about ``most_visits`` visits at most.

    Parameters
    ----------
    problem
        The day.
    most_visits
        Size of a part; one whose technicians hold more visits already may be larger.
    plan
        Routes that stay whole: a visit goes with the technician who serves it here.
    turn
        Cuts of different turns cross one another, so that what one separates the next one joins.
    """
    land = _Land(problem, plan)
    found: list[Part] = []
    for crew, work in land.territories():
        count = max(1, math.ceil((work.size + land.owned[crew].sum()) / max(1, most_visits)))
        found += land.bisected(crew, work, count, turn * GOLDEN)
    return [part for part in found if part.visits]


def problem_of(problem: Problem, part: Part) -> Problem:
    """The day as one part sees it, on the same travel table."""
    crew, work = set(part.technicians), set(part.visits)
    return problem.changed(
        technicians=tuple(t for t in problem.technicians if t.id in crew),
        visits=tuple(v for v in problem.visits if v.id in work),
        locks=tuple(lock for lock in problem.locks if lock.visit_id in work),
    )


def plan_of(plan: Plan, part: Part) -> Plan:
    """The routes of one part."""
    crew, work = set(part.technicians), set(part.visits)
    return Plan(
        tuple(route for route in plan.routes if route.technician_id in crew),
        tuple(left for left in plan.unserved if left.visit_id in work),
    )


def joined(problem: Problem, plans: Iterable[Plan]) -> Plan:
    """One plan out of the plans of all parts; what no part planned is left out."""
    routes = {route.technician_id: route for plan in plans for route in plan.routes}
    served = {stop.visit_id for route in routes.values() for stop in route.stops}
    order = [routes[t.id] for t in problem.technicians if t.id in routes]
    left = tuple(Unserved(v.id, "") for v in problem.visits if v.id not in served)
    return Plan(tuple(order), left)


def replaced(problem: Problem, plan: Plan, part: Part, better: Plan) -> Plan:
    """The plan with the routes of one part exchanged."""
    crew = set(part.technicians)
    others = Plan(tuple(route for route in plan.routes if route.technician_id not in crew))
    return joined(problem, (others, better))


def borders(
    problem: Problem,
    plan: Plan,
    parts: Sequence[Part],
    *,
    most_visits: int,
    share: float = 0.3,
    turn: int = 1,
) -> list[Part]:
    """
    Strips along the borders of parts, to be planned anew with everything else fixed.

    ``share`` of the technicians, those whose routes lie nearest to another part's, and all visits left out.
    """
    land = _Land(problem, plan)
    part_of = {name: at for at, part in enumerate(parts) for name in part.technicians}
    belongs = np.array([part_of.get(t.id, -1) for t in problem.technicians])
    gap = np.full(len(belongs), np.inf)
    for at, spot in enumerate(land.homes):
        strangers = land.homes[belongs != belongs[at]]
        if strangers.size:
            gap[at] = float(((strangers - spot) ** 2).sum(axis=1).min())
    count = math.ceil(share * len(belongs))
    chosen = np.argsort(gap, kind="stable")[:count]
    chosen = chosen[np.isfinite(gap[chosen])]
    if not chosen.size:
        return []
    chosen = np.flatnonzero(np.isin(land.together, land.together[chosen]))
    names = {problem.technicians[at].id for at in chosen}
    kept = [v.id for v in problem.visits if land.owner.get(v.id, None) in names or v.id not in land.owner]
    strip = problem_of(problem, Part(tuple(names), tuple(kept)))
    return cut(strip, most_visits, plan=plan, turn=turn)


class _Land:
    """A day on the plane: where technicians and visits are, and who holds which visits already."""

    def __init__(self, problem: Problem, plan: Plan | None) -> None:
        self.problem = problem
        self.plane: Spots = spots(problem)
        self.owner = owners(problem, plan)
        bound = _bound(problem)
        self._pass_on(bound)
        self.free = [v for v in problem.visits if v.id not in self.owner]
        self.places: Spots = self.plane[[v.location for v in self.free]].reshape(-1, 2)
        held = Counter(self.owner.values())
        self.owned = np.array([held[t.id] for t in problem.technicians], dtype=np.int64)
        self.homes: Spots = self._centres()
        self.work = np.array([v.duration + TRAVEL_SECONDS for v in self.free], dtype=np.float64)
        self.load = self._loads()
        self.hours = np.array(
            [max(1, t.shift.end - t.shift.start) for t in problem.technicians], dtype=np.float64
        )
        self.able = _able(problem, self.free)
        self.together = self._crews(bound)
        self.tied = _numbered([bound.get(v.id, v.id) for v in self.free])

    def _pass_on(self, bound: Mapping[str, str]) -> None:
        """Give what nobody holds to whoever holds something that it is bound to."""
        holder: dict[str, str] = {}
        for visit_id, who in self.owner.items():
            if visit_id in bound:
                holder.setdefault(bound[visit_id], who)
        for visit_id, name in bound.items():
            if name in holder:
                self.owner.setdefault(visit_id, holder[name])

    def _crews(self, bound: Mapping[str, str]) -> NDArray[np.int64]:
        """One number for the shifts of one person, and for those who hold visits bound to one another."""
        crew = self.problem.technicians
        held: dict[str, list[str]] = {}
        for visit_id, name in bound.items():
            if visit_id in self.owner:
                held.setdefault(name, []).append(self.owner[visit_id])
        persons: dict[str, list[str]] = {}
        for technician in crew:
            persons.setdefault(technician.who, []).append(technician.id)
        names = _groups([*persons.values(), *held.values()])
        return _numbered([names[technician.id] for technician in crew])

    def _centres(self) -> Spots:
        """Middle of the visits each technician holds; of one who holds none, the start of the day."""
        at = {t.id: index for index, t in enumerate(self.problem.technicians)}
        sums, counts = np.zeros((len(at), 2)), np.zeros(len(at))
        for visit in self.problem.visits:
            if visit.id in self.owner:
                index = at[self.owner[visit.id]]
                sums[index] += self.plane[visit.location]
                counts[index] += 1
        homes = self.plane[[t.start for t in self.problem.technicians]].reshape(-1, 2)
        return np.where(counts[:, None] > 0, sums / np.maximum(counts, 1)[:, None], homes)

    def _loads(self) -> NDArray[np.float64]:
        """Work that each technician holds already."""
        held: Counter[str] = Counter()
        for visit in self.problem.visits:
            if visit.id in self.owner:
                held[self.owner[visit.id]] += visit.duration + TRAVEL_SECONDS
        return np.array([held[t.id] for t in self.problem.technicians], dtype=np.float64)

    def territories(self) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Technicians and free visits by connected territories; one group when somebody works everywhere."""
        crew = self.problem.technicians
        group = _groups([sorted(t.territories) for t in crew])
        names = [min((group[name] for name in t.territories), default="") for t in crew]
        wanted = [group.get(v.territory or "", "") for v in self.free]
        if not all(names) or not all(wanted):
            return [(np.arange(len(crew)), np.arange(len(self.free)))]
        return [
            (np.flatnonzero(np.array(names) == name), np.flatnonzero(np.array(wanted, dtype=object) == name))
            for name in sorted(set(names))
        ]

    def bisected(
        self, crew: NDArray[np.int64], work: NDArray[np.int64], count: int, angle: float
    ) -> list[Part]:
        """Cut a group by lines until there are ``count`` parts of like size."""
        if count < 2 or crew.size < 2:
            return [self._part(crew, work)]
        below = count // 2
        crew_sides, work_sides = self._sides(crew, work, below / count, angle)
        return [
            *self.bisected(crew[crew_sides], work[work_sides], below, angle),
            *self.bisected(crew[~crew_sides], work[~work_sides], count - below, angle),
        ]

    def _sides(
        self, crew: NDArray[np.int64], work: NDArray[np.int64], share: float, angle: float
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """
        Which technicians and visits lie on the first side of a line that leaves ``share`` of the work there.

        Technicians follow the line by their hours, so that nobody's side is short of people; a visit that
        nobody on its side can serve goes over.
        """
        everybody = np.concatenate([self.homes[crew], self.places[work]])
        across = _axis(everybody, angle)
        homes, places = self.homes[crew] @ across, self.places[work] @ across
        free, held = self.work[work], self.load[crew]
        weight = held + free.sum() * self.hours[crew] / self.hours[crew].sum()
        first = _lowest(homes, weight, share)
        first[np.argmin(homes)], first[np.argmax(homes)] = True, False
        first = _alike(first, self.together[crew])
        share = weight[first].sum() / weight.sum()
        wanted = share * (free.sum() + held.sum()) - held[first].sum()
        near = _lowest(places, free, min(1.0, max(0.0, wanted / max(1.0, free.sum()))))
        able = self.able[work][:, crew]
        can, cannot = able[:, first].any(axis=1), able[:, ~first].any(axis=1)
        return first, _alike(np.where(near, can | ~cannot, can & ~cannot), self.tied[work])

    def _part(self, crew: NDArray[np.int64], work: NDArray[np.int64]) -> Part:
        technicians = tuple(self.problem.technicians[at].id for at in crew)
        here, free = set(technicians), {self.free[at].id for at in work}
        return Part(
            technicians,
            tuple(v.id for v in self.problem.visits if v.id in free or self.owner.get(v.id) in here),
        )


def owners(problem: Problem, plan: Plan | None) -> dict[str, str]:
    """Who holds a visit: whom it is begun by, locked to or demands, else who serves it in the plan."""
    shifts = {t.who: t.id for t in reversed(problem.technicians)} | {t.id: t.id for t in problem.technicians}
    found: dict[str, str] = {}
    for route in plan.routes if plan else ():
        if route.technician_id in shifts:
            found.update({stop.visit_id: route.technician_id for stop in route.stops})
    for visit in problem.visits:
        lock = problem.lock(visit.id)
        named = (lock.technician_id if lock else None) or visit.required_technician
        if named is not None and named in shifts:
            found[visit.id] = shifts[named]
    return {name: who for name, who in found.items() if problem.visit(name) is not None}


def _bound(problem: Problem) -> Mapping[str, str]:
    """Visits that have to be planned together, as a team, in turn or by one technician: each to the first."""
    sets: dict[tuple[str, str], list[str]] = {}
    for visit in problem.visits:
        if visit.team is not None:
            sets.setdefault(("team", visit.team), []).append(visit.id)
        if visit.same_technician is not None:
            sets.setdefault(("same", visit.same_technician), []).append(visit.id)
        for after in visit.after:
            if problem.visit(after.visit_id) is not None:
                sets.setdefault(("after", visit.id), [visit.id]).append(after.visit_id)
    return _groups(sets.values())


def _numbered(names: Sequence[str]) -> NDArray[np.int64]:
    """A number for each name, the same for the same name."""
    known: dict[str, int] = {}
    return np.array([known.setdefault(name, len(known)) for name in names], dtype=np.int64)


def _alike(sides: NDArray[np.bool_], groups: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Sides, all of a group on that of its first member."""
    _, first, member = np.unique(groups, return_index=True, return_inverse=True)
    found: NDArray[np.bool_] = sides[first][member]
    return found


def _axis(points: Spots, angle: float) -> NDArray[np.float64]:
    """Direction in which points are spread most, turned by an angle."""
    gaps = points - points.mean(axis=0)
    values, vectors = np.linalg.eigh(gaps.T @ gaps)
    longest = vectors[:, int(values.argmax())]
    longest = longest if longest[int(np.abs(longest).argmax())] > 0 else -longest
    sine, cosine = math.sin(angle), math.cos(angle)
    turned: NDArray[np.float64] = np.array([[cosine, -sine], [sine, cosine]]) @ longest
    return turned


def _lowest(values: NDArray[np.float64], weight: NDArray[np.float64], share: float) -> NDArray[np.bool_]:
    """
    Which of the values, from the lowest on, hold about a share of the whole weight.

    Where the land is empty near the line, as between two towns, the line goes through there.
    """
    order = np.argsort(values, kind="stable")
    below = np.cumsum(weight[order]) / max(1e-9, float(weight.sum()))
    count = int((below - weight[order] / max(1e-9, 2 * float(weight.sum())) <= share).sum())
    gaps = np.diff(values[order])
    open_ = np.flatnonzero(np.abs(below[:-1] - share) <= LEEWAY * min(share, 1 - share))
    if open_.size and 0 < count < values.size:
        widest = int(open_[gaps[open_].argmax()])
        if gaps[widest] >= EMPTY * max(1e-9, float(np.median(gaps))):
            count = widest + 1
    chosen = np.zeros(values.size, dtype=np.bool_)
    chosen[order[:count]] = True
    return chosen


def _groups(sets: Iterable[Sequence[str]]) -> Mapping[str, str]:
    """Each name to the first name of those connected with it by any of the sets."""
    found: dict[str, str] = {}

    def root(name: str) -> str:
        while found.setdefault(name, name) != name:
            name = found[name]
        return name

    for names in sets:
        for name in names:
            first, second = sorted((root(names[0]), root(name)))
            found[second] = first
    return {name: root(name) for name in found}


def _able(problem: Problem, visits: Sequence[Visit]) -> NDArray[np.bool_]:
    """(visits, technicians) who has the skills and papers and works in the territory, once for like needs."""
    known: dict[object, NDArray[np.bool_]] = {}
    rows = []
    for visit in visits:
        needs = (frozenset(visit.skills.items()), visit.certificates, visit.territory)
        if needs not in known:
            known[needs] = np.array([_may_go(problem, t, visit) for t in problem.technicians], dtype=np.bool_)
        rows.append(known[needs])
    return np.array(rows, dtype=np.bool_).reshape(len(rows), len(problem.technicians))


def _may_go(problem: Problem, technician: Technician, visit: Visit) -> bool:
    return not any(rule.forbids(problem, technician, visit) for rule in (skills, certificates, territory))
