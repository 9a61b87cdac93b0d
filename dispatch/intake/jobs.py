"""Intake jobs."""

from __future__ import annotations

import uuid

from sqlalchemy.orm import Session

from dispatch.intake import handling, mailbox, waiting
from dispatch.outbox import Lease, one_by_one
from dispatch.settings import Settings
from dispatch.territories.queries import active_territories


def read_mailbox(lease: Lease, **_: str) -> None:
    """Make inquiries of new mail; nothing where no mailbox is set up."""
    new = mailbox.read_mailbox(Settings.from_environment())
    with lease.finishing():
        lease.result = {"new": new}


def carry_files(lease: Lease, *, work_order_id: str) -> None:
    """Give an order the files that came with its inquiry."""
    with lease.finishing() as session:
        lease.result = {"carried": handling.carry_files(session, uuid.UUID(work_order_id))}


def remind(lease: Lease, **_: str) -> None:
    """R-102: remind of those who wait for an answer, by territory; one that fails stops no other."""

    places: waiting.Places = {}

    def look(session: Session, territory_id: uuid.UUID) -> int:
        return len(waiting.remind(session, territory_id, places))

    reminded = one_by_one(lease, active_territories, look)
    with lease.finishing():
        lease.result = {"reminded": reminded}
