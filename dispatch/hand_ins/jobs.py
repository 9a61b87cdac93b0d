"""Hand-in jobs: what is missing is chased."""

from __future__ import annotations

import structlog
from sqlalchemy import select

from dispatch import db
from dispatch.hand_ins import chasing
from dispatch.outbox import Lease, LeaseLost
from dispatch.territories.model import Territory

log = structlog.get_logger(__name__)


def chase(lease: Lease, **_: str) -> None:
    """Remind of hand-ins that are missing or open, territory by territory; one that fails stops no other."""
    reminded = 0
    failed: list[Exception] = []
    with db.transaction() as session:
        places = list(session.scalars(select(Territory.id).filter_by(is_active=True).order_by(Territory.id)))
    for territory_id in places:
        try:
            with lease.step() as session:
                reminded += len(chasing.chase(session, territory_id))
        except LeaseLost:
            raise
        except Exception as error:  # noqa: BLE001 - raised again after the last territory
            log.warning("chase_failed", territory_id=str(territory_id), error=type(error).__name__)
            failed.append(error)
    if failed:
        raise failed[0]
    with lease.finishing():
        lease.result = {"reminded": reminded}
