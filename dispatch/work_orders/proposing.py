"""
A technician corrects how a customer is reached: merged field by field, what differs is for the desk (§2.4).

What the file says now, what it said when the technician read it, and what it should say are compared. A field
that nobody changed meanwhile takes the new value; else the file stays as it is until the desk decides.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from dispatch import clock, db, text
from dispatch.access import audit
from dispatch.access.queries import in_scope
from dispatch.access.rules import Principal
from dispatch.customers import commands as customers
from dispatch.customers.model import Customer, Site
from dispatch.errors import Conflict, NotFound
from dispatch.paging import USUAL, Page, cut
from dispatch.work_orders.announcing import announce_customer
from dispatch.work_orders.model import Visit, WorkOrder
from dispatch.work_orders.on_site_model import ContactProposal

OF_CUSTOMER, OF_SITE = frozenset({"phone"}), frozenset({"access_notes", "safety_notes"})
FIELDS = OF_CUSTOMER | OF_SITE
MERGED, OPEN, SAME, TAKEN, KEPT = "merged", "open", "same", "taken", "kept"


class ProposalDecided(Conflict):
    """Somebody decided about the proposal already."""

    code = "PROPOSAL_DECIDED"
    remedy = "Read it again; correct the customer's file itself."


def propose(
    session: Session,
    *,
    by: Principal,
    visit: Visit,
    changes: Mapping[str, Mapping[str, str | None]],
    note: str | None = None,
    op_id: uuid.UUID | None = None,
) -> ContactProposal:
    """
    Merge what a technician says of a contact; ``changes`` are ``base`` and ``value`` by field.

    The proposal stays open while a field differs from what the technician had read, or a note is to be read.
    """
    text.only_known(changes, FIELDS)
    said = text.prose(note or "", "note", longest=2_000)
    if not changes and not said:
        raise text.TextInvalid("nothing is proposed", field="fields")
    order = visit.work_order
    now = _now(session, order)
    results = {name: _merge(now[name], one) for name, one in changes.items()}
    wanted = {name: changes[name]["value"] for name, result in results.items() if result == MERGED}
    _write(session, by, order, wanted)
    is_open = bool(said) or OPEN in results.values()
    proposal = ContactProposal(
        visit_id=visit.id,
        customer_id=order.customer_id,
        site_id=order.site_id,
        technician_id=by.technician_id,
        changes={name: {**one, "found": now[name], "result": results[name]} for name, one in changes.items()},
        note=said,
        proposed_at=clock.now(),
        decided_at=None if is_open else clock.now(),
        op_id=op_id,
    )
    session.add(proposal)
    db.flush(session)
    return proposal


def _merge(now: str | None, told: Mapping[str, str | None]) -> str:
    if (now or "") == (told["value"] or ""):
        return SAME
    return MERGED if (now or "") == (told["base"] or "") else OPEN


def decide_proposal(
    session: Session, *, by: Principal, proposal: ContactProposal, take: Sequence[str], reason: str = ""
) -> ContactProposal:
    """Take the named ones of the fields that are open, as the technician told them; the others stay."""
    if proposal.decided_at is not None:
        raise ProposalDecided("the proposal was decided already")
    still = {name for name, one in proposal.changes.items() if one["result"] == OPEN}
    text.only_known(dict.fromkeys(take), frozenset(still))
    order = session.get_one(Visit, proposal.visit_id).work_order
    _now(session, order)
    _write(session, by, order, {name: proposal.changes[name]["value"] for name in take})
    proposal.changes = {
        name: {**one, "result": (TAKEN if name in take else KEPT) if name in still else one["result"]}
        for name, one in proposal.changes.items()
    }
    proposal.decided_at, proposal.decided_by = clock.now(), by.user_id
    proposal.reason = text.line(reason, "reason", longest=500) if reason else ""
    db.flush(session)
    return proposal


def _now(session: Session, order: WorkOrder) -> dict[str, str | None]:
    """What the file says, held until the end of the transaction."""
    fresh = {"populate_existing": True}
    customer = session.get_one(Customer, order.customer_id, with_for_update=True, execution_options=fresh)
    site = session.get_one(Site, order.site_id, with_for_update=True, execution_options=fresh)
    return {
        "phone": customer.phone,
        "access_notes": site.access_notes,
        "safety_notes": site.safety_notes,
    }


def _write(session: Session, by: Principal, order: WorkOrder, wanted: Mapping[str, Any]) -> None:
    """Change the file by the commands of the office, on record, and tell every phone that shows it."""
    if not wanted:
        return
    of_customer = {name: value for name, value in wanted.items() if name in OF_CUSTOMER}
    of_site = {name: value or "" for name, value in wanted.items() if name in OF_SITE}
    if of_customer:
        customer = session.get_one(Customer, order.customer_id)
        customers.update_customer(session, by=by, customer=customer, changes=of_customer, tells_phones=False)
    if of_site:
        site = session.get_one(Site, order.site_id)
        customers.update_site(session, by=by, site=site, changes=of_site, tells_phones=False)
    audit.record(
        session,
        action="correct_contact",
        outcome="done",
        user_id=by.user_id,
        subject=order.customer_id,
        fields=sorted(wanted),
    )
    announce_customer(session, order.customer_id)


def proposals(
    session: Session,
    principal: Principal,
    *,
    only_open: bool = True,
    cursor: str | None = None,
    limit: int = USUAL,
) -> Page[ContactProposal]:
    """Return proposals of a person's territories, newest first."""
    statement = _seen(principal)
    if only_open:
        statement = statement.where(ContactProposal.decided_at.is_(None))
    return cut(session, statement, ContactProposal.id, cursor=cursor, limit=limit)


def find_proposal(session: Session, principal: Principal, proposal_id: uuid.UUID) -> ContactProposal:
    """Return a proposal, held until the end of the transaction."""
    statement = _seen(principal).where(ContactProposal.id == proposal_id)
    found = session.scalars(statement.with_for_update(of=ContactProposal)).one_or_none()
    if found is None:
        raise NotFound("there is no such proposal")
    return found


def _seen(principal: Principal) -> Select[ContactProposal]:
    return (
        select(ContactProposal)
        .join(Site, Site.id == ContactProposal.site_id)
        .where(in_scope(principal, Site.territory_id))
    )
