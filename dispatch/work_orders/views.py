"""What a technician's phone shows of a visit, and what a caller hears of an asset's past (R-103, R-502)."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import column, select, table
from sqlalchemy.orm import Session

from dispatch.access.rules import Principal
from dispatch.customers.model import Asset, Customer, Site
from dispatch.customers.queries import find_asset
from dispatch.parts.model import Part
from dispatch.work_orders.guards import current_report
from dispatch.work_orders.lifecycle import OPEN_STATES, VisitState
from dispatch.work_orders.model import Finding, Visit, WorkOrder
from dispatch.work_orders.queries import find_visit, findings_of, part_uses_of

CALLS = table("repair_call", column("id"), column("description"), column("template_code"))
TEMPLATES = table("problem_template", column("code"), column("title_en"), column("title_zh"))
"""What a higher feature knows of the problem; calls import work orders, so not the other way round."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What the customer says is wrong, in the words of the call; titles of its template in both languages."""

    description: str = ""
    title_en: str = ""
    title_zh: str = ""

    def words(self, language: str) -> str:
        """Return title and description as one text."""
        title = self.title_zh if language == "zh" else self.title_en
        return " – ".join(part for part in (title, self.description) if part)


@dataclass(frozen=True, slots=True)
class VisitSheet:
    """
    One visit as its technician sees it: what is needed to go there and do it, and nothing else (S3).

    No tax number, no tier, no mail address, no other visits of the customer.
    """

    id: uuid.UUID
    version: int
    number: str
    order_id: uuid.UUID
    order_number: str
    state: str
    kind: str
    fault_code: str
    priority: int
    problem: Problem
    planned_start: datetime | None
    planned_end: datetime | None
    window_start: datetime | None
    window_end: datetime | None
    duration_minutes: int
    skills: dict[str, Any]
    certificates: list[Any]
    parts: dict[str, Any]
    customer_name: str
    customer_phone: str | None
    customer_language: str
    needs_home_service: bool
    address: str
    latitude: float
    longitude: float
    parking_minutes: int
    access_minutes: int
    access_notes: str
    asset: dict[str, str] | None
    estimate: dict[str, Any]
    is_repeat: bool
    refused_part_lots: list[Any]
    travelling_at: datetime | None
    arrived_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    is_solved: bool | None
    needs_review: bool
    is_signed: bool
    findings: dict[str, Any] | None
    part_uses: list[dict[str, Any]]


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
    statement = (
        select(CALLS.c.description, TEMPLATES.c.title_en, TEMPLATES.c.title_zh)
        .join(TEMPLATES, TEMPLATES.c.code == CALLS.c.template_code)
        .where(CALLS.c.id == order.call_id)
    )
    row = session.execute(statement).first() if order.call_id else None
    return Problem(*row) if row else Problem(title_en=order.fault_code, title_zh=order.fault_code)


def visit_sheet(session: Session, principal: Principal, visit_id: uuid.UUID) -> VisitSheet:
    """Return one visit for the technician it is assigned to."""
    return sheet_of(session, find_visit(session, principal, visit_id))


def sheet_of(session: Session, visit: Visit) -> VisitSheet:
    """Return the technician's view of a visit that was found within the technician's scope."""
    order = visit.work_order
    customer = session.get_one(Customer, order.customer_id)
    site = session.get_one(Site, order.site_id)
    asset = session.get(Asset, order.asset_id) if order.asset_id else None
    findings = findings_of(session, [visit.id]).get(visit.id, [])
    return VisitSheet(
        id=visit.id,
        version=visit.version,
        number=visit.number,
        order_id=order.id,
        order_number=order.number,
        state=visit.state,
        kind=order.kind,
        fault_code=order.fault_code,
        priority=order.priority,
        problem=problem_of(session, order),
        planned_start=visit.planned_start,
        planned_end=visit.planned_end,
        window_start=visit.window_start,
        window_end=visit.window_end,
        duration_minutes=visit.duration_minutes,
        skills=visit.skills,
        certificates=visit.certificates,
        parts=visit.parts,
        customer_name=customer.name,
        customer_phone=customer.phone,
        customer_language=customer.language,
        needs_home_service=customer.needs_home_service,
        address=site.address,
        latitude=site.latitude,
        longitude=site.longitude,
        parking_minutes=site.parking_minutes,
        access_minutes=site.access_minutes,
        access_notes=site.access_notes,
        asset=_asset(asset),
        estimate=_estimate(order),
        is_repeat=order.repeat_of_id is not None,
        refused_part_lots=order.refused_part_lots,
        travelling_at=visit.travelling_at,
        arrived_at=visit.arrived_at,
        started_at=visit.started_at,
        finished_at=visit.finished_at,
        is_solved=visit.is_solved,
        needs_review=visit.needs_review,
        is_signed=current_report(session, visit.id) is not None,
        findings=_finding(findings[-1]) if findings else None,
        part_uses=_part_uses(session, visit),
    )


def _asset(asset: Asset | None) -> dict[str, str] | None:
    if asset is None:
        return None
    return {"product_kind": asset.product_kind, "model": asset.model, "serial": asset.serial or ""}


def _estimate(order: WorkOrder) -> dict[str, Any]:
    return {
        "labour_minor": order.estimate_labour_minor,
        "parts_minor": order.estimate_parts_minor,
        "travel_minor": order.estimate_travel_minor,
        "currency": order.currency,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "fault": finding.fault,
        "cause": finding.cause,
        "action": finding.action,
        "measurements": finding.measurements,
        "advised": finding.advised,
        "use_explained": finding.use_explained,
        "documents_handed_over": finding.documents_handed_over,
        "is_tested": finding.is_tested,
    }


def _part_uses(session: Session, visit: Visit) -> list[dict[str, Any]]:
    uses = part_uses_of(session, [visit.id]).get(visit.id, [])
    named = parts_by_id(session, (use.part_id for use in uses))
    return [
        {
            "id": str(use.id),
            "sku": named[use.part_id].sku,
            "direction": use.direction,
            "quantity": use.quantity,
            "serial": use.serial,
            "lot": use.lot,
        }
        for use in uses
    ]


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
    findings = findings_of(session, [visit.id for visit in visits])
    return [_past(order, findings) for order in orders]


def advised_but_undone(history: Iterable[PastOrder]) -> list[str]:
    """Return what technicians advised and nobody has ordered since, newest first, each once (R-103)."""
    return list(dict.fromkeys(advice for order in history for advice in order.advised))


def _past(order: WorkOrder, findings: dict[uuid.UUID, list[Finding]]) -> PastOrder:
    last = [findings[visit.id][-1] for visit in order.visits if findings.get(visit.id)]
    finished = [visit.finished_at for visit in order.visits if visit.finished_at is not None]
    is_open = any(VisitState(visit.state) in OPEN_STATES for visit in order.visits)
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
        advised=tuple(dict.fromkeys(advice for finding in last for advice in finding.advised)),
    )
