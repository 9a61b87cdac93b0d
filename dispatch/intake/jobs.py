"""Intake jobs."""

from __future__ import annotations

import uuid

from dispatch.intake import handling, mailbox
from dispatch.outbox import Lease
from dispatch.settings import Settings


def read_mailbox(lease: Lease, **_: str) -> None:
    """Make inquiries of new mail; nothing where no mailbox is set up."""
    new = mailbox.read_mailbox(Settings.from_environment())
    with lease.finishing():
        lease.result = {"new": new}


def carry_files(lease: Lease, *, work_order_id: str) -> None:
    """Give an order the files that came with its inquiry."""
    with lease.finishing() as session:
        lease.result = {"carried": handling.carry_files(session, uuid.UUID(work_order_id))}
