"""Hand-in jobs: what is missing is chased."""

from __future__ import annotations

import uuid

from sqlalchemy.orm import Session

from dispatch.hand_ins import chasing
from dispatch.outbox import Lease, one_by_one
from dispatch.territories.queries import active_territories


def chase(lease: Lease, **_: str) -> None:
    """Remind of hand-ins that are missing or open, territory by territory; one that fails stops no other."""

    def remind(session: Session, territory_id: uuid.UUID) -> int:
        return len(chasing.chase(session, territory_id))

    reminded = one_by_one(lease, active_territories, remind)
    with lease.finishing():
        lease.result = {"reminded": reminded}
