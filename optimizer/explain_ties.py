"""Why a visit that depends on others is not served: its team, what it waits for, the hand it belongs to."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

from optimizer.constraints import Constraint, precedence, same_technician, team
from optimizer.constraints.same_technician import groups
from optimizer.constraints.team import open_teams
from optimizer.drafting import Draft
from optimizer.errors import InfeasibleRoute
from optimizer.features import is_tied
from optimizer.oracle import Oracle
from optimizer.plan import Unserved
from optimizer.problem import Problem, Visit
from optimizer.reasons import MORE_WORTH, NOT_WORTH
from optimizer.schedule import Schedule, scheduled
from optimizer.suited import Suited
from optimizer.units import Seconds, clock


class Ties:
    """Visits that depend on others, on one plan; what several of them ask is found out once."""

    def __init__(self, problem: Problem, oracle: Oracle, suited: Suited) -> None:
        self.problem = problem
        self._oracle, self._suited = oracle, suited
        self._gathers: dict[str, bool] = {}

    @cached_property
    def _served(self) -> dict[str, str]:
        """Who serves each visit."""
        return {each.id: name for name, order in self._oracle.sequences().items() for each in order}

    @cached_property
    def _teams(self) -> dict[str, tuple[Visit, ...]]:
        """The team of each visit whose team has not begun."""
        return {visit.id: members for members in open_teams(self.problem) for visit in members}

    @cached_property
    def _groups(self) -> dict[str, tuple[Visit, ...]]:
        """Visits that belong in one hand."""
        return groups(self.problem)

    @cached_property
    def _draft(self) -> Draft | None:
        """The plan as one to which a team could be added, None where its routes do not hold together."""
        try:
            return Draft(Schedule(self.problem), self._oracle.sequences())
        except InfeasibleRoute:
            return None

    @cached_property
    def _finished(self) -> dict[str, Seconds]:
        """End of each visit of the plan."""
        try:
            routes = scheduled(self.problem, self._oracle.sequences())
        except InfeasibleRoute:
            return {}
        return {stop.visit_id: stop.end for route in routes for stop in route.stops}

    def in_the_way(self, visit: Visit) -> Unserved | None:
        """The rule about several visits without which this one could be served, or None."""
        if not is_tied(visit):
            return None
        return self._team_reason(visit) or self._waiting_reason(visit) or self._hand_reason(visit)

    def _team_reason(self, visit: Visit) -> Unserved | None:
        """A team is left out as a whole; the member that nobody can serve is named."""
        members = self._teams.get(visit.id, ())
        if members and (cause := self._team_cause(members, visit)):
            return _unserved(team, visit, cause)
        if len(members) < 2 or any(member.id in self._served for member in members):
            return None
        if self._could_gather(members):
            cause = "its team could gather, but that costs more than its visits are worth"
            return Unserved(visit.id, NOT_WORTH, cause, MORE_WORTH)
        return _unserved(team, visit, f"no moment is free for all {len(members)} of its team")

    def _team_cause(self, members: Sequence[Visit], visit: Visit) -> str | None:
        """What keeps a team from being served on any plan of the day, or None."""
        for member in members:
            found = self._suited.blocking(member) if member.id != visit.id else None
            if found is not None:
                return f"visit {member.id} of its team cannot be served ({found.reason}): {found.sentence}"
        people = {technician.who for technician in self.problem.technicians}
        if len(people) < len(members):
            return f"its team needs {len(members)} people, {len(people)} work"
        missing = team.lacking(self.problem, self.problem.technicians, members)
        return f"its team lacks {', '.join(missing)}" if missing else None

    def _could_gather(self, members: Sequence[Visit]) -> bool:
        """Whether the plan has room for a whole team, asked once for all its members."""
        first = members[0].id
        if first not in self._gathers:
            self._gathers[first] = self._draft is not None and self._draft.has_room(members)
        return self._gathers[first]

    def _waiting_reason(self, visit: Visit) -> Unserved | None:
        """What it waits for is not served, or is over too late for the rest of the plan."""
        absent = [after.visit_id for after in visit.after if after.visit_id not in self._served]
        if absent:
            return _unserved(precedence, visit, f"it waits for {', '.join(absent)}, which is not served")
        if visit.after and self._fits(replace(visit, after=())):
            ends = [
                precedence.earliest(self.problem, after, self._finished[after.visit_id])
                for after in visit.after
                if after.visit_id in self._finished
            ]
            if not ends:
                return None
            cause = f"it may begin at {clock(max(ends))}; nobody has room after that"
            return _unserved(precedence, visit, cause)
        return None

    def _hand_reason(self, visit: Visit) -> Unserved | None:
        """Whoever serves the others of its group has no room for it."""
        group, served = visit.same_technician, self._served
        if group is None or not self._fits(replace(visit, same_technician=None)):
            return None
        others = [v for v in self._groups[group] if v.id in served and v.id != visit.id]
        names = sorted({t.name for v in others if (t := self.problem.technician(served[v.id])) is not None})
        cause = f"{', '.join(names)} has the other visits of {group} and no room for this one"
        return _unserved(same_technician, visit, cause)

    def _fits(self, free: Visit) -> bool:
        """Whether the visit could be served without its tie."""
        return self._oracle.without_tie(free).fits(free)


def _unserved(rule: Constraint, visit: Visit, cause: str) -> Unserved:
    return Unserved(visit.id, rule.CODE, cause, rule.ACTION)
