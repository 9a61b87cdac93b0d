"""
Service clocks: how the limits of response and resolution of running orders stand (R-401, R-402).

A limit is met by the first arrival, or by the visit that solved the fault. While it runs, the forecast of the
day says whether it will be, on other days the plan in force: what comes after it will miss it, and so will
what is on no plan when it is too near for anybody to come.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, selectinload

from dispatch import clock, outbox
from dispatch.contracts.hours import BusinessHours, spent_between
from dispatch.contracts.house_rules import HouseRules, rules_of_contracts
from dispatch.contracts.model import Contract
from dispatch.contracts.queries import hours_of
from dispatch.events import ResolutionMissed
from dispatch.promises.model import ServiceStep
from dispatch.promises.rules import ESCALATED_TO, MISSED
from dispatch.territories.queries import zone_of
from dispatch.work_orders.crews import led
from dispatch.work_orders.lifecycle import FINISHED_ORDERS, OPEN_STATES, VisitState
from dispatch.work_orders.model import ServicePause, Visit, WorkOrder

LEAST_LEAD = timedelta(minutes=30)
"""Nobody who is on no plan is there sooner."""


@dataclass(frozen=True, slots=True)
class Coming:
    """When somebody is probably there for a visit, and when it is over; None when nobody comes."""

    arrival: datetime | None
    end: datetime | None


Ahead = Mapping[uuid.UUID, Coming]
"""What a forecast says of visits that have not begun."""
NOTHING: Ahead = MappingProxyType({})


class ClockState(StrEnum):
    """Whether a limit still runs, stands still, was met, or was missed."""

    RUNNING = "running"
    PAUSED = "paused"
    MET = "met"
    MISSED = "missed"


@dataclass(frozen=True, slots=True)
class ServiceClock:
    """
    One limit of one order.

    used
        Part of its time that has passed, pauses left out; beyond 1 once it is missed.
    predicted_at
        When it is met by the forecast, or by the plan in force; None when nothing is planned.
    will_miss
        Whether that is too late, or nothing is planned and it is too late for anything.
    is_provisional
        Whether ``met_at`` is only the latest it can have been: a phone told it by a clock that nobody could
        verify, and nobody has looked. Such a limit may be met already; it is not called missed.
    """

    work_order_id: uuid.UUID
    contract_id: uuid.UUID | None
    number: str
    kind: str
    due_at: datetime
    state: ClockState
    used: float
    met_at: datetime | None
    predicted_at: datetime | None
    will_miss: bool
    is_provisional: bool


def running(session: Session, territory_id: uuid.UUID, ahead: Ahead = NOTHING) -> list[ServiceClock]:
    """Return the clocks of a territory's unfinished orders that are not met, the soonest first."""
    statement = (
        select(WorkOrder)
        .where(WorkOrder.territory_id == territory_id, WorkOrder.contract_id.is_not(None))
        .where(WorkOrder.state.not_in([state.value for state in FINISHED_ORDERS]))
        .options(selectinload(WorkOrder.visits))
        .order_by(WorkOrder.id)
    )
    orders = session.scalars(statement).all()
    pauses = _pauses(session, [order.id for order in orders])
    found = [
        one
        for order in orders
        for one in _of_order(session, order, ahead, pauses.get(order.id, ()))
        if one.state is not ClockState.MET
    ]
    return sorted(found, key=lambda one: (one.due_at, one.number, one.kind))


def clocks_of(session: Session, order: WorkOrder, ahead: Ahead = NOTHING) -> list[ServiceClock]:
    """Return the clocks of one order, those that were met as well."""
    return list(_of_order(session, order, ahead, _pauses(session, [order.id]).get(order.id, ())))


def escalate(session: Session, territory_id: uuid.UUID, ahead: Ahead = NOTHING) -> Sequence[ServiceStep]:
    """Note each step of escalation that a running clock has come to, once; return those noted now."""
    noted = []
    clocks = running(session, territory_id, ahead)
    houses = rules_of_contracts(session, {one.contract_id for one in clocks})
    for one in clocks:
        if one.state is ClockState.PAUSED or one.is_provisional:
            continue
        for percent, role in _steps(one, houses[one.contract_id]):
            row = insert(ServiceStep).values(
                work_order_id=one.work_order_id,
                kind=one.kind,
                percent=percent,
                role=role,
                due_at=one.due_at,
                reached_at=clock.now(),
            )
            once = row.on_conflict_do_nothing(index_elements=["work_order_id", "kind", "role"])
            written = session.scalars(once.returning(ServiceStep)).one_or_none()
            if written is not None:
                noted.append(written)
                if (one.kind, (percent, role)) == ("resolution", MISSED):
                    outbox.record(session, ResolutionMissed(work_order_id=str(one.work_order_id)))
    return noted


def _steps(one: ServiceClock, house: HouseRules) -> list[tuple[int, str]]:
    """
    Steps that a clock has come to, in order: per cent of its time, and whose business the order is then.

    A limit that will be missed starts the next step at once, though never the last: that one says it was.
    """
    before = (house.escalation_dispatcher_percent, house.escalation_supervisor_percent)
    steps = [*(zip(before, ESCALATED_TO, strict=False) if house.escalation else ()), MISSED]
    found = [(percent, role) for percent, role in steps if 100 * one.used >= percent]
    if one.will_miss and len(found) < len(steps) - 1:
        found.append(steps[len(found)])
    return found


def steps_of(session: Session, territory_id: uuid.UUID) -> Sequence[ServiceStep]:
    """Return the steps that unfinished orders of a territory have reached, the newest first."""
    statement = (
        select(ServiceStep)
        .join(WorkOrder, WorkOrder.id == ServiceStep.work_order_id)
        .where(WorkOrder.territory_id == territory_id)
        .where(WorkOrder.state.not_in([state.value for state in FINISHED_ORDERS]))
        .order_by(ServiceStep.reached_at.desc(), ServiceStep.id.desc())
    )
    return session.scalars(statement).all()


def _pauses(session: Session, order_ids: Sequence[uuid.UUID]) -> Mapping[uuid.UUID, Sequence[ServicePause]]:
    found: dict[uuid.UUID, list[ServicePause]] = {}
    statement = select(ServicePause).where(ServicePause.work_order_id.in_(order_ids))
    for pause in session.scalars(statement):
        found.setdefault(pause.work_order_id, []).append(pause)
    return found


def _of_order(
    session: Session, order: WorkOrder, ahead: Ahead, pauses: Sequence[ServicePause]
) -> Iterator[ServiceClock]:
    contract = session.get(Contract, order.contract_id) if order.contract_id else None
    hours = hours_of(session, contract, zone_of(session, order.territory_id)) if contract else None
    visits = led(order)
    for kind, due, met, planned in (
        ("response", order.response_due_at, _arrived(visits), _comes(visits, ahead)),
        ("resolution", order.resolution_due_at, _solved(visits), _ends(visits, ahead)),
    ):
        if due is not None:
            yield _clock(order, kind, due, met, planned, hours, pauses)


def _clock(  # noqa: PLR0917 - an order, and what is known of one of its limits
    order: WorkOrder,
    kind: str,
    due: datetime,
    met: Met,
    planned: Planned,
    hours: BusinessHours | None,
    pauses: Sequence[ServicePause],
) -> ServiceClock:
    now = clock.now()
    if met.at is not None:
        state = ClockState.MET if met.at <= due else ClockState.MISSED
    elif any(pause.ended_at is None for pause in pauses):
        state = ClockState.PAUSED
    else:
        state = ClockState.RUNNING if now <= due else ClockState.MISSED
    moved = [pause for pause in pauses if _has_moved(pause, kind, met.at)]
    whole = _run_between(order.requested_at, due, hours, moved)
    spent = _run_between(order.requested_at, met.at or now, hours, pauses)
    return ServiceClock(
        work_order_id=order.id,
        contract_id=order.contract_id,
        number=order.number,
        kind=kind,
        due_at=due,
        state=state,
        used=round(spent / max(1.0, whole), 4),
        met_at=met.at,
        predicted_at=planned.at if met.at is None else None,
        will_miss=met.at is None and _will_miss(planned, due, is_paused=state is ClockState.PAUSED),
        is_provisional=met.is_provisional,
    )


def _has_moved(pause: ServicePause, kind: str, met: datetime | None) -> bool:
    """Tell whether a pause is in a limit, if it began before its end: ``pausing.resume`` moved the end."""
    if pause.ended_at is None:
        return False
    return kind == "resolution" or met is None or met > pause.ended_at


def _run_between(
    start: datetime, end: datetime, hours: BusinessHours | None, pauses: Sequence[ServicePause]
) -> float:
    """Return how many seconds of a limit passed between two moments, pauses left out."""
    stood = (
        spent_between(max(start, pause.started_at), min(end, pause.ended_at or end), hours)
        for pause in pauses
    )
    return (spent_between(start, end, hours) - sum(stood, timedelta(0))).total_seconds()


@dataclass(frozen=True, slots=True)
class Met:
    """When a limit was met, None while it was not, and whether that waits for somebody to look."""

    at: datetime | None = None
    is_provisional: bool = False


def _arrived(visits: Sequence[Visit]) -> Met:
    return _first((visit.arrived_at, "arrived_at" in visit.unverified) for visit in visits)


def _solved(visits: Sequence[Visit]) -> Met:
    return _first((v.finished_at, "finished_at" in v.unverified) for v in visits if v.is_solved)


def _first(moments: Iterable[tuple[datetime | None, bool]]) -> Met:
    """The first moment; of two that are equal the verified one."""
    known = [(at, waits) for at, waits in moments if at is not None]
    return Met(*min(known)) if known else Met()


@dataclass(frozen=True, slots=True)
class Planned:
    """
    What is planned to meet a limit.

    at
        When it does; None when nothing, or not all of it, is planned.
    latest
        The latest moment that is planned at all.
    least
        How long what is not planned takes at least.
    """

    at: datetime | None
    latest: datetime | None
    least: timedelta = LEAST_LEAD


def _will_miss(planned: Planned, due: datetime, *, is_paused: bool) -> bool:
    if planned.latest is not None and planned.latest > due:
        return True
    return planned.at is None and not is_paused and clock.now() + planned.least > due


def _comes(visits: Sequence[Visit], ahead: Ahead) -> Planned:
    """The first arrival that is planned; a planned one that has passed is yet to come."""
    moments = [_arrival(visit, ahead) for visit in _open(visits)]
    first = min((moment for moment in moments if moment is not None), default=None)
    return Planned(first, first)


def _arrival(visit: Visit, ahead: Ahead) -> datetime | None:
    if visit.id in ahead:
        return ahead[visit.id].arrival
    return max(visit.planned_start, clock.now()) if visit.planned_start is not None else None


def _ends(visits: Sequence[Visit], ahead: Ahead) -> Planned:
    """When the last open visit is over; one whose end nobody knows leaves that open."""
    open_ = _open(visits)
    ends = {visit.id: _end(visit, ahead) for visit in open_}
    known = [moment for moment in ends.values() if moment is not None]
    latest = max(known, default=None)
    unknown = [visit for visit in open_ if ends[visit.id] is None]
    longest = max((visit.duration_minutes for visit in unknown), default=0)
    return Planned(None if unknown else latest, latest, LEAST_LEAD + timedelta(minutes=longest))


def _end(visit: Visit, ahead: Ahead) -> datetime | None:
    """When a visit is over: begun work as told or by its length, what lies ahead as foreseen or planned."""
    if visit.id in ahead:
        return ahead[visit.id].end
    begun = visit.started_at or visit.arrived_at
    if begun is not None and visit.expected_end_at is not None:
        return max(visit.expected_end_at, clock.now())
    end = begun + timedelta(minutes=visit.duration_minutes) if begun is not None else visit.planned_end
    return max(end, clock.now()) if end is not None else None


def _open(visits: Sequence[Visit]) -> list[Visit]:
    return [visit for visit in visits if VisitState(visit.state) in OPEN_STATES]
