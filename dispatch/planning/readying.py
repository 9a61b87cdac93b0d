"""
The evening before: are parts, technician and van of every visit of tomorrow's published plan ready (R-304)?

What is lacking becomes a row until it is mended, and the dispatchers are reminded once of a day that lacks
something. A van's parts are counted off visit by visit, in the order of the plan, after what it still has to
do before; what the store has set aside for a visit is not lacking.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import clock
from dispatch.contracts.house_rules import house_rules
from dispatch.planning import heads
from dispatch.planning.candidates import NOT_BEGUN
from dispatch.planning.model import DayPlan, PlanStop, ReadinessGap
from dispatch.planning.supplying import shares
from dispatch.promises import reminding
from dispatch.promises.reminding import READINESS, Waiting
from dispatch.technicians.model import Technician
from dispatch.technicians.queries import is_absent, on_duty
from dispatch.technicians.rules import is_valid_on
from dispatch.territories.queries import zone_of
from dispatch.tools.queries import not_calibrated
from dispatch.work_orders.model import Visit

PART, ABSENT, OFF_DUTY = "PART_MISSING", "TECHNICIAN_ABSENT", "TECHNICIAN_OFF_DUTY"
CERTIFICATE, VAN, TOOL = "CERTIFICATE_INVALID", "VAN_MISSING", "TOOL_NOT_CALIBRATED"
GAPS = (PART, ABSENT, OFF_DUTY, CERTIFICATE, VAN, TOOL)


@dataclass(frozen=True, slots=True, order=True)
class Gap:
    """What one visit lacks; ``subject`` names part, certificate or tool, ``missing`` counts pieces."""

    visit_id: uuid.UUID
    technician_id: uuid.UUID
    code: str
    subject: str = ""
    missing: int = 1


def make_ready(session: Session, territory_id: uuid.UUID) -> list[ReadinessGap]:
    """
    Look at tomorrow from the hour of the house rules on, and at today for what is mended; return the open.

    Days are those of the territory's zone.
    """
    rules = house_rules(session)
    local = clock.now().astimezone(ZoneInfo(zone_of(session, territory_id)))
    today = local.date()
    _forget_past(session, territory_id, today)
    found = _keep(session, territory_id, today, _gaps_of(session, territory_id, today), is_new_told=False)
    if rules.readiness and local.hour >= rules.readiness_hour:
        tomorrow = today + timedelta(days=1)
        found += look(session, territory_id, tomorrow)
    return found


def _forget_past(session: Session, territory_id: uuid.UUID, today: date) -> None:
    """End what lacked on days that are over, and the reminders of it."""
    past = select(ReadinessGap).where(
        ReadinessGap.territory_id == territory_id, ReadinessGap.day < today, ReadinessGap.ended_at.is_(None)
    )
    for row in session.scalars(past):
        row.ended_at = clock.now()
    for reminder in reminding.open_reminders(session, territory_id):
        if reminder.kind == READINESS and reminder.subject.rpartition(":")[2] < today.isoformat():
            reminder.ended_at = clock.now()
    session.flush()


def look(session: Session, territory_id: uuid.UUID, day: date) -> list[ReadinessGap]:
    """Note what the visits of a published day lack, and end what is mended; return what is open."""
    return _keep(session, territory_id, day, _gaps_of(session, territory_id, day), is_new_told=True)


def gaps_on(session: Session, territory_id: uuid.UUID, day: date) -> Sequence[ReadinessGap]:
    """Return everything that visits of a day lacked, what is mended as well, the oldest first."""
    statement = select(ReadinessGap).where(ReadinessGap.territory_id == territory_id, ReadinessGap.day == day)
    return session.scalars(statement.order_by(ReadinessGap.seen_at, ReadinessGap.id)).all()


def _keep(
    session: Session, territory_id: uuid.UUID, day: date, gaps: Sequence[Gap], *, is_new_told: bool
) -> list[ReadinessGap]:
    """Write gaps down, end the rows of those that are gone, and remind the dispatchers of an open day."""
    rows = {(row.visit_id, row.code, row.subject): row for row in gaps_on(session, territory_id, day)}
    now, seen = clock.now(), set()
    for gap in sorted(gaps):
        key = gap.visit_id, gap.code, gap.subject
        row = rows.get(key)
        if row is None:
            if not is_new_told:
                continue
            row = ReadinessGap(territory_id=territory_id, day=day, visit_id=gap.visit_id, code=gap.code)
            row.subject, row.seen_at = gap.subject, now
            session.add(row)
            rows[key] = row
        elif row.ended_at is not None:
            row.seen_at, row.ended_at = now, None
        row.technician_id, row.missing = gap.technician_id, gap.missing
        seen.add(key)
    for key, row in rows.items():
        if key not in seen and row.ended_at is None:
            row.ended_at = now
    session.flush()
    open_ = [row for row in rows.values() if row.ended_at is None]
    _tell(session, territory_id, day, is_open=bool(open_))
    return open_


def _tell(session: Session, territory_id: uuid.UUID, day: date, *, is_open: bool) -> None:
    subject = f"{territory_id}:{day.isoformat()}"
    if is_open:
        now = clock.now()
        reminding.write(
            session, territory_id, Waiting(READINESS, subject, "dispatcher", None, now, now), level=1
        )
        return
    others = {
        (reminder.kind, reminder.subject)
        for reminder in reminding.open_reminders(session, territory_id)
        if reminder.subject != subject
    }
    reminding.settle(session, territory_id, [READINESS], others)


def _gaps_of(session: Session, territory_id: uuid.UUID, day: date) -> list[Gap]:
    """What the visits of a day's published plan lack that have not begun; nothing without such a plan."""
    head = heads.find(session, territory_id, day)
    plan = session.get(DayPlan, head.published_plan_id) if head and head.published_plan_id else None
    if plan is None:
        return []
    pairs = [(stop, session.get_one(Visit, stop.visit_id)) for stop in plan.stops]
    ahead = [
        (stop, visit) for stop, visit in pairs if visit.state in NOT_BEGUN and _is_as_planned(stop, visit)
    ]
    ahead.sort(key=lambda pair: (str(pair[0].technician_id), pair[0].position))
    return [
        *_people(session, territory_id, day, ahead),
        *_parts(session, territory_id, ahead),
        *_tools(session, day, ahead),
    ]


def _is_as_planned(stop: PlanStop, visit: Visit) -> bool:
    """Tell whether a visit is still where its published plan has it: not moved to another day or person."""
    return (visit.technician_id, visit.planned_start) == (stop.technician_id, stop.start)


def _people(
    session: Session, territory_id: uuid.UUID, day: date, ahead: Sequence[tuple[PlanStop, Visit]]
) -> Iterator[Gap]:
    """R-501: technicians who are away, without a valid certificate, or without a van."""
    present = {duty.technician.id for duty in on_duty(session, territory_id, day)}
    for stop, visit in ahead:
        who = session.get_one(Technician, stop.technician_id)
        if is_absent(session, who.id, stop.start, stop.end):
            yield Gap(visit.id, who.id, ABSENT)
        elif who.id not in present:
            yield Gap(visit.id, who.id, OFF_DUTY)
        for code in visit.certificates:
            if not any(paper.code == code and is_valid_on(paper, day) for paper in who.certificates):
                yield Gap(visit.id, who.id, CERTIFICATE, code)
        if not who.has_van:
            yield Gap(visit.id, who.id, VAN)


def _parts(
    session: Session, territory_id: uuid.UUID, ahead: Sequence[tuple[PlanStop, Visit]]
) -> Iterator[Gap]:
    """R-511: parts that neither the van will carry when its turn comes, nor the store has set aside."""
    visits = {visit.id for _, visit in ahead}
    for share in shares(session, territory_id):
        if share.visit_id in visits and share.missing:
            yield Gap(share.visit_id, share.technician_id, PART, share.sku, share.missing)


def _tools(session: Session, day: date, ahead: Sequence[tuple[PlanStop, Visit]]) -> Iterator[Gap]:
    """R-511: tools that their keeper may not use on the day; told once, at the first visit."""
    first = {stop.technician_id: visit for stop, visit in reversed(ahead)}
    for tool in not_calibrated(session, first.keys(), day):
        if tool.keeper_id is not None:
            yield Gap(first[tool.keeper_id].id, tool.keeper_id, TOOL, tool.serial)
