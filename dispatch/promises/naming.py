"""
A reservation may ask for a technician by name (R-306).

The window counts more than the name: where both cannot be kept, somebody in the office gives the name up, the
window stays as it was promised, and the customer is told.
"""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from dispatch import clock, db, outbox, text
from dispatch.access.rules import Principal
from dispatch.contracts.house_rules import HouseRules
from dispatch.events import TechnicianReleased
from dispatch.promises.queries import last_promise
from dispatch.promises.rules import (
    NameIsPromised,
    NamingNotEarned,
    NamingOff,
    NobodyNamed,
    OtherTechnicianDecided,
    VisitNotPromisable,
)
from dispatch.work_orders.crews import require_leader
from dispatch.work_orders.lifecycle import NOT_SET_OUT, VisitState
from dispatch.work_orders.model import Visit

RELEASE_REASONS = ("technician_ill", "emergency", "delay", "other")
"""Why a name is given up: words that customers are told."""
TOO_SOON = "only who books {} hours ahead may ask for a technician by name"


def earliest_start(rules: HouseRules) -> datetime:
    """R-306: return from when on a window may be asked for with a name; refuse it where the house does."""
    if not rules.reservation_named_technician:
        raise NamingOff("nobody is asked for by name")
    return clock.now() + timedelta(hours=rules.reservation_lead_hours)


def require_earned(rules: HouseRules, start: datetime) -> None:
    """R-306: refuse a name for a window that is no reservation."""
    if start < earliest_start(rules):
        raise NamingNotEarned(TOO_SOON.format(rules.reservation_lead_hours))


def require_undecided(session: Session, visit: Visit, technician_id: uuid.UUID) -> None:
    """Refuse a name where the office, and not the customer's own wish of before, has decided on another."""
    decided = visit.required_technician_id
    if decided not in {None, technician_id} and decided != named_still(session, visit):
        raise OtherTechnicianDecided(f"visit {visit.number} is another technician's")


def name(session: Session, visit: Visit, technician_id: uuid.UUID) -> None:
    """Let a visit need the technician whom its customer asked for; what the office decided before stays."""
    require_leader(visit)
    require_undecided(session, visit, technician_id)
    visit.required_technician_id = technician_id
    db.flush(session)


def named_still(session: Session, visit: Visit) -> uuid.UUID | None:
    """Return the technician whom the customer was promised by name, as long as the visit is theirs."""
    told = last_promise(session, visit.id)
    named = told.named_technician_id if told is not None else None
    return named if named is not None and named == visit.required_technician_id else None


def require_kept(session: Session, visit: Visit, technician_id: uuid.UUID | None) -> None:
    """Refuse to change who is needed while the customer is promised somebody by name."""
    named = named_still(session, visit)
    if named not in {None, technician_id}:
        raise NameIsPromised(f"visit {visit.number} is promised by name", technician_id=str(named))


def release(
    session: Session,
    *,
    by: Principal | None,
    visit: Visit,
    reason: str,
    expected_version: int | None = None,
) -> Visit:
    """
    Give up the technician whom the customer was promised by name, before anybody has set out.

    Whoever else can keep the window may be planned for it from now on; the customer is told why.
    """
    require_leader(visit)
    visit.expect_version(expected_version)
    why = text.choice(reason, "reason", RELEASE_REASONS)
    told = last_promise(session, visit.id)
    if told is None or named_still(session, visit) is None:
        raise NobodyNamed(f"nobody is promised by name for visit {visit.number}")
    if VisitState(visit.state) not in NOT_SET_OUT:
        raise VisitNotPromisable(f"visit {visit.number} is {visit.state}", state=visit.state)
    visit.required_technician_id = None
    db.flush(session)
    outbox.record(session, TechnicianReleased(visit_id=str(visit.id), promise_id=str(told.id), reason=why))
    return visit
