"""Facts of a visit as the frozen snapshots that documents are printed from (R-502, R-509)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import clock, documents
from dispatch.access.rules import Principal
from dispatch.contracts.house_rules import rules_under
from dispatch.contracts.queries import warranty_days_on
from dispatch.contracts.rules import warranty_until
from dispatch.customers.model import Asset, Customer, Site
from dispatch.documents.words import Language, word, word_of
from dispatch.parts.model import Part
from dispatch.settings import Settings
from dispatch.technicians.model import Certificate, Skill, Technician
from dispatch.territories.queries import zone_of
from dispatch.work_orders import crews, paper_checks
from dispatch.work_orders.coding import solutions
from dispatch.work_orders.model import Approval, PartUse, ServiceReport, Visit, WorkOrder
from dispatch.work_orders.queries import (
    approvals_by_order,
    find_visit,
    findings_of,
    part_uses_of,
    visits_of_asset,
)
from dispatch.work_orders.resting import NEVER, Rested, rested
from dispatch.work_orders.rules import HANDED_OVER
from dispatch.work_orders.shown import seconds
from dispatch.work_orders.views import contacts_of, parts_by_id, problem_of

MOST_FIXES = 3
"""What solved the fault before: as many on paper as leave it one page."""
PRIORITIES = {5: "emergency", 4: "high", 3: "normal", 2: "low", 1: "low"}


def dispatch_sheet(
    session: Session, principal: Principal, visit_id: uuid.UUID, language: Language, settings: Settings
) -> bytes:
    """Return the order sheet of a visit as PDF (R-502)."""
    visit = find_visit(session, principal, visit_id)
    snapshot = dispatch_sheet_snapshot(session, visit, language, settings)
    return documents.render("dispatch_sheet", snapshot, language)


def dispatch_sheet_snapshot(
    session: Session, visit: Visit, language: Language, settings: Settings
) -> dict[str, Any]:
    """Return what an order sheet shows: where to go, what to take, what was done before."""
    order = visit.work_order
    zone = _zone(session, order)
    site = session.get_one(Site, order.site_id)
    customer = session.get_one(Customer, order.customer_id)
    technician = session.get(Technician, visit.technician_id) if visit.technician_id else None
    day = clock.business_day(visit.planned_start or visit.window_start or clock.now(), zone)
    parent = session.get(WorkOrder, order.repeat_of_id) if order.repeat_of_id else None
    return _without_none(
        {
            **_frame(zone, settings),
            "number": visit.number,
            "order_number": order.number,
            "customer_reference": order.customer_reference,
            "date": day.isoformat(),
            "technician": {"name": technician.name if technician else "-"},
            "crew": list(crews.names_of(session, [visit]).get(visit.id, ())),
            "window_start": seconds(visit.window_start),
            "window_end": seconds(visit.window_end),
            "planned_start": seconds(visit.planned_start),
            "planned_minutes": visit.duration_minutes,
            "priority": PRIORITIES[order.priority],
            "kind": word_of("kind", order.kind, language),
            "customer": _customer(session, order, customer),
            "site": _without_none(
                {
                    "address": [site.address],
                    "access": site.access_notes or None,
                    "access_minutes": site.access_minutes,
                    "parking_minutes": site.parking_minutes,
                }
            ),
            "needs_care": customer.needs_home_service,
            "problem": problem_of(session, order).words(language) or order.fault_code,
            "asset": _asset(session, order, day, language),
            "history": _history(session, visit, zone),
            "solved_before": _solved_before(session, order, zone),
            "repeat_of": parent.number if parent else None,
            "skills": _skills(session, visit, language),
            "certificates": _certificates(visit, technician),
            "parts": _parts_to_take(session, visit, language),
            "checklist": paper_checks.to_check(session, visit, language),
            "cautions": paper_checks.cautions(session, visit, site, language),
            "estimate": _estimate(order),
        }
    )


def service_report_snapshot(
    session: Session, visit: Visit, report: ServiceReport, language: Language, settings: Settings
) -> dict[str, Any]:
    """Return what a signed record shows, with the hash and the strokes that bind it (R-509)."""
    order = visit.work_order
    zone = _zone(session, order)
    site = session.get_one(Site, order.site_id)
    customer = session.get_one(Customer, order.customer_id)
    technician = session.get(Technician, visit.technician_id) if visit.technician_id else None
    findings = findings_of(session, [visit.id]).get(visit.id, [])
    signed = [finding for finding in findings if finding.id < report.id]  # not what came after verification
    last = signed[-1] if signed else None
    finished = visit.finished_at or report.signed_at
    day = clock.business_day(finished, zone)
    return _without_none(
        {
            **_frame(zone, settings, report.signed_at),
            "number": f"{visit.number}-{report.revision}",
            "order_number": order.number,
            "customer_reference": order.customer_reference,
            "sheet_number": visit.number,
            "date": day.isoformat(),
            "customer": _without_none({"name": customer.name, "phone": customer.phone}),
            "site": [site.address],
            "asset": _asset(session, order, day, language),
            "technicians": [
                *([technician.name] if technician else []),
                *crews.names_of(session, [visit]).get(visit.id, ()),
            ],
            "result": _result(visit, order),
            "problem": problem_of(session, order).words(language) or order.fault_code,
            "fault": last.fault if last else "-",
            **paper_checks.codes(order, last),
            "cause": last.cause if last else "-",
            "action": last.action if last else "-",
            "parts": _parts_moved(
                session,
                [use for use in part_uses_of(session, [visit.id]).get(visit.id, []) if use.id < report.id],
                language,
            ),
            "measurements": [_without_none({**row, "unit": row["unit"] or None}) for row in last.measurements]
            if last
            else [],
            "checklist": paper_checks.answered(session, visit, language),
            "consents": paper_checks.consents(session, visit, language),
            "advised": last.advised if last else [],
            "times": _times(visit, report, finished, rested(session, [visit], finished).get(visit.id, NEVER)),
            "use_explained": last.use_explained if last else False,
            "documents_handed_over": last.documents_handed_over if last else [],
            "rating": visit.rating,
            "estimate": _estimate(order),
            "approval": _approval(approvals_by_order(session, [order.id]).get(order.id, []), language),
            "signature": _signature(report, language),
            "shown_sha256": report.shown_sha256,
        }
    )


def _without_none(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _frame(zone: str, settings: Settings, made_at: datetime | None = None) -> dict[str, Any]:
    company = {
        "name": settings.company_name,
        "address": settings.company_address.splitlines() or None,
        "tax_id": settings.company_tax_id or None,
    }
    return {
        "made_at": seconds(made_at or clock.now()),
        "time_zone": zone,
        "company": _without_none(company),
    }


def _customer(session: Session, order: WorkOrder, customer: Customer) -> dict[str, Any]:
    """Return the customer with whom to speak about this order (R-103)."""
    contact = contacts_of(session, [order]).get(order.id)
    reach = [contact.name, contact.role, contact.phone] if contact is not None else []
    who = ", ".join(part for part in reach if part) or None
    return _without_none({"name": customer.name, "phone": customer.phone, "contact": who})


def _zone(session: Session, order: WorkOrder) -> str:
    return zone_of(session, order.territory_id)


def _asset(session: Session, order: WorkOrder, day: date, language: Language) -> dict[str, Any] | None:
    asset = session.get(Asset, order.asset_id) if order.asset_id else None
    if asset is None:
        return None
    counts = rules_under(session, order.contract_id).warranty_counts_acceptance_day
    days = warranty_days_on(session, day)
    warranty = warranty_until(asset.accepted_on, days, counts_acceptance_day=counts)
    return _without_none(
        {
            "name": word_of("product", asset.product_kind, language),
            "model": asset.model,
            "serial": asset.serial,
            "purchased_on": asset.purchased_on.isoformat() if asset.purchased_on else None,
            "warranty_until": warranty.isoformat() if warranty else None,
        }
    )


def _history(session: Session, visit: Visit, zone: str) -> list[dict[str, Any]]:
    """The last three visits to the same asset, so that nobody begins from nothing."""
    asset_id = visit.work_order.asset_id
    past = visits_of_asset(session, asset_id, before=visit, limit=3) if asset_id else []
    findings = findings_of(session, [former.id for former in past])
    rows = []
    for former in past:
        if former.finished_at is None or not findings.get(former.id):
            continue
        last = findings[former.id][-1]
        who = session.get(Technician, former.technician_id) if former.technician_id else None
        row = {
            "date": clock.business_day(former.finished_at, zone).isoformat(),
            "fault": last.fault,
            "action": last.action,
            "technician": who.name if who else None,
        }
        rows.append(_without_none(row))
    return rows


def _solved_before(session: Session, order: WorkOrder, zone: str) -> list[dict[str, Any]]:
    """What solved the fault before, on equipment of the same model first, as the phone tells it (R-510)."""
    asset = session.get(Asset, order.asset_id) if order.asset_id else None
    of_what = {"product_kind": asset.product_kind, "model": asset.model} if asset else {}
    return [
        _without_none(
            {
                "date": clock.business_day(one.solved_at, zone).isoformat(),
                "model": one.model or None,
                "cause": one.cause,
                "action": one.action,
            }
        )
        for one in solutions(session, fault_code=order.fault_code, **of_what)[:MOST_FIXES]
    ]


def _skills(session: Session, visit: Visit, language: Language) -> list[dict[str, Any]]:
    named = {
        skill.code: skill for skill in session.scalars(select(Skill).where(Skill.code.in_(visit.skills)))
    }
    return [
        {
            "name": getattr(named[code], f"name_{language}") if code in named else code,
            "level": int(level),
        }
        for code, level in sorted(visit.skills.items())
    ]


def _certificates(visit: Visit, technician: Technician | None) -> list[dict[str, Any]]:
    held: dict[str, Certificate] = {}
    for paper in sorted(technician.certificates if technician else [], key=lambda paper: paper.valid_until):
        held[paper.code] = paper
    rows = []
    for code in sorted(visit.certificates):
        own = held.get(code)
        row = {
            "name": code,
            "number": own.number if own else None,
            "valid_until": own.valid_until.isoformat() if own else None,
        }
        rows.append(_without_none(row))
    return rows


def _parts_to_take(session: Session, visit: Visit, language: Language) -> list[dict[str, Any]]:
    known = session.scalars(select(Part).where(Part.sku.in_(visit.parts)).order_by(Part.sku))
    return [
        {
            "code": part.sku,
            "name": getattr(part, f"name_{language}"),
            "quantity": str(visit.parts[part.sku]),
        }
        for part in known
    ]


def _parts_moved(session: Session, uses: Sequence[PartUse], language: Language) -> list[dict[str, Any]]:
    named = parts_by_id(session, (use.part_id for use in uses))
    return [
        _without_none(
            {
                "direction": use.direction,
                "code": named[use.part_id].sku,
                "name": getattr(named[use.part_id], f"name_{language}"),
                "quantity": str(use.quantity),
                "serial": use.serial,
                "lot": use.lot,
                "origin": "approved" if named[use.part_id].is_approved else "other",
                "note": use.unapproved_reason,
            }
        )
        for use in uses
    ]


def _result(visit: Visit, order: WorkOrder) -> str:
    if visit.is_solved:
        return "solved"
    return "waiting_for_part" if order.waiting_reason == "part" else "second_visit"


def _times(visit: Visit, report: ServiceReport, finished: datetime, breaks: Rested) -> dict[str, Any]:
    worked, travelled, there = None, None, visit.arrived_at or visit.started_at
    if visit.travelling_at is not None and there is not None:
        travelled = max(0, int((there - visit.travelling_at).total_seconds()) - breaks.travelling) // 60
    if visit.started_at is not None:
        idle = visit.paused_seconds + breaks.working
        worked = max(0, int((finished - visit.started_at).total_seconds()) - idle) // 60
    return _without_none(
        {
            "departed_at": seconds(visit.travelling_at),
            "arrived_at": seconds(there or report.signed_at),
            "started_at": seconds(visit.started_at),
            "finished_at": seconds(finished),
            "travel_minutes": travelled,
            "work_minutes": worked,
            "break_minutes": (breaks.travelling + breaks.working) // 60 or None,
        }
    )


def _estimate(order: WorkOrder) -> dict[str, Any]:
    return {
        "currency": order.currency,
        "labour_minor": order.estimate_labour_minor,
        "parts_minor": order.estimate_parts_minor,
        "travel_minor": order.estimate_travel_minor,
    }


def _approval(approvals: Sequence[Approval], language: Language) -> dict[str, Any] | None:
    if not approvals:
        return None
    last = approvals[-1]
    return {
        "amount_minor": last.amount_minor,
        "currency": last.currency,
        "by": last.approved_by_name,
        "at": seconds(last.recorded_at),
        "channel": word_of("channel", last.method, language),
    }


def _waiver(reason: str, language: Language) -> str:
    """Why there is no signature; what the system says itself in the language of the paper."""
    if not reason.startswith(HANDED_OVER):
        return reason
    return word("waiver.handed_over", language).format(note=reason.removeprefix(HANDED_OVER))


def _signature(report: ServiceReport, language: Language) -> dict[str, Any]:
    signed_at = seconds(report.signed_at)
    if report.signed_by_name is None:
        return {
            "name": "-",
            "signed_at": signed_at,
            "refused": _waiver(report.waiver_reason or "-", language),
        }
    return _without_none(
        {"name": report.signed_by_name, "signed_at": signed_at, "strokes": report.signature_path}
    )
