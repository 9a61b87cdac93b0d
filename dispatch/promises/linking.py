"""
What a customer may do about a promise by the link in the message: look, confirm, call off (R-301, R-302).

The link is signed by the installation, names one visit and ends some weeks after the visit; whoever holds it
sees that visit and nothing else. Guessed or altered links look like links that never were.
"""

from __future__ import annotations

import base64
import hmac
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from dispatch import clock, text
from dispatch.customers.model import Site
from dispatch.promises.model import CustomerAnswer, Promise
from dispatch.promises.queries import last_promise
from dispatch.promises.rules import ChangeTooLate, LinkInvalid, LinkOver, NothingPromised
from dispatch.technicians.model import Technician
from dispatch.work_orders import commands as work_orders
from dispatch.work_orders.lifecycle import Actor, VisitState
from dispatch.work_orders.model import Visit

Linked: TypeAlias = Visit
"""The visit of a link."""
GOOD_FOR = timedelta(days=45)
"""How long a link is good after it was written."""
_MAC_BYTES = 16
_CONTENT_BYTES = 21
_LONGEST = 100
CHANGEABLE = frozenset({VisitState.UNPLANNED, VisitState.PLANNED, VisitState.PUBLISHED, VisitState.ACCEPTED})
TOLD = frozenset({VisitState.PUBLISHED, VisitState.ACCEPTED, VisitState.TRAVELLING, VisitState.ON_SITE})
"""States in which a customer may know who comes."""


@dataclass(frozen=True, slots=True)
class LinkView:
    """A visit as its customer sees it."""

    number: str
    state: str
    address: str
    window_start: datetime | None
    window_end: datetime | None
    technician: str | None
    confirmed_at: datetime | None
    can_change: bool


def signing_key(secret: bytes) -> bytes:
    """Return the key of links, derived from the installation's secret."""
    return hmac.new(secret, b"truckroll customer link", "sha256").digest()


def write(visit_id: uuid.UUID, *, key: bytes, now: datetime) -> str:
    """Return the opaque part of a link to a visit."""
    content = visit_id.bytes + int((now + GOOD_FOR).timestamp()).to_bytes(5)
    return base64.urlsafe_b64encode(_mac(content, key) + content).rstrip(b"=").decode()


def read(token: str, *, key: bytes) -> uuid.UUID:
    """Return the visit of a link that we wrote; ``LinkInvalid`` for any other, ``LinkOver`` when it ended."""
    refused = LinkInvalid("this link is none of ours")
    try:
        raw = base64.b64decode(token[:_LONGEST] + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except ValueError:
        raise refused from None
    mac, content = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
    if len(content) != _CONTENT_BYTES or not hmac.compare_digest(mac, _mac(content, key)):
        raise refused
    ends = datetime.fromtimestamp(int.from_bytes(content[16:]), UTC)
    if ends <= clock.now():
        raise LinkOver(f"this link ended on {ends.date()}")
    return uuid.UUID(bytes=content[:16])


def _mac(content: bytes, key: bytes) -> bytes:
    return hmac.new(key, content, "sha256").digest()[:_MAC_BYTES]


def visit_of(session: Session, token: str, *, key: bytes, lock: bool = False) -> Visit:
    """Return the visit of a link."""
    statement = select(Visit).where(Visit.id == read(token, key=key))
    found = session.scalars(statement.with_for_update() if lock else statement).one_or_none()
    if found is None:
        raise LinkInvalid("this link is none of ours")
    return found


def view(session: Session, visit: Visit, notice: timedelta) -> LinkView:
    """Return what a customer may see of a visit; ``notice`` is how long ahead it may be changed."""
    promise = last_promise(session, visit.id)
    confirmed = _answer(session, promise, "confirmed") if promise is not None else None
    is_told = VisitState(visit.state) in TOLD and visit.technician_id is not None
    coming = session.get(Technician, visit.technician_id) if is_told else None
    return LinkView(
        number=visit.work_order.number,
        state=visit.state,
        address=session.get_one(Site, visit.work_order.site_id).address,
        window_start=visit.window_start,
        window_end=visit.window_end,
        technician=coming.name if coming is not None else None,
        confirmed_at=confirmed.recorded_at if confirmed is not None else None,
        can_change=_may_change(visit, notice),
    )


def confirm(session: Session, visit: Visit) -> None:
    """Note that the customer will be there; once for each promise, however often it is said."""
    promise = last_promise(session, visit.id)
    if promise is None:
        raise NothingPromised("no window is promised for this visit")
    if VisitState(visit.state) is VisitState.CANCELLED:
        raise ChangeTooLate("the visit was called off")
    _note(session, promise, "confirmed", "")


def cancel(session: Session, visit: Visit, *, reason: str, notice: timedelta) -> None:
    """Call a visit off for its customer; said twice, it is called off once."""
    if VisitState(visit.state) is VisitState.CANCELLED:
        return
    require_change(visit, notice)
    said = text.line(reason, "reason")
    work_orders.cancel_visit(session, by=None, visit=visit, reason=said, actor=Actor.CUSTOMER)
    promise = last_promise(session, visit.id)
    if promise is not None:
        _note(session, promise, "cancelled", said)


def note_move(session: Session, former: Promise | None) -> None:
    """Keep that the customer, and nobody else, asked for another window."""
    if former is not None:
        _note(session, former, "moved", "")


def require_change(visit: Visit, notice: timedelta) -> None:
    """Refuse a change that comes too late."""
    if not _may_change(visit, notice):
        hours = int(notice.total_seconds() // 3600)
        raise ChangeTooLate(f"visits are changed by link up to {hours} hours before their window")


def answers_of(session: Session, visit: Visit) -> Sequence[CustomerAnswer]:
    """Return what a customer said by link about a visit, the oldest first."""
    statement = select(CustomerAnswer).where(CustomerAnswer.visit_id == visit.id)
    return session.scalars(statement.order_by(CustomerAnswer.recorded_at, CustomerAnswer.id)).all()


def _may_change(visit: Visit, notice: timedelta) -> bool:
    if VisitState(visit.state) not in CHANGEABLE:
        return False
    return visit.window_start is None or clock.now() + notice <= visit.window_start


def _answer(session: Session, promise: Promise, kind: str) -> CustomerAnswer | None:
    statement = select(CustomerAnswer).where(
        CustomerAnswer.promise_id == promise.id, CustomerAnswer.kind == kind
    )
    return session.scalars(statement).one_or_none()


def _note(session: Session, promise: Promise, kind: str, said: str) -> None:
    session.execute(
        insert(CustomerAnswer)
        .values(
            visit_id=promise.visit_id,
            promise_id=promise.id,
            kind=kind,
            note=said,
            recorded_at=clock.now(),
        )
        .on_conflict_do_nothing(index_elements=["promise_id", "kind"])
    )
