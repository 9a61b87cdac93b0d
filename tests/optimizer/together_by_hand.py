"""Several routes whose visits wait for one another, told stop by stop: whoever can begin next, begins."""

from collections.abc import Mapping, Sequence

from optimizer import Problem, Technician, Visit
from tests.optimizer.by_hand import Spent, drive, first_start, next_midnight, opening_of


def live_together(problem: Problem, sequences: Mapping[str, Sequence[Visit]]) -> dict[str, Spent] | None:
    """Every stop of a plan without breaks and fetches; None when it cannot be kept."""
    return _Stage(problem, sequences).played()


class _Stage:
    """Where everybody is: what lies ahead of each, and since when and where each is free."""

    def __init__(self, problem: Problem, sequences: Mapping[str, Sequence[Visit]]) -> None:
        self.problem = problem
        self.crew = [t for t in problem.technicians if sequences.get(t.id)]
        self.ahead: dict[str, list[Visit]] = {}
        self.free: dict[str, tuple[int, int]] = {}
        self.done: dict[str, Spent] = {}
        for technician in self.crew:
            place, ready, begun = opening_of(problem, technician)
            self.ahead[technician.id] = list(sequences[technician.id][len(begun) :])
            self.free[technician.id] = (place, ready)
            for visit in begun:
                lock = problem.lock(visit.id)
                start = lock.start if lock is not None and lock.start is not None else 0
                self.done[visit.id] = Spent(start, start, start + technician.time_for(visit), 0)
        self.planned = {v.id for visits in self.ahead.values() for v in visits} | set(self.done)
        self.out = [t for t in self.crew if self.ahead[t.id]]

    def played(self) -> dict[str, Spent] | None:
        """Let whoever can begin begin, until all are home."""
        while any(self.ahead.values()):
            together = next(filter(None, map(self._gathering, self.crew)), None)
            if together is None or not self._begin(together):
                return None
        for technician in self.out:
            place, ready = self.free[technician.id]
            home, _ = drive(self.problem, place, technician.end, now=ready)
            if home > technician.shift.end + technician.overtime:
                return None
        return self.done

    def _gathering(self, technician: Technician) -> list[Technician]:
        """Those who begin together with a technician's next stop, if nobody has to be waited for."""
        if not self.ahead[technician.id]:
            return []
        visit = self.ahead[technician.id][0]
        members = [visit]
        if visit.team is not None:
            members = [v for v in self.problem.visits if v.team == visit.team and v.id in self.planned]
        crew = [t for v in members for t in self.crew if self.ahead[t.id][:1] == [v]]
        ready = all(w.visit_id in self.done for v in members for w in v.after if w.visit_id in self.planned)
        return crew if ready and len(crew) == len(members) else []

    def _begin(self, crew: Sequence[Technician]) -> bool:
        """Let these begin their next stops at the first moment that suits all."""
        moment, before = 0, -1
        arrivals = {}
        for technician in crew:
            place, ready = self.free[technician.id]
            arrivals[technician.id] = drive(
                self.problem, place, self.ahead[technician.id][0].location, now=ready
            )
        while before != moment:
            before = moment
            for technician in crew:
                visit = self.ahead[technician.id][0]
                arrived, _ = arrivals[technician.id]
                setup = visit.setup if self.free[technician.id][0] != visit.location else 0
                ready = max([arrived + setup, moment, *self._waits(visit)])
                start = first_start(self.problem, technician, visit, arrived=arrived, ready=ready)
                if start is None:
                    return False
                moment = start
        for technician in crew:
            visit = self.ahead[technician.id].pop(0)
            end = moment + technician.time_for(visit)
            self.done[visit.id] = Spent(arrivals[technician.id][0], moment, end, arrivals[technician.id][1])
            self.free[technician.id] = (visit.location, end)
        return True

    def _waits(self, visit: Visit) -> list[int]:
        """Moments before which a visit must not begin, for the sake of those that come first."""
        moments = []
        for wait in visit.after:
            if wait.visit_id in self.done:
                end = self.done[wait.visit_id].end
                moments.append(end + wait.delay)
                if wait.next_day:
                    moments.append(next_midnight(self.problem, end))
        return moments
