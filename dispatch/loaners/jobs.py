"""Loaner jobs: ids in, a loan that has moved on."""

from __future__ import annotations

import uuid

from dispatch.loaners import lending
from dispatch.outbox import Lease


def lend(lease: Lease, *, work_order_id: str) -> None:
    """Lend a unit for an order whose limit of resolution was missed (R-402)."""
    with lease.finishing() as session:
        loan = lending.lend_for_breach(session, uuid.UUID(work_order_id))
        lease.result = {"loan_id": str(loan.id) if loan else None}


def follow(lease: Lease, *, visit_id: str, **_: str) -> None:
    """Let a loan follow what happened at a visit."""
    with lease.finishing() as session:
        loan = lending.follow_visit(session, uuid.UUID(visit_id))
        lease.result = {"loan": loan.state if loan else None}


def chase(lease: Lease, **_: str) -> None:
    """Remind of loaners that are soon charged, and charge those that are not back."""
    with lease.finishing() as session:
        lease.result = {"charged": len(lending.chase(session))}
