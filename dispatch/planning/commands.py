"""Everything planning can be asked to do."""

from __future__ import annotations

import uuid
from datetime import date

from sqlalchemy.orm import Session

from dispatch import outbox
from dispatch.access.rules import Principal
from dispatch.db import new_id
from dispatch.planning import heads, splitting
from dispatch.planning.accepting import accept_rows
from dispatch.planning.asking import asker_for, asker_of
from dispatch.planning.cancelling import cancel_run
from dispatch.planning.model import DayPlan
from dispatch.planning.moving import choices, move_for_customer
from dispatch.planning.offering import USUAL, Offers, WindowOffer, offers_of
from dispatch.planning.promising import book, hold
from dispatch.planning.publishing import lock_visit, publish, unlock_visit
from dispatch.planning.rules import OfferPolicy, PlanNotPublishable
from dispatch.planning.wanting import Wanted
from dispatch.work_orders.model import Visit

__all__ = [
    "Offers",
    "WindowOffer",
    "accept_rows",
    "book",
    "cancel_run",
    "choices",
    "hold",
    "lock_visit",
    "move_for_customer",
    "offer",
    "offer_wanted",
    "publish",
    "reject",
    "request_optimise",
    "unlock_visit",
]


def offer(
    session: Session,
    visit: Visit,
    *,
    named_technician_id: uuid.UUID | None = None,
    first_day: date | None = None,
    days: int = 3,
    limit: int = 12,
    policy: OfferPolicy = USUAL,
) -> Offers:
    """Return arrival windows for a visit, the best first; those of one technician alone by name (R-306)."""
    asker = asker_of(session, visit, named_technician_id)
    return offers_of(session, asker, first_day=first_day, days=days, limit=limit, policy=policy)


def offer_wanted(
    session: Session,
    wanted: Wanted,
    *,
    first_day: date | None = None,
    days: int = 3,
    limit: int = 12,
    policy: OfferPolicy = USUAL,
) -> Offers:
    """Return arrival windows for what has no visit yet, the best first; nothing is written."""
    asker = asker_for(session, wanted)
    return offers_of(session, asker, first_day=first_day, days=days, limit=limit, policy=policy)


def request_optimise(
    session: Session,
    *,
    by: Principal | None,
    territory_id: uuid.UUID,
    day: date,
    seed: int = 1,
    seconds: float | None = None,
    reason: str = "optimise",
) -> uuid.UUID:
    """
    Ask for a day to be planned; the answer is the job's run, its result names the proposal.

    Parts of the same day that are still being planned for an older request become void.
    """
    splitting.void(session, territory_id, day)
    payload = {"territory_id": str(territory_id), "day": day.isoformat(), "seed": str(seed), "reason": reason}
    if seconds is not None:
        payload["seconds"] = str(seconds)
    key = f"planning.optimise_day:{territory_id}:{day.isoformat()}:{new_id()}"
    run_id = outbox.request(session, "planning.optimise_day", key=key, payload=payload)
    assert run_id is not None  # noqa: S101 - the key is fresh, so the row is always written
    return run_id


def reject(
    session: Session, *, by: Principal | None, plan: DayPlan, expected_version: int | None = None
) -> None:
    """
    Put a proposal aside; it cannot be published any more. Waits for a publication of the same day.

    ``expected_version`` is the day's version that the dispatcher read; rejecting does not raise it.
    """
    head = heads.locked(session, plan.territory_id, plan.day)
    heads.check_version(head, expected_version)
    session.refresh(plan)
    if plan.state != "proposed":
        raise PlanNotPublishable(f"the plan is {plan.state}")
    plan.state = "rejected"
