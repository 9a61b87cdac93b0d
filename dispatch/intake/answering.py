"""How soon somebody was there for everybody who asked on a day, whether or not a call came of it (R-102)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from dispatch import clock
from dispatch.calls.answering import AnswerClock, AnswerState, Limits, clocks_of_calls
from dispatch.customers.model import Customer, Site
from dispatch.customers.queries import is_reached_by
from dispatch.intake.model import Inquiry
from dispatch.territories.queries import active_territories, zone_of


@dataclass(frozen=True, slots=True)
class AnswerClocks:
    """The answers of a day: how many of those that are decided were in time, and each of them."""

    kept: int
    decided: int
    items: Sequence[AnswerClock]


def answer_clocks(
    session: Session, territory_id: uuid.UUID, day: date, seen_at: datetime | None = None
) -> AnswerClocks:
    """
    Return the answers of a day in a territory, in the order in which they were asked for.

    What nobody has answered is judged now, or as it stood at an earlier moment.

    Those that nobody has made a call of count as well, callers who gave up among them, where the number or
    address is a customer's or the house works in one territory; the place of others is nobody's to tell.
    """
    asked = session, territory_id, day, Limits.on(session, territory_id, day, seen_at)
    found = [*clocks_of_calls(*asked), *_of_inquiries(*asked)]
    found.sort(key=lambda one: (one.requested_at, one.number))
    decided = [one for one in found if one.state in {AnswerState.KEPT, AnswerState.MISSED}]
    return AnswerClocks(sum(one.state is AnswerState.KEPT for one in decided), len(decided), found)


def _of_inquiries(session: Session, territory_id: uuid.UUID, day: date, limits: Limits) -> list[AnswerClock]:
    """
    What has become no call; that somebody dismissed it is an answer where there was none before.

    What a machine told twice was never anybody's to answer.
    """
    start, end = clock.day_bounds(day, zone_of(session, territory_id))
    statement = select(Inquiry).where(
        or_(Inquiry.territory_id == territory_id, Inquiry.territory_id.is_(None)),
        or_(Inquiry.state == "new", and_(Inquiry.state == "dismissed", Inquiry.handled_by.is_not(None))),
        Inquiry.requested_at >= start,
        Inquiry.requested_at < end,
    )
    found = []
    for row in session.scalars(statement):
        due = limits.due_at(row.channel, row.requested_at)
        if due is None or (row.territory_id or place_of(session, row)) != territory_id:
            continue
        answered = row.answered_at or row.handled_at
        state = limits.judged(due, answered)
        found.append(
            AnswerClock(row.number, row.channel, row.requested_at, due, answered, state, inquiry_id=row.id)
        )
    return found


def place_of(session: Session, row: Inquiry) -> uuid.UUID | None:
    """Where it probably is: at a site of whoever is reached there, contacts too; else the only territory."""
    if row.phone or row.email:
        sites = select(Site.territory_id).join(Customer, Customer.id == Site.customer_id)
        sites = sites.where(is_reached_by(row.phone, row.email))
        found: uuid.UUID | None = session.scalar(sites.order_by(Site.id).limit(1))
        if found is not None:
            return found
    places = active_territories(session)
    return places[0] if len(places) == 1 else None
