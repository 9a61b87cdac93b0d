"""
Whoever asks and is not answered: a call taker is reminded before the limit is over, a supervisor once it is.

Looked at every minute. A telephone rings for seconds, so for what is at the desk or on the line the moments
themselves are asked for. Where nobody can tell the place, every territory is reminded (R-102).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import date, datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from dispatch import clock, outbox
from dispatch.calls.answering import AT_ONCE, Limits
from dispatch.calls.model import RepairCall
from dispatch.calls.rules import ONLINE, answer_limit
from dispatch.contracts.house_rules import HouseRules, house_rules
from dispatch.intake.answering import place_of
from dispatch.intake.model import Inquiry
from dispatch.promises import reminding
from dispatch.promises.ending import ANSWER
from dispatch.promises.model import OfficeReminder
from dispatch.promises.reminding import Waiting
from dispatch.territories.queries import zone_of

KIND = "intake.remind"
SURELY = timedelta(seconds=1)
"""So much after a moment is looked, so that it is over by every clock."""


Places = dict[uuid.UUID, uuid.UUID | None]
"""Whose each inquiry is that names no territory, as far as it was asked for in one round."""


def remind(session: Session, territory_id: uuid.UUID, places: Places) -> list[OfficeReminder]:
    """
    R-102: write what is due now and end what is settled; return the new reminders of a territory.

    ``places`` is filled, so that a round over several territories asks for each place once.
    """
    house = house_rules(session)
    waiting = list(_waiting(session, territory_id, house, places)) if house.reminders else []
    return reminding.tell(session, territory_id, [ANSWER], waiting)


def look_in_time(session: Session, inquiry: Inquiry) -> None:
    """R-102: ask for looks at the moments of a limit that may be over before the next round."""
    house = house_rules(session)
    limit = answer_limit(inquiry.channel, house, is_working_day=True)
    if inquiry.channel not in AT_ONCE or inquiry.answered_at is not None or limit is None:
        return
    due = inquiry.requested_at + limit
    for name, moment in (("soon", _first(inquiry.requested_at, due, house)), ("missed", due)):
        outbox.request(session, KIND, f"{inquiry.id}:{name}", {}, not_before=moment + SURELY)


def _first(requested_at: datetime, due_at: datetime, house: HouseRules) -> datetime:
    return requested_at + (due_at - requested_at) * house.answer_reminder_percent / 100


def _waiting(
    session: Session, territory_id: uuid.UUID, house: HouseRules, places: Places
) -> Iterator[Waiting]:
    zone = zone_of(session, territory_id)
    limits: dict[date, Limits] = {}
    asked = (*_calls(session, territory_id), *_inquiries(session, territory_id, places))
    for about, channel, requested_at in asked:
        day = clock.business_day(requested_at, zone)
        if day not in limits:
            limits[day] = Limits.on(session, territory_id, day)
        due = limits[day].due_at(channel, requested_at)
        if due is not None:
            first = _first(requested_at, due, house)
            yield Waiting(ANSWER, f"{about}:{territory_id}", "call_taker", None, first, due)


def _calls(session: Session, territory_id: uuid.UUID) -> Iterator[tuple[uuid.UUID, str, datetime]]:
    """Calls that came in writing and were neither answered nor judged."""
    statement = (
        select(RepairCall.id, RepairCall.channel, RepairCall.requested_at)
        .where(RepairCall.territory_id == territory_id, RepairCall.state == "registered")
        .where(RepairCall.answered_at.is_(None), RepairCall.channel.in_(sorted(ONLINE)))
        .order_by(RepairCall.requested_at, RepairCall.id)
    )
    for row in session.execute(statement):
        yield row.id, row.channel, row.requested_at


def _inquiries(
    session: Session, territory_id: uuid.UUID, places: Places
) -> Iterator[tuple[uuid.UUID, str, datetime]]:
    """What nobody has made a call of or dismissed, callers who gave up among them."""
    statement = (
        select(Inquiry)
        .where(or_(Inquiry.territory_id == territory_id, Inquiry.territory_id.is_(None)))
        .where(Inquiry.state == "new", Inquiry.answered_at.is_(None))
        .order_by(Inquiry.requested_at, Inquiry.id)
    )
    for row in session.scalars(statement):
        if row.territory_id is None and row.id not in places:
            places[row.id] = place_of(session, row)
        if (row.territory_id or places[row.id]) in {None, territory_id}:
            yield row.id, row.channel, row.requested_at
