"""
The week ahead under the load of the last four: which limits would be missed with the shifts that are planned?

Every request of the last 28 days comes again on its weekday and minute, week by week; further visits of an
order come when they came, without a limit. Whoever is idle takes the most urgent of what waits and the
technician can do; driving takes a fixed time, work as long as it took.
"""

from __future__ import annotations

import uuid
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from heapq import heappop, heappush
from itertools import count
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from dispatch import clock
from dispatch.contracts.hours import BusinessHours, DueTimes, due_times
from dispatch.contracts.model import Contract
from dispatch.contracts.queries import hours_of
from dispatch.contracts.rules import is_in_force
from dispatch.doctor.findings import Finding
from dispatch.doctor.staffing import DAYS, DRIVE, MARGIN_DAYS, WEEKDAYS
from dispatch.technicians.model import Technician
from dispatch.technicians.queries import on_duty
from dispatch.technicians.rules import Interval
from dispatch.territories.model import Territory
from dispatch.work_orders.lifecycle import OrderState, VisitState
from dispatch.work_orders.model import Visit, WorkOrder

WEEKS = 4
LEAST_SHARE = 0.05
"""Of a contract's limits that are missed; fewer is bad luck."""
LONGEST = timedelta(hours=8)
NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Needs:
    """What whoever goes has to have, and how many have to."""

    skills: tuple[tuple[str, int], ...]
    certificates: frozenset[str]
    crew: int


@dataclass(frozen=True, slots=True)
class Request:
    """Work that is asked for at a moment, and what it needs."""

    at: datetime
    contract_id: uuid.UUID | None
    due: DueTimes
    priority: int
    needs: Needs
    work: timedelta

    @property
    def urgency(self) -> tuple[datetime, int, datetime]:
        """Smaller goes first: the earliest limit, then the higher priority, then who asked first."""
        limits = [due for due in (self.due.response_due_at, self.due.resolution_due_at) if due is not None]
        return (min(limits, default=NEVER), -self.priority, self.at)


@dataclass(slots=True)
class Hand:
    """Somebody on duty, and until when they are busy."""

    skills: Mapping[str, int]
    papers: frozenset[str]
    pieces: Sequence[Interval]
    busy_until: datetime

    def can(self, needs: Needs) -> bool:
        """Whether skills and certificates suffice."""
        able = all(self.skills.get(code, 0) >= level for code, level in needs.skills)
        return able and needs.certificates <= self.papers

    def idle_from(self, moment: datetime) -> datetime | None:
        """The first moment from this one on at which there is nothing to do; None after the last piece."""
        ready = max(moment, self.busy_until)
        return next((max(piece.start, ready) for piece in self.pieces if piece.end > ready), None)


@dataclass(slots=True)
class Tally:
    """What became of the limits of one contract."""

    asked: int = 0
    missed: list[datetime] = field(default_factory=list)

    def count(self, request: Request, arrival: datetime | None, known: datetime) -> None:
        """Note whether limits were kept; without an arrival those are missed that end in the known days."""
        end = arrival + request.work if arrival is not None else None
        limits = [(request.due.response_due_at, arrival), (request.due.resolution_due_at, end)]
        judged = [(due, done) for due, done in limits if due is not None and (done or due <= known)]
        if judged:
            self.asked += 1
            if any(done is None or done > due for due, done in judged):
                self.missed.append(request.at)


def loaded_week(session: Session) -> Iterator[Finding]:
    """Look for contracts whose limits the planned shifts do not keep under the usual load."""
    active = select(Territory).where(Territory.is_active).order_by(Territory.code)
    for territory in session.scalars(active).all():
        try:
            zone = ZoneInfo(territory.timezone)
        except (KeyError, ValueError):
            continue  # a finding of its own
        first = clock.business_day(clock.now(), territory.timezone)
        hands = _hands(session, territory, first)
        weeks = _requests(session, territory, first) if hands else []
        tallies: dict[uuid.UUID, Tally] = defaultdict(Tally)
        known = clock.local_midnight(first + timedelta(days=DAYS + MARGIN_DAYS - 1), territory.timezone)
        for requests in weeks:
            if any(request.contract_id for request in requests):
                for hand in hands:
                    hand.busy_until = clock.now()
                _Week(hands, requests, tallies, known).live()
        yield from _findings(session, tallies, zone)


def _findings(session: Session, tallies: Mapping[uuid.UUID, Tally], zone: ZoneInfo) -> Iterator[Finding]:
    contracts = session.scalars(select(Contract).where(Contract.id.in_(tallies)).order_by(Contract.number))
    for contract in contracts if tallies else ():
        tally = tallies[contract.id]
        if len(tally.missed) > LEAST_SHARE * tally.asked:
            local = min(tally.missed).astimezone(zone)
            message = (
                f"{contract.number}: with requests like those of the last four weeks and the shifts of the "
                f"next one, {len(tally.missed)} of {tally.asked} would miss a limit, first on "
                f"{WEEKDAYS[local.weekday()]} {local:%H:%M}"
            )
            remedy = "Add shifts at those hours, or people with the skills that such requests need."
            yield Finding("warning", "LIMIT_OVERLOADED", message, remedy)


def _hands(session: Session, territory: Territory, first: date) -> list[Hand]:
    """Everybody with a shift in the days ahead; certificates as they are on the first."""
    pieces: dict[uuid.UUID, list[Interval]] = defaultdict(list)
    people: dict[uuid.UUID, Technician] = {}
    for ahead in range(-1, DAYS + MARGIN_DAYS):
        for duty in on_duty(session, territory.id, first + timedelta(days=ahead)):
            people[duty.technician.id] = duty.technician
            pieces[duty.technician.id] += duty.free
    return [
        Hand(
            {skill.skill_code: skill.level for skill in people[who].skills},
            frozenset(
                paper.code
                for paper in people[who].certificates
                if paper.valid_from <= first <= paper.valid_until
            ),
            sorted(found, key=lambda piece: piece.start),
            clock.now(),
        )
        for who, found in pieces.items()
    ]


def _requests(session: Session, territory: Territory, first: date) -> list[list[Request]]:
    """The requests of each of the last four weeks, as they would come in the next one."""
    zone = ZoneInfo(territory.timezone)
    begin = clock.local_midnight(first - timedelta(days=7 * WEEKS), territory.timezone)
    statement = (
        select(WorkOrder)
        .where(WorkOrder.territory_id == territory.id, WorkOrder.state != OrderState.CANCELLED)
        .where(WorkOrder.requested_at >= begin)
        .where(WorkOrder.requested_at < clock.local_midnight(first, territory.timezone))
        .options(selectinload(WorkOrder.visits))
        .order_by(WorkOrder.requested_at, WorkOrder.id)
    )
    orders = session.scalars(statement).all()
    named = {order.contract_id for order in orders if order.contract_id is not None}
    found = session.scalars(select(Contract).where(Contract.id.in_(named))) if named else ()
    contracts = {contract.id: contract for contract in found}
    hours = {key: hours_of(session, one, territory.timezone) for key, one in contracts.items()}
    weeks: list[list[Request]] = [[] for _ in range(WEEKS)]
    for order in orders:
        for visit in order.visits:
            asked = order.requested_at if visit.attempt == 1 else visit.started_at or visit.planned_start
            if visit.leader_id is not None or visit.state == VisitState.CANCELLED or asked is None:
                continue
            back, moment = again(asked, first, zone)
            if not 0 <= back < WEEKS or moment < clock.now():
                continue
            contract = contracts.get(order.contract_id) if order.contract_id and visit.attempt == 1 else None
            if contract is not None and not is_in_force(contract, moment.astimezone(zone).date()):
                contract = None
            of = hours[contract.id] if contract is not None else None
            weeks[back].append(_request(order, visit, moment, contract, of))
    return weeks


def again(asked: datetime, first: date, zone: ZoneInfo) -> tuple[int, datetime]:
    """How many whole weeks before the first day it was, and the same weekday and minute from that day on."""
    local = asked.astimezone(zone)
    back = ((first - local.date()).days - 1) // 7
    day = local.date() + timedelta(days=7 * (back + 1))
    return back, datetime.combine(day, local.time(), zone).astimezone(UTC)


def _request(
    order: WorkOrder, visit: Visit, moment: datetime, contract: Contract | None, hours: BusinessHours | None
) -> Request:
    took = timedelta(minutes=visit.duration_minutes)
    if visit.started_at is not None and visit.finished_at is not None:
        took = visit.finished_at - visit.started_at
    skills = tuple(sorted((code, int(level)) for code, level in visit.skills.items()))
    return Request(
        at=moment,
        contract_id=contract.id if contract is not None else None,
        due=due_times(moment, contract, hours),
        priority=order.priority,
        needs=Needs(skills, frozenset(visit.certificates), visit.crew_size),
        work=min(took, LONGEST),
    )


class _Week:
    """One week lived through; requests wait in line by what they need, the most urgent in front."""

    def __init__(
        self,
        hands: Sequence[Hand],
        requests: Sequence[Request],
        tallies: dict[uuid.UUID, Tally],
        known: datetime,
    ) -> None:
        self.hands, self.tallies, self.known = hands, tallies, known
        self.coming = deque(sorted(requests, key=lambda one: one.at))
        needs = {request.needs for request in requests}
        self.able = {each: [hand for hand in hands if hand.can(each)] for each in needs}
        self.lines: dict[Needs, list[tuple[tuple[datetime, int, datetime], int, Request]]] = {
            each: [] for each in needs
        }
        self.number = count()

    def live(self) -> None:
        """Go from event to event until nothing waits or the shifts are over."""
        now: datetime | None = self.coming[0].at
        while now is not None and now < self.known:
            while self.coming and self.coming[0].at <= now:
                request = self.coming.popleft()
                heappush(self.lines[request.needs], (request.urgency, next(self.number), request))
            self._serve(now)
            now = self._next(now)
        for line in self.lines.values():
            for _, _, request in line:
                self._count(request, None)

    def _serve(self, now: datetime) -> None:
        """Give work to whoever is idle, the most urgent first."""
        idle = {id(hand) for hand in self.hands if hand.idle_from(now) == now}
        while idle:
            fitting = {
                needs: able
                for needs, line in self.lines.items()
                if line and len(able := [hand for hand in self.able[needs] if id(hand) in idle]) >= needs.crew
            }
            if not fitting:
                return
            first = min(fitting, key=lambda needs: self.lines[needs][0])
            request = heappop(self.lines[first])[2]
            # the most versatile stay free
            for hand in sorted(fitting[first], key=lambda hand: len(hand.skills))[: first.crew]:
                hand.busy_until = now + DRIVE + request.work
                idle.discard(id(hand))
            self._count(request, now + DRIVE)

    def _next(self, now: datetime) -> datetime | None:
        """The next moment at which somebody asks, or is idle while somebody waits."""
        moments = [self.coming[0].at] if self.coming else []
        if any(self.lines.values()):
            free = (hand.idle_from(now) for hand in self.hands)
            moments += [moment for moment in free if moment is not None and moment > now]
        return min(moments, default=None)

    def _count(self, request: Request, arrival: datetime | None) -> None:
        if request.contract_id is not None:
            self.tallies[request.contract_id].count(request, arrival, self.known)
