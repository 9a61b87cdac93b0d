"""
The week ahead under the load of the last four: which limits would be missed with the shifts that are planned?

Every request of the last 28 days comes again on its weekday and minute, week by week. Whoever is idle takes
the most urgent of what waits and the technician can do; driving takes a fixed time, work as long as it took.
"""

from __future__ import annotations

import heapq
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
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
from dispatch.work_orders.model import Visit, WorkOrder

WEEKS = 4
LEAST_SHARE = 0.05
"""Of a contract's limits that are missed; fewer is bad luck."""
LONGEST = timedelta(hours=8)


@dataclass(frozen=True, slots=True)
class Request:
    """Work that is asked for at a moment, and what it needs."""

    at: datetime
    contract_id: uuid.UUID | None
    due: DueTimes
    priority: int
    skills: Mapping[str, int]
    certificates: frozenset[str]
    crew: int
    work: timedelta

    @property
    def urgency(self) -> tuple[datetime, int, datetime]:
        """Smaller goes first: the earliest limit, then the higher priority, then who asked first."""
        limits = [due for due in (self.due.response_due_at, self.due.resolution_due_at) if due is not None]
        return (min(limits, default=datetime.max.replace(tzinfo=self.at.tzinfo)), -self.priority, self.at)


@dataclass(slots=True)
class Hand:
    """Somebody on duty, and until when they are busy."""

    technician: Technician
    pieces: Sequence[Interval]
    busy_until: datetime

    def can(self, request: Request, on: date) -> bool:
        """Whether skills and certificates suffice."""
        held = {skill.skill_code: skill.level for skill in self.technician.skills}
        papers = {
            paper.code
            for paper in self.technician.certificates
            if paper.valid_from <= on <= paper.valid_until
        }
        return (
            all(held.get(code, 0) >= level for code, level in request.skills.items())
            and request.certificates <= papers
        )

    def idle_from(self, moment: datetime) -> datetime | None:
        """The first moment from this one on at which there is nothing to do; None after the last piece."""
        ready = max(moment, self.busy_until)
        return next((max(piece.start, ready) for piece in self.pieces if piece.end > ready), None)


@dataclass(slots=True)
class Tally:
    """What became of the limits of one contract."""

    asked: int = 0
    missed: list[datetime] = field(default_factory=list)


def loaded_week(session: Session) -> Iterator[Finding]:
    """Look for contracts whose limits the planned shifts do not keep under the usual load."""
    active = select(Territory).where(Territory.is_active).order_by(Territory.code)
    for territory in session.scalars(active).all():
        try:
            ZoneInfo(territory.timezone)
        except (KeyError, ValueError):
            continue  # a finding of its own
        yield from _of_territory(session, territory)


def _of_territory(session: Session, territory: Territory) -> Iterator[Finding]:
    start = clock.local_midnight(clock.business_day(clock.now(), territory.timezone), territory.timezone)
    hands = _hands(session, territory, start)
    weeks = _requests(session, territory, start)
    if not hands or not any(request.contract_id for week in weeks for request in week):
        return
    tallies: dict[uuid.UUID, Tally] = {}
    known = start + timedelta(days=DAYS + MARGIN_DAYS - 1)
    for week in weeks:
        for hand in hands:
            hand.busy_until = clock.now()
        _live(hands, week, tallies, territory.timezone, known)
    contracts = session.scalars(select(Contract).where(Contract.id.in_(tallies)).order_by(Contract.number))
    for contract in contracts:
        tally = tallies[contract.id]
        if len(tally.missed) > LEAST_SHARE * tally.asked:
            local = min(tally.missed).astimezone(ZoneInfo(territory.timezone))
            message = (
                f"{contract.number}: with requests like those of the last four weeks and the shifts of the "
                f"next one, {len(tally.missed)} of {tally.asked} would miss a limit, first on "
                f"{WEEKDAYS[local.weekday()]} {local:%H:%M}"
            )
            remedy = "Add shifts at those hours, or people with the skills that such requests need."
            yield Finding("warning", "LIMIT_OVERLOADED", message, remedy)


def _hands(session: Session, territory: Territory, start: datetime) -> list[Hand]:
    first = clock.business_day(start, territory.timezone)
    pieces: dict[uuid.UUID, list[Interval]] = {}
    people: dict[uuid.UUID, Technician] = {}
    for ahead in range(-1, DAYS + MARGIN_DAYS):
        for duty in on_duty(session, territory.id, first + timedelta(days=ahead)):
            people[duty.technician.id] = duty.technician
            pieces.setdefault(duty.technician.id, []).extend(duty.free)
    return [
        Hand(people[who], sorted(found, key=lambda piece: piece.start), clock.now())
        for who, found in pieces.items()
    ]


def _requests(session: Session, territory: Territory, start: datetime) -> list[list[Request]]:
    """The requests of each of the last four weeks, as they would come in the next one."""
    statement = (
        select(WorkOrder)
        .where(WorkOrder.territory_id == territory.id)
        .where(WorkOrder.opened_at >= start - timedelta(days=7 * WEEKS), WorkOrder.opened_at < start)
        .options(selectinload(WorkOrder.visits))
        .order_by(WorkOrder.opened_at, WorkOrder.id)
    )
    contracts = {contract.id: contract for contract in session.scalars(select(Contract))}
    hours = {key: hours_of(session, found, territory.timezone) for key, found in contracts.items()}
    weeks: list[list[Request]] = [[] for _ in range(WEEKS)]
    for order in session.scalars(statement):
        lead = next((visit for visit in order.visits if visit.leader_id is None), None)
        back = (start - order.opened_at) // timedelta(days=7)
        moment = order.opened_at + timedelta(days=7 * (back + 1))
        if lead is None or moment < clock.now():
            continue
        contract = contracts.get(order.contract_id) if order.contract_id else None
        if contract is not None and not is_in_force(contract, clock.business_day(moment, territory.timezone)):
            contract = None
        of = hours[contract.id] if contract is not None else None
        weeks[back].append(_request(order, lead, moment, contract, of))
    return weeks


def _request(
    order: WorkOrder, lead: Visit, moment: datetime, contract: Contract | None, hours: BusinessHours | None
) -> Request:
    took = timedelta(minutes=lead.duration_minutes)
    if lead.started_at is not None and lead.finished_at is not None:
        took = lead.finished_at - lead.started_at
    return Request(
        at=moment,
        contract_id=contract.id if contract is not None else None,
        due=due_times(moment, contract, hours),
        priority=order.priority,
        skills={code: int(level) for code, level in lead.skills.items()},
        certificates=frozenset(lead.certificates),
        crew=lead.crew_size,
        work=min(took, LONGEST),
    )


def _live(
    hands: Sequence[Hand],
    requests: Sequence[Request],
    tallies: dict[uuid.UUID, Tally],
    zone: str,
    known: datetime,
) -> None:
    """Live one week; limits that end after the shifts are known are not counted."""
    coming = sorted(requests, key=lambda one: one.at)
    waiting: list[tuple[tuple[datetime, int, datetime], int, Request]] = []
    now, number = coming[0].at if coming else known, 0
    while now < known and (coming[number:] or waiting):
        while number < len(coming) and coming[number].at <= now:
            heapq.heappush(waiting, (coming[number].urgency, number, coming[number]))
            number += 1
        left = []
        while waiting:
            entry = heapq.heappop(waiting)
            if not _served(entry[2], hands, now, tallies, zone):
                left.append(entry)
        waiting = left
        heapq.heapify(waiting)
        moments = [coming[number].at] if number < len(coming) else []
        if waiting:
            moments += [idle for hand in hands if (idle := hand.idle_from(now)) is not None and idle > now]
        if not moments:
            break
        now = min(moments)
    for _, _, request in waiting:
        _count(request, None, None, tallies, known)


def _served(
    request: Request, hands: Sequence[Hand], now: datetime, tallies: dict[uuid.UUID, Tally], zone: str
) -> bool:
    """Give a request to those who are idle and able; tell whether there were enough."""
    on = clock.business_day(now, zone)
    able = [hand for hand in hands if hand.idle_from(now) == now and hand.can(request, on)]
    if len(able) < request.crew:
        return False
    able.sort(key=lambda hand: len(hand.technician.skills))  # the most versatile stay free
    arrival = now + DRIVE
    for hand in able[: request.crew]:
        hand.busy_until = arrival + request.work
    _count(request, arrival, arrival + request.work, tallies)
    return True


def _count(
    request: Request,
    arrival: datetime | None,
    end: datetime | None,
    tallies: dict[uuid.UUID, Tally],
    known: datetime | None = None,
) -> None:
    """Note whether the limits of a request were kept; None means not by the end of what is known."""
    limits = [(request.due.response_due_at, arrival), (request.due.resolution_due_at, end)]
    judged = [(due, done) for due, done in limits if due is not None and (known is None or due <= known)]
    if request.contract_id is None or not judged:
        return
    tally = tallies.setdefault(request.contract_id, Tally())
    tally.asked += 1
    if any(done is None or done > due for due, done in judged):
        tally.missed.append(request.at)
