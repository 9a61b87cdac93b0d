"""
Issuing: number, frozen text and allocation in one transaction (R-602).

The number comes from a row that the transaction locks and raises, so a rollback burns none. What is printed
is frozen as a snapshot; rendering it later can never change the document.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dispatch import clock, outbox
from dispatch.billing import paying, pricing
from dispatch.billing.errors import SettlementNotApproved
from dispatch.billing.model import CREDITS, CreditNote, Invoice, Settlement, SettlementLine, Tariff
from dispatch.billing.numbering import take_number
from dispatch.crashpoints import crashpoint
from dispatch.customers.model import Asset, Customer, Site
from dispatch.events import InvoiceIssued
from dispatch.settings import Settings
from dispatch.territories.model import Territory
from dispatch.work_orders import commands as work_orders
from dispatch.work_orders import guards
from dispatch.work_orders.holding import hold_visits_of
from dispatch.work_orders.lifecycle import VisitState
from dispatch.work_orders.model import Visit, WorkOrder

BILLED = ("customer", "maker")
"""Payers who get a document; contract and goodwill are settled inside the house."""


@dataclass(frozen=True, slots=True)
class _Case:
    """What one invoice is made of."""

    settlement: Settlement
    order: WorkOrder
    customer: Customer
    site: Site
    asset: Asset | None
    zone: str
    payer: str
    lines: Sequence[SettlementLine]


def issue(session: Session, *, settlement_id: uuid.UUID) -> list[Invoice]:
    """
    Issue the documents of an approved settlement; a second run returns the ones that exist.

    What was withdrawn before its turn is invoiced by nobody. While a verified visit of the order waits for a
    look, its work is not invoiced; ``issue_what_waited`` asks again.
    """
    of_order = select(Settlement.work_order_id).where(Settlement.id == settlement_id)
    hold_visits_of(session, session.scalars(of_order).one())
    statement = select(Settlement).where(Settlement.id == settlement_id).with_for_update()
    settlement = session.scalars(statement, execution_options={"populate_existing": True}).one()
    existing = session.scalars(select(Invoice).where(Invoice.settlement_id == settlement.id)).all()
    if existing:
        return list(existing)
    if settlement.state == "void":
        return []  # withdrawn before it was invoiced
    if settlement.state != "approved":
        raise SettlementNotApproved(f"the settlement is {settlement.state}")
    if not settlement.is_charge and _is_held(session, settlement.work_order_id):
        return []
    locked = select(WorkOrder).where(WorkOrder.id == settlement.work_order_id).with_for_update()
    order = session.scalars(locked, execution_options={"populate_existing": True}).one()
    invoices = [_issue_one(session, case) for case in _cases(session, settlement, order)]
    settlement.state = "invoiced"
    if not settlement.is_charge:
        work_orders.mark_invoiced(session, order=order)
    paying.allocate_open(session, order.id)
    for invoice in invoices:
        outbox.record(session, InvoiceIssued(invoice_id=str(invoice.id)))
    return invoices


def issue_what_waited(session: Session, *, work_order_id: uuid.UUID, version: str) -> None:
    """Ask for the documents of an order's approved settlements, once for a version of an adjusted visit."""
    waiting = select(Settlement.id).where(
        Settlement.work_order_id == work_order_id, Settlement.state == "approved"
    )
    for settlement_id in session.scalars(waiting.order_by(Settlement.revision)):
        key = f"{settlement_id}:adjusted:{version}"
        outbox.request(session, "billing.issue_invoice", key, {"settlement_id": str(settlement_id)})


def _is_held(session: Session, order_id: uuid.UUID) -> bool:
    """Tell whether a verified visit waits for a look; one that is open bills nothing yet."""
    held = select(Visit.id).where(
        Visit.work_order_id == order_id, Visit.billing_hold, Visit.state.in_(guards.LOCKED)
    )
    return session.scalars(held.limit(1)).first() is not None


def _cases(session: Session, settlement: Settlement, order: WorkOrder) -> list[_Case]:
    zone = session.get_one(Territory, order.territory_id).timezone
    cases = []
    for payer in BILLED:
        lines = [line for line in settlement.lines if line.payer == payer]
        if not sum(line.net_minor for line in lines):
            continue
        cases.append(
            _Case(
                settlement,
                order,
                session.get_one(Customer, order.customer_id),
                session.get_one(Site, order.site_id),
                session.get(Asset, order.asset_id) if order.asset_id else None,
                zone,
                payer,
                lines,
            )
        )
    return cases


def _issue_one(session: Session, case: _Case) -> Invoice:
    sums = pricing.totals([line.net_minor for line in case.lines], case.lines[0].tax_rate)
    paid = paying.unallocated(session, case.order.id) if case.payer == "customer" else []
    year = clock.business_day(clock.now(), case.zone).year
    series = f"invoice:{year}"
    ordinal = take_number(session, series)
    crashpoint("issue.after_number")
    issued_on = _issue_day(session, series, date(year, 12, 31), case.zone)
    invoice = Invoice(
        series=series,
        ordinal=ordinal,
        number=f"INV-{year}-{ordinal:06d}",
        settlement_id=case.settlement.id,
        work_order_id=case.order.id,
        customer_id=case.customer.id,
        payer=case.payer,
        currency=case.settlement.currency,
        net_minor=sums.net_minor,
        tax_minor=sums.tax_minor,
        gross_minor=sums.gross_minor,
        issued_on=issued_on,
        due_on=issued_on + timedelta(days=_payment_days(session, issued_on)),
        issued_at=clock.now(),
        language=case.customer.language,
    )
    invoice.snapshot = _snapshot(case, invoice, sums, _paid_rows(paid, sums.gross_minor))
    invoice.snapshot_sha256 = digest(invoice.snapshot)
    require_printable(invoice.snapshot)
    session.add(invoice)
    session.flush()
    return invoice


def _issue_day(session: Session, series: str, last_of_year: date, zone: str) -> date:
    """
    Return the day to print, read while the series is locked.

    It is never earlier than that of the number before, nor outside the year of the series (I1).
    """
    former = session.scalar(select(func.max(Invoice.issued_on)).where(Invoice.series == series))
    today = min(clock.business_day(clock.now(), zone), last_of_year)
    return max(today, former) if former else today


def _payment_days(session: Session, on: date) -> int:
    statement = select(Tariff.payment_days).where(Tariff.valid_from <= on).order_by(Tariff.valid_from.desc())
    return session.scalars(statement.limit(1)).first() or 0


def require_printable(snapshot: dict[str, Any]) -> None:
    """Refuse to issue what could not be printed afterwards; the number goes back with the transaction."""
    from dispatch import documents

    documents.check_snapshot("invoice", snapshot)


def _paid_rows(open_payments: Sequence[paying.OpenPayment], gross: int) -> list[dict[str, Any]]:
    rows, left = [], gross
    for payment in open_payments:
        used = min(left, payment.open_minor)
        if used <= 0:
            break
        left -= used
        rows.append(
            {
                "method": payment.method,
                "amount_minor": used,
                "received_at": payment.received_at.isoformat(),
                "reference": payment.receipt_number,
            }
        )
    return rows


def _snapshot(
    case: _Case, invoice: Invoice, sums: pricing.TaxedTotals, paid: list[dict[str, Any]]
) -> dict[str, Any]:
    """Return everything the paper shows, in the shape that ``documents`` prints."""
    paid_minor = sum(row["amount_minor"] for row in paid)
    snapshot: dict[str, Any] = {
        "made_at": clock.now().isoformat(),
        "time_zone": case.zone,
        "company": company(Settings.from_environment()),
        "number": invoice.number,
        "document": "invoice",
        "billed_to": case.payer,
        "issue_date": invoice.issued_on.isoformat(),
        "due_date": invoice.due_on.isoformat(),
        "order_number": case.order.number,
        "sheet_numbers": [v.number for v in case.order.visits if v.state == VisitState.CLOSED],
        "currency": case.settlement.currency,
        "buyer": _buyer(case),
        "site": [case.site.address],
        "lines": [_line(line, case.customer.language) for line in case.settlement.lines],
        "taxes": [
            {
                "rate": _decimal(case.lines[0].tax_rate),
                "base_minor": sums.net_minor,
                "tax_minor": sums.tax_minor,
            }
        ],
        "totals": {
            "net_minor": sums.net_minor,
            "tax_minor": sums.tax_minor,
            "gross_minor": sums.gross_minor,
            "paid_minor": paid_minor,
            "due_minor": sums.gross_minor - paid_minor,
        },
        "payments": paid,
    }
    if case.order.customer_reference and case.payer != "maker":
        snapshot["customer_reference"] = case.order.customer_reference
    if case.asset is not None:
        snapshot["asset"] = asset_row(case.asset)
    return snapshot


def company(settings: Settings) -> dict[str, Any]:
    """Return the seller as printed on every paper."""
    row: dict[str, Any] = {"name": settings.company_name}
    if settings.company_address:
        row["address"] = [settings.company_address]
    if settings.company_tax_id:
        row["tax_id"] = settings.company_tax_id
    return row


def asset_row(asset: Asset) -> dict[str, Any]:
    """Return the equipment as printed."""
    row: dict[str, Any] = {"name": asset.product_kind.replace("_", " ")}
    if asset.model:
        row["model"] = asset.model
    if asset.serial:
        row["serial"] = asset.serial
    return row


def _buyer(case: _Case) -> dict[str, Any]:
    if case.payer == "maker":
        name = case.asset.model if case.asset else "maker"
        return {"name": f"{name} (warranty department)"}
    row: dict[str, Any] = {"name": case.customer.name, "address": [case.site.address]}
    if case.customer.tax_id:
        row["tax_id"] = case.customer.tax_id
    if case.customer.phone:
        row["phone"] = case.customer.phone
    return row


def _line(line: SettlementLine, language: str) -> dict[str, Any]:
    return {
        "kind": line.kind,
        "description": line.description_zh if language == "zh" else line.description,
        "payer": line.payer,
        "quantity": _decimal(line.quantity),
        "unit": line.unit,
        "unit_price_minor": line.unit_price_minor,
        "net_minor": line.net_minor,
        "tax_rate": _decimal(line.tax_rate),
    }


def _decimal(value: Any) -> str:
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def digest(snapshot: dict[str, Any]) -> str:
    """Return the hash of a snapshot, the same however the database keeps it."""
    return hashlib.sha256(json.dumps(snapshot, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def missing_numbers(session: Session, series: str) -> list[int]:
    """Return numbers of a series that no invoice or credit note bears; always empty (I1)."""
    paper = CreditNote if series.startswith(CREDITS) else Invoice
    issued = set(session.scalars(select(paper.ordinal).where(paper.series == series)))
    return sorted(set(range(1, max(issued, default=0) + 1)) - issued)
