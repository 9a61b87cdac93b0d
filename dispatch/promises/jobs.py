"""Jobs about promises: ids in."""

from __future__ import annotations

import uuid

from dispatch import outbox
from dispatch.events import SecondBookingOpened
from dispatch.outbox import Lease
from dispatch.promises import alarming, marking, reminding
from dispatch.work_orders.model import Visit


def follow_no_show(lease: Lease, *, visit_id: str) -> None:
    """R-305: mark the customer who was away, and open a second booking at once."""
    with lease.finishing() as session:
        visit = session.get_one(Visit, uuid.UUID(visit_id))
        found = marking.mark(session, by=None, visit=visit, kind="no_show")
        again = marking.book_again(session, visit=visit)
        if again is not None:
            outbox.record(session, SecondBookingOpened(visit_id=str(again.id)))
        lease.result = {"marked": found is not None, "visit_id": str(again.id) if again else None}


def judge_again(lease: Lease, *, visit_id: str, **_: str) -> None:
    """Judge the promises of a visit whose times were confirmed or amended, once for each change (R-309)."""
    with lease.finishing() as session:
        visit = session.get_one(Visit, uuid.UUID(visit_id))
        judged = alarming.judge_again(session, visit)
        lease.result = {"judged": {str(alarm.id): alarm.outcome for alarm in judged}}


def tell_declined(lease: Lease, *, visit_id: str, **_: str) -> None:
    """Remind the dispatchers at once of a visit that its technician has declined."""
    with lease.finishing() as session:
        visit = session.get_one(Visit, uuid.UUID(visit_id))
        told = reminding.remind(session, visit.work_order.territory_id)
        lease.result = {"reminded": len(told)}
