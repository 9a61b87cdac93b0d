"""Billing jobs: effects and the end of the run in one fenced transaction; a kill at any point is harmless."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy.orm import Session

from dispatch.billing import commands, helping, rendering
from dispatch.crashpoints import crashpoint
from dispatch.outbox import Lease, one_by_one
from dispatch.territories.queries import active_territories


def settle(lease: Lease, *, work_order_id: str, visit_id: str, version: str = "", **_: str) -> None:
    """
    Settle the work order of a verified or adjusted visit, if its other visits are verified too.

    ``version`` is that of an adjusted visit; what waited for it is invoiced now, unless it is settled anew.
    """
    crashpoint("settle.before_begin")
    with lease.finishing() as session:
        if version:
            commands.issue_what_waited(
                session, work_order_id=uuid.UUID(work_order_id), version=f"{visit_id}:{version}"
            )
        settlement = commands.settle(session, work_order_id=uuid.UUID(work_order_id))
        session.flush()
        lease.result = {"settlement_id": str(settlement.id) if settlement else None, "visit_id": visit_id}
        crashpoint("settle.before_commit")
    crashpoint("settle.after_commit")


def issue_invoice(lease: Lease, *, settlement_id: str) -> None:
    """Issue the documents of an approved settlement."""
    crashpoint("issue.before_begin")
    with lease.finishing() as session:
        invoices = commands.issue(session, settlement_id=uuid.UUID(settlement_id))
        lease.result = {"invoices": [invoice.number for invoice in invoices]}
        crashpoint("issue.before_commit")
    crashpoint("issue.after_commit")


def render_invoice(leases: Sequence[Lease]) -> None:
    """Make the papers of issued invoices, many in one work-horse, since a fork costs more than a paper."""
    for lease in leases:
        try:
            with lease.finishing() as session:
                commands.render(session, invoice_id=uuid.UUID(lease.ids["invoice_id"]))
        except Exception as error:  # noqa: BLE001 - one bad paper must not keep the others from being printed
            lease.error = error


def render_credit_note(lease: Lease, *, credit_note_id: str) -> None:
    """Make the paper of a credit note."""
    with lease.finishing() as session:
        rendering.render_credit_note(session, credit_note_id=uuid.UUID(credit_note_id))


def remind_of_help(lease: Lease, **_: str) -> None:
    """Remind the office of customers who are helped to pay, territory by territory (R-106)."""

    def remind(session: Session, territory_id: uuid.UUID) -> int:
        return len(helping.remind(session, territory_id))

    reminded = one_by_one(lease, active_territories, remind)
    with lease.finishing():
        lease.result = {"reminded": reminded}
