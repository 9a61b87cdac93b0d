"""
Days that nobody handed in are chased: phone and office in the evening, the person above next morning (R-603).

What is owed is looked up anew each time, so a hand-in ends its reminder by itself. A hand-in that waits for
the cashier, for the technician's word or for a decision is chased too, a van that nobody counted, a count
that waits for its second signature, and money kept beyond the limit.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Text, bindparam, cast, exists, func, select
from sqlalchemy.orm import Session

from dispatch import clock
from dispatch.billing.model import Payment
from dispatch.contracts.house_rules import HouseRules, house_rules
from dispatch.hand_ins import account, queries, rules
from dispatch.hand_ins.model import HandIn, HandInPayment
from dispatch.parts.model import StockCount
from dispatch.parts.queries import open_counts
from dispatch.parts.rules import OPEN
from dispatch.promises import reminding
from dispatch.promises.model import OfficeReminder
from dispatch.promises.reminding import CUSTODY, HAND_IN, OPEN_COUNT, OPEN_HAND_IN, VAN_COUNT, Waiting
from dispatch.technicians.model import Technician
from dispatch.territories.queries import zone_of

KINDS = (HAND_IN, OPEN_HAND_IN, CUSTODY, VAN_COUNT, OPEN_COUNT)
WORDS = {
    HAND_IN: {
        "en": "Please hand in your day {day}: sheets, vouchers, money.",
        "zh": "请上交 {day} 的派工单、凭证和收款。",
    },
    VAN_COUNT: {
        "en": "Please count your van: on {day} it was not counted.",
        "zh": "请清点您的车载库存：{day} 未清点。",
    },
    OPEN_HAND_IN: {
        "en": "The cashier counted your day {day}. Please look at the count and sign or dispute it.",
        "zh": "收款员已清点您 {day} 的交单。请核对后签字,或提出异议。",
    },
    OPEN_COUNT: {
        "en": "The office counted your van on {day}, and something differs. Please sign or refuse the count.",
        "zh": "公司于 {day} 清点了您的车载库存，结果有差异。请签字确认，或说明理由拒绝。",
    },
}


def chase(session: Session, territory_id: uuid.UUID) -> list[OfficeReminder]:
    """Write what is due now and end what is settled; return the new reminders of a territory."""
    rules_now = house_rules(session)
    waiting = list(_waiting(session, territory_id, rules_now)) if rules_now.hand_in_chase else []
    return reminding.tell(session, territory_id, KINDS, waiting)


def _waiting(session: Session, territory_id: uuid.UUID, house: HouseRules) -> Iterator[Waiting]:
    zone = zone_of(session, territory_id)
    for owed in queries.owed_within(session, territory_id):
        subject = f"{owed.technician_id}:{owed.day.isoformat()}"
        first, second = _deadlines(owed.day, zone, house)
        yield Waiting(HAND_IN, subject, "dispatcher", None, first, second)
    for record in _open(session, territory_id):
        morning = _deadlines(record.day, zone, house)[1]
        subject, later = f"{record.id}:{record.state}", morning + timedelta(days=1)
        if record.state == rules.DISPUTED:
            yield Waiting(OPEN_HAND_IN, subject, "supervisor", None, record.handed_in_at, later)
        else:
            yield Waiting(OPEN_HAND_IN, subject, "dispatcher", None, morning, later)
    for record in queries.uncounted_vans(session, territory_id):
        subject = f"{record.technician_id}:{record.day.isoformat()}"
        yield Waiting(VAN_COUNT, subject, "dispatcher", None, *_deadlines(record.day, zone, house))
    for count, _ in open_counts(session, territory_id):
        later = count.counted_at + timedelta(days=1)
        yield Waiting(OPEN_COUNT, str(count.id), "dispatcher", None, count.counted_at, later)
    if house.custody_limit_minor:
        yield from _over_limit(session, territory_id, house.custody_limit_minor)


def _deadlines(day: date, zone: str, house: HouseRules) -> tuple[datetime, datetime]:
    """The evening of the day and the next morning, in the territory's hours."""
    following = day + timedelta(days=1)
    return (
        _local(day, house.hand_in_hour, zone),
        _local(following, house.hand_in_escalation_hour, zone),
    )


def _local(day: date, hour: int, zone: str) -> datetime:
    """A local hour of a day, also of one on which clocks change."""
    return datetime.combine(day, time(hour), ZoneInfo(zone)).astimezone(UTC)


def _open(session: Session, territory_id: uuid.UUID) -> Sequence[HandIn]:
    statement = (
        select(HandIn)
        .join(Technician, Technician.id == HandIn.technician_id)
        .where(Technician.territory_id == territory_id, HandIn.state != rules.CLOSED)
        .order_by(HandIn.id)
    )
    return session.scalars(statement).all()


def _over_limit(session: Session, territory_id: uuid.UUID, limit: int) -> Iterator[Waiting]:
    handed_over = (
        select(HandInPayment.payment_id)
        .join(HandIn, HandIn.id == HandInPayment.hand_in_id)
        .where(HandIn.state == rules.CLOSED)
    )
    oldest = (
        select(Technician.id, func.min(Payment.received_at))
        .join(Payment, Payment.collected_by_technician_id == Technician.id)
        .where(
            Technician.territory_id == territory_id, Payment.method == "cash", Payment.id.not_in(handed_over)
        )
        .group_by(Technician.id)
        .order_by(Technician.id)
    )
    for technician_id, since in session.execute(oldest).all():
        kept = [one.custody_minor for one in account.balances(session, technician_id) if one.method == "cash"]
        if any(amount > limit for amount in kept):
            yield Waiting(CUSTODY, str(technician_id), "dispatcher", None, since, since + timedelta(days=1))


_WHAT_THERE_IS = select(
    Technician.territory_id,
    Technician.language,
    exists()
    .where(
        OfficeReminder.territory_id == Technician.territory_id,
        OfficeReminder.kind.in_((HAND_IN, VAN_COUNT)),
        OfficeReminder.ended_at.is_(None),
        func.starts_with(OfficeReminder.subject, cast(Technician.id, Text) + ":"),
    )
    .label("is_reminded"),
    exists().where(HandIn.technician_id == Technician.id, HandIn.state == rules.RECEIVED).label("is_counted"),
    exists().where(StockCount.technician_id == Technician.id, StockCount.state == OPEN).label("has_counts"),
).where(Technician.id == bindparam("technician_id"))
"""Whether a phone has anything to say at all: every pull asks, and most ask in vain."""


def notices_of(session: Session, technician_id: uuid.UUID) -> list[Mapping[str, Any]]:
    """Return what a technician's phone should say, in the own language: days to hand in, counts to sign."""
    there = session.execute(_WHAT_THERE_IS, {"technician_id": technician_id}).one()
    if not (there.is_reminded or there.is_counted or there.has_counts):
        return []
    territory_id, language = there.territory_id, there.language
    mine = select(HandIn).filter_by(technician_id=technician_id, state=rules.RECEIVED).order_by(HandIn.id)
    reminded = (
        select(OfficeReminder.kind, OfficeReminder.subject)
        .where(
            OfficeReminder.territory_id == territory_id,
            OfficeReminder.kind.in_((HAND_IN, VAN_COUNT)),
            OfficeReminder.ended_at.is_(None),
            OfficeReminder.subject.startswith(f"{technician_id}:", autoescape=True),
        )
        .distinct()
    )
    days = sorted((kind, subject.rpartition(":")[2]) for kind, subject in session.execute(reminded))
    found = [_notice(kind, language, day, None) for kind, day in days]
    found += [
        _notice(OPEN_HAND_IN, language, one.day.isoformat(), str(one.id)) for one in session.scalars(mine)
    ]
    theirs = [row for row, _ in open_counts(session, territory_id, technician_id) if not row.is_keepers]
    zone = zone_of(session, territory_id) if theirs else ""
    counted = sorted({clock.business_day(row.counted_at, zone).isoformat() for row in theirs})
    return found + [_notice(OPEN_COUNT, language, day, None) for day in counted]


def _notice(kind: str, language: str, day: str, hand_in_id: str | None) -> Mapping[str, Any]:
    words = WORDS[kind]["zh" if language == "zh" else "en"].format(day=day)
    return {"kind": kind, "day": day, "hand_in_id": hand_in_id, "text": words}
