"""
Indicators of a day as pure functions of its facts, each a numerator and a denominator (R-704).

A denominator of zero means "undefined", never zero or infinity. The formulas are those of the glossary. What
a phone told by a clock nobody could verify is counted by the server's bound until somebody has looked; where
that bound alone would break a promise or a limit, the visit is not judged until then.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from dispatch.promises.rules import BAND, kept, within_band


@dataclass(frozen=True, slots=True)
class VisitFact:
    """One attended or planned visit of the day; moments are UTC."""

    number: str
    technician_id: str | None
    planned_start: datetime | None
    planned_end: datetime | None
    travelling_at: datetime | None
    arrived_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    paused_seconds: int
    first_window_end: datetime | None
    last_window_start: datetime | None
    last_window_end: datetime | None
    is_reservation: bool
    is_solved: bool
    is_first_attempt: bool
    is_repeat: bool
    was_repeated: bool
    """The same fault on the same asset came back as a repeat repair, as known now."""
    is_no_access: bool
    requested_at: datetime
    response_due_at: datetime | None
    resolution_due_at: datetime | None
    goes_along: bool = False
    """Whether somebody else leads the crew: their time counts, the visit is counted by its leader (R-203)."""
    chasers: int = 0
    """How often the order's customer has asked when somebody comes (R-105)."""
    break_seconds: int = 0
    travel_break_seconds: int = 0
    """Breaks between start and end outside pauses, and on the way: neither work nor travel (R-509)."""
    band: timedelta = BAND
    """How far outside the window still counts as punctual by the house's rules (R-302)."""
    unverified: frozenset[str] = frozenset()
    """Times that are the server's bound until somebody has looked (reliability §2.5)."""

    def waits(self, name: str, limit: datetime | None) -> bool:
        """Whether a time cannot be judged yet: it is a bound, and that alone comes after the limit."""
        moment: datetime | None = getattr(self, name)
        is_late = moment is not None and limit is not None and moment > limit
        return name in self.unverified and is_late

    @property
    def work_seconds(self) -> int:
        """Time between start and end of service without pauses and breaks."""
        if self.started_at is None or self.finished_at is None:
            return 0
        idle = self.paused_seconds + self.break_seconds
        return max(0, int((self.finished_at - self.started_at).total_seconds()) - idle)

    @property
    def travel_seconds(self) -> int:
        """Time between setting out and arriving, without breaks."""
        if self.travelling_at is None or self.arrived_at is None:
            return 0
        way = int((self.arrived_at - self.travelling_at).total_seconds())
        return max(0, way - self.travel_break_seconds)


@dataclass(frozen=True, slots=True)
class DutyFact:
    """One technician's duty of the day: shifts minus absences, in seconds."""

    technician_id: str
    available_seconds: int
    break_seconds: int
    """As taken; as planned where none was told."""
    ends_at: datetime
    breaks: tuple[tuple[datetime, datetime], ...] = ()
    """As taken on the day: when each began and ended."""


@dataclass(frozen=True, slots=True)
class AnswerFact:
    """One answer that was asked for on the day, as it stood when the day was over (R-102)."""

    channel: str
    state: str
    """``kept``, ``missed``, ``running``, or ``unknown`` where nobody said when it was given."""
    is_waiting: bool
    """Whether nobody had answered by the end of the day, its limit over or not."""


@dataclass(frozen=True, slots=True)
class Ratio:
    """An indicator's value."""

    numerator: Decimal
    denominator: Decimal

    @property
    def value(self) -> Decimal | None:
        """The quotient, or None when it is undefined."""
        return self.numerator / self.denominator if self.denominator else None


Day = tuple[Sequence[VisitFact], Sequence[DutyFact], Sequence[AnswerFact]]


def _share(items: Sequence[VisitFact], holds: Callable[[VisitFact], bool]) -> Ratio:
    return Ratio(Decimal(sum(1 for item in items if holds(item))), Decimal(len(items)))


def _sum(values: Sequence[int], count: int) -> Ratio:
    return Ratio(Decimal(sum(values)), Decimal(count))


def promise_kept_first(day: Day) -> Ratio:
    """Arrivals not later than the end of the first promised window ÷ promised visits (R-309)."""
    told = (v for v in day[0] if v.first_window_end is not None)
    promised = [v for v in told if not v.waits("arrived_at", v.first_window_end)]
    return _share(promised, lambda v: _not_later(v.arrived_at, v.first_window_end))


def promise_kept_last(day: Day) -> Ratio:
    """Arrivals not later than the end of the last promised window ÷ promised visits (R-309)."""
    told = (v for v in day[0] if v.last_window_end is not None)
    promised = [v for v in told if not v.waits("arrived_at", v.last_window_end)]
    return _share(promised, lambda v: _not_later(v.arrived_at, v.last_window_end))


def _not_later(moment: datetime | None, limit: datetime | None) -> bool:
    return moment is not None and limit is not None and kept(moment, limit)


def punctual_within_band(day: Day) -> Ratio:
    """Arrivals within the promised window widened by the band on both sides ÷ promised visits (R-302)."""
    told = (v for v in day[0] if v.last_window_end is not None)
    return _share([v for v in told if "arrived_at" not in v.unverified], _in_band)


def _in_band(visit: VisitFact) -> bool:
    if visit.arrived_at is None or visit.last_window_start is None or visit.last_window_end is None:
        return False
    return within_band(visit.arrived_at, visit.last_window_start, visit.last_window_end, visit.band)


def response_seconds(day: Day) -> Ratio:
    """Σ(first arrival − requested) ÷ first visits with an arrival."""
    arrived = [v for v in day[0] if v.is_first_attempt and v.arrived_at is not None]
    waits = [int((v.arrived_at - v.requested_at).total_seconds()) for v in arrived if v.arrived_at]
    return _sum(waits, len(arrived))


def sla_response_kept(day: Day) -> Ratio:
    """First visits that arrived by their response limit ÷ first visits with such a limit (R-401)."""
    first = (v for v in day[0] if v.is_first_attempt and v.response_due_at is not None)
    limited = [v for v in first if not v.waits("arrived_at", v.response_due_at)]
    return _share(limited, lambda v: _not_later(v.arrived_at, v.response_due_at))


def sla_resolution_kept(day: Day) -> Ratio:
    """Orders solved by their resolution limit ÷ finished visits with such a limit (R-402)."""
    finished = (v for v in day[0] if v.resolution_due_at is not None and v.finished_at is not None)
    limited = [v for v in finished if not v.waits("finished_at", v.resolution_due_at)]
    return _share(limited, lambda v: v.is_solved and _not_later(v.finished_at, v.resolution_due_at))


def first_time_fix(day: Day) -> Ratio:
    """Orders solved at the first visit and not repeated since ÷ solved orders."""
    solved = [v for v in day[0] if v.is_solved]
    return _share(solved, lambda v: v.is_first_attempt and not v.was_repeated)


def repeat_rate(day: Day) -> Ratio:
    """Repeat orders ÷ completed orders; an order is completed by the visit that solves it (R-508)."""
    completed = [v for v in day[0] if v.finished_at is not None and v.is_solved]
    return _share(completed, lambda v: v.is_repeat)


def repair_seconds(day: Day) -> Ratio:
    """Σ(repair end − repair start) ÷ repairs."""
    repairs = [v for v in day[0] if v.finished_at is not None and not v.goes_along]
    return _sum([v.work_seconds for v in repairs], len(repairs))


def resolve_seconds(day: Day) -> Ratio:
    """Σ(resolved − requested) ÷ solved orders."""
    solved = [v for v in day[0] if v.is_solved and v.finished_at is not None]
    waits = [int((v.finished_at - v.requested_at).total_seconds()) for v in solved if v.finished_at]
    return _sum(waits, len(solved))


def schedule_adherence(day: Day) -> Ratio:
    """Visits begun within 15 minutes of the plan ÷ planned visits."""
    planned = (v for v in day[0] if v.planned_start is not None)
    return _share([v for v in planned if "started_at" not in v.unverified], _on_plan)


def _on_plan(visit: VisitFact) -> bool:
    if visit.started_at is None or visit.planned_start is None:
        return False
    return abs(visit.started_at - visit.planned_start) <= BAND


def utilisation(day: Day) -> Ratio:
    """(work + travel) ÷ available; undefined without a shift."""
    busy = sum(v.work_seconds + v.travel_seconds for v in day[0])
    return Ratio(Decimal(busy), Decimal(sum(d.available_seconds for d in day[1])))


def wrench_time(day: Day) -> Ratio:
    """Work ÷ available; undefined without a shift."""
    work = sum(v.work_seconds for v in day[0])
    return Ratio(Decimal(work), Decimal(sum(d.available_seconds for d in day[1])))


def travel_share(day: Day) -> Ratio:
    """Travel ÷ (travel + work)."""
    travel = sum(v.travel_seconds for v in day[0])
    return Ratio(Decimal(travel), Decimal(travel + sum(v.work_seconds for v in day[0])))


def overtime_seconds(day: Day) -> Ratio:
    """Σ time past the shift ÷ technician-days."""
    late = 0
    for duty in day[1]:
        ends = [v.finished_at for v in day[0] if v.technician_id == duty.technician_id and v.finished_at]
        late += max(0, int((max(ends) - duty.ends_at).total_seconds())) if ends else 0
    return _sum([late], len(day[1]))


def idle_seconds(day: Day) -> Ratio:
    """Σ(available − work − travel − break), never below zero for one technician ÷ technician-days."""
    idle = 0
    for duty in day[1]:
        busy = sum(v.work_seconds + v.travel_seconds for v in day[0] if v.technician_id == duty.technician_id)
        idle += max(0, duty.available_seconds - duty.break_seconds - busy)
    return _sum([idle], len(day[1]))


def duration_accuracy(day: Day) -> Ratio:
    """Σ actual service ÷ Σ planned service, over finished planned visits."""
    done = [v for v in day[0] if v.finished_at and v.planned_start and v.planned_end]
    planned = sum(
        int((v.planned_end - v.planned_start).total_seconds())
        for v in done
        if v.planned_start and v.planned_end
    )
    return Ratio(Decimal(sum(v.work_seconds for v in done)), Decimal(planned))


def visits_per_technician_day(day: Day) -> Ratio:
    """Attended visits ÷ technician-days."""
    return Ratio(Decimal(sum(1 for v in day[0] if v.arrived_at)), Decimal(len(day[1])))


def reservation_share(day: Day) -> Ratio:
    """Visits reserved at least 24 h ahead ÷ visits (R-301)."""
    return _share([v for v in day[0] if not v.goes_along], lambda v: v.is_reservation)


def no_access(day: Day) -> Ratio:
    """Visits without access ÷ attended visits."""
    attended = [v for v in day[0] if (v.arrived_at or v.is_no_access) and not v.goes_along]
    return _share(attended, lambda v: v.is_no_access)


def chasers(day: Day) -> Ratio:
    """Times that customers asked when somebody comes ÷ orders, each counted by its first visit (R-105)."""
    firsts = [v for v in day[0] if v.is_first_attempt]
    return Ratio(Decimal(sum(v.chasers for v in firsts)), Decimal(len(firsts)))


def answers_in_time(day: Day) -> Ratio:
    """Answers within the limit of their channel ÷ answers that are given or whose limit is over (R-102)."""
    decided = [one for one in day[2] if one.state in {"kept", "missed"}]
    return Ratio(Decimal(sum(one.state == "kept" for one in decided)), Decimal(len(decided)))


METRICS: tuple[Callable[[Day], Ratio], ...] = (
    promise_kept_first,
    promise_kept_last,
    punctual_within_band,
    response_seconds,
    sla_response_kept,
    sla_resolution_kept,
    first_time_fix,
    repeat_rate,
    repair_seconds,
    resolve_seconds,
    schedule_adherence,
    utilisation,
    wrench_time,
    travel_share,
    overtime_seconds,
    idle_seconds,
    duration_accuracy,
    visits_per_technician_day,
    reservation_share,
    no_access,
    chasers,
    answers_in_time,
)


def indicators(
    visits: Sequence[VisitFact], duties: Sequence[DutyFact], answers: Sequence[AnswerFact] = ()
) -> dict[str, Ratio]:
    """Return every indicator of a day by name."""
    return {metric.__name__: metric((visits, duties, answers)) for metric in METRICS}
