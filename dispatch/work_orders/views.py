"""What is wrong in the words of the call, and what a caller hears of an asset's past (R-103, R-502)."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import column, select, table
from sqlalchemy.orm import Session

from dispatch.access.queries import in_scope
from dispatch.access.rules import Principal
from dispatch.customers.model import CustomerContact
from dispatch.customers.queries import find_asset
from dispatch.parts.model import Part
from dispatch.work_orders.advising import settled_words
from dispatch.work_orders.lifecycle import OPEN_STATES, VisitState
from dispatch.work_orders.model import Finding, WorkOrder
from dispatch.work_orders.queries import findings_of

CALLS = table(
    "repair_call", column("id"), column("description"), column("template_code"), column("contact_id")
)
TEMPLATES = table("problem_template", column("code"), column("title_en"), column("title_zh"))
"""What a higher feature knows of the problem; calls import work orders, so not the other way round."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What the customer says is wrong, in the words of the call; titles of its template in both languages."""

    description: str = ""
    title_en: str = ""
    title_zh: str = ""

    def words(self, language: str) -> str:
        """Return title and description as one text, once where they say the same."""
        title = self.title_zh if language == "zh" else self.title_en
        return " – ".join(part for part in dict.fromkeys((title, self.description)) if part)


@dataclass(frozen=True, slots=True)
class PastOrder:
    """An order of an asset as a caller is told of it: state, what was found, what was only advised."""

    id: uuid.UUID
    number: str
    state: str
    kind: str
    fault_code: str
    opened_at: datetime
    finished_at: datetime | None
    is_unfinished: bool
    fault: str
    action: str
    advised: tuple[str, ...]


def problem_of(session: Session, order: WorkOrder) -> Problem:
    """Return what is wrong in the words of the order's call; the fault code where there was no call."""
    return problems_of(session, [order])[order.id]


def problems_of(session: Session, orders: Sequence[WorkOrder]) -> dict[uuid.UUID, Problem]:
    """Return what is wrong, by order."""
    calls = [order.call_id for order in orders if order.call_id is not None]
    statement = (
        select(CALLS.c.id, CALLS.c.description, TEMPLATES.c.title_en, TEMPLATES.c.title_zh)
        .join(TEMPLATES, TEMPLATES.c.code == CALLS.c.template_code)
        .where(CALLS.c.id.in_(calls))
    )
    told = {row.id: Problem(*row[1:]) for row in session.execute(statement)} if calls else {}
    return {
        order.id: told.get(order.call_id, Problem(title_en=order.fault_code, title_zh=order.fault_code))
        for order in orders
    }


def contacts_of(session: Session, orders: Sequence[WorkOrder]) -> dict[uuid.UUID, CustomerContact]:
    """Return whom to speak with about orders, by order; the customer where nobody is (R-103)."""
    calls = [order.call_id for order in orders if order.call_id is not None]
    statement = (
        select(CALLS.c.id, CustomerContact)
        .join(CustomerContact, CustomerContact.id == CALLS.c.contact_id)
        .where(CALLS.c.id.in_(calls))
    )
    rows = session.execute(statement).all() if calls else []
    by_call = {row[0]: row[1] for row in rows}
    return {order.id: by_call[order.call_id] for order in orders if order.call_id in by_call}


def parts_by_id(session: Session, part_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Part]:
    """Return parts by id."""
    return {part.id: part for part in session.scalars(select(Part).where(Part.id.in_(list(part_ids))))}


def asset_history(
    session: Session, principal: Principal, asset_id: uuid.UUID, *, limit: int = 20
) -> Sequence[PastOrder]:
    """
    Return the orders of an asset, newest first (R-103).

    Shows what was found and done, which orders are unfinished, and what was advised but not done (R-505).
    """
    asset = find_asset(session, principal, asset_id)
    statement = select(WorkOrder).where(WorkOrder.asset_id == asset.id)
    orders = session.scalars(statement.order_by(WorkOrder.id.desc()).limit(limit)).all()
    visits = [visit for order in orders for visit in order.visits]
    ids = [visit.id for visit in visits]
    findings, settled = findings_of(session, ids), settled_words(session, ids)
    return [_past(order, findings, settled) for order in orders]


def customer_history(
    session: Session,
    principal: Principal,
    customer_id: uuid.UUID,
    *,
    besides: uuid.UUID | None = None,
    limit: int = 100,
) -> Mapping[uuid.UUID | None, Sequence[PastOrder]]:
    """
    Return the orders of a customer by asset, newest first; None: those that name no asset (R-103).

    ``besides`` is an asset that is told of by itself. Orders of foreign territories are left out.
    """
    statement = (
        select(WorkOrder)
        .where(WorkOrder.customer_id == customer_id, in_scope(principal, WorkOrder.territory_id))
        .order_by(WorkOrder.id.desc())
        .limit(limit)
    )
    if besides is not None:
        statement = statement.where(WorkOrder.asset_id.is_distinct_from(besides))
    orders = session.scalars(statement).all()
    ids = [visit.id for order in orders for visit in order.visits]
    findings, settled = findings_of(session, ids), settled_words(session, ids)
    found: dict[uuid.UUID | None, list[PastOrder]] = {}
    for order in orders:
        found.setdefault(order.asset_id, []).append(_past(order, findings, settled))
    return found


def advised_but_undone(history: Iterable[PastOrder]) -> list[str]:
    """Return what technicians advised and nobody has ordered since, newest first, each once (R-103)."""
    return list(dict.fromkeys(advice for order in history for advice in order.advised))


def _past(
    order: WorkOrder, findings: dict[uuid.UUID, list[Finding]], settled: set[tuple[uuid.UUID, str]]
) -> PastOrder:
    last = [findings[visit.id][-1] for visit in order.visits if findings.get(visit.id)]
    advised = [(finding.visit_id, words) for finding in last for words in finding.advised]
    visits = [visit for visit in order.visits if visit.leader_id is None]
    finished = [visit.finished_at for visit in visits if visit.finished_at is not None]
    is_open = any(VisitState(visit.state) in OPEN_STATES for visit in visits)
    return PastOrder(
        id=order.id,
        number=order.number,
        state=order.state,
        kind=order.kind,
        fault_code=order.fault_code,
        opened_at=order.opened_at,
        finished_at=max(finished) if finished else None,
        is_unfinished=is_open or order.state == "open",
        fault=last[-1].fault if last else "",
        action=last[-1].action if last else "",
        advised=tuple(dict.fromkeys(told[1] for told in advised if told not in settled)),
    )
