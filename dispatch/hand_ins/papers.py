"""The hand-in sheet on paper, for the signatures of technician and cashier (R-603)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import documents
from dispatch.access.model import User
from dispatch.customers.model import Customer
from dispatch.documents.words import Language
from dispatch.hand_ins import queries, rules
from dispatch.hand_ins.model import HandIn, HandInReceipt
from dispatch.money import Money
from dispatch.parts.model import Part
from dispatch.settings import Settings
from dispatch.technicians.model import Technician
from dispatch.territories.model import Territory
from dispatch.work_orders.guards import current_report
from dispatch.work_orders.model import Visit, WorkOrder


def hand_in_sheet(session: Session, hand_in: HandIn, language: Language, settings: Settings) -> bytes:
    """Return the sheet of a hand-in as PDF."""
    return documents.render("handin", snapshot(session, hand_in, language, settings), language)


def snapshot(session: Session, hand_in: HandIn, language: Language, settings: Settings) -> dict[str, Any]:
    """Return what the sheet shows: sheets with signatures, money and stock expected and counted."""
    technician = session.get_one(Technician, hand_in.technician_id)
    zone = session.get_one(Territory, technician.territory_id).timezone
    receipt = queries.receipt_of(session, hand_in)
    cashier = session.get(User, hand_in.received_by) if hand_in.received_by else None
    company: dict[str, Any] = {"name": settings.company_name}
    if settings.company_address:
        company["address"] = settings.company_address.splitlines()
    if settings.company_tax_id:
        company["tax_id"] = settings.company_tax_id
    shown: dict[str, Any] = {
        "made_at": hand_in.handed_in_at.isoformat(),
        "time_zone": zone,
        "company": company,
        "number": _number(hand_in, technician),
        "business_date": hand_in.day.isoformat(),
        "technician": {"name": technician.name},
        "handed_in_at": hand_in.handed_in_at.isoformat(),
        "currency": settings.currency,
        "sheets": _sheets(session, hand_in),
        "money": [
            {
                "method": row["method"],
                "collected_minor": row["expected_minor"] + row.get("vouchers_minor", 0),
                "counted_minor": row["counted_minor"],
                "vouchers_minor": row.get("vouchers_minor", 0),
            }
            for row in (receipt.money if receipt else hand_in.money)
        ],
        "stock": _stock(session, receipt.stock if receipt else hand_in.stock, language),
        "remarks": _remarks(hand_in, receipt, settings.currency),
    }
    if cashier is not None:
        shown["cashier"] = {"name": cashier.display_name}
    shown.update(_signatures(session, hand_in, receipt))
    return shown


def _signatures(session: Session, hand_in: HandIn, receipt: HandInReceipt | None) -> dict[str, Any]:
    """The signatures that were drawn under these figures; the others are left to the pen."""
    found: dict[str, Any] = {}
    word = queries.accepted_word(session, hand_in)
    is_same = receipt is None or rules.agrees(receipt.money, receipt.stock, len(receipt.missing))
    if word is not None and word.signature_path:
        found["technician_signature"] = _drawn(word.signed_by_name, word.said_at, word.signature_path)
    elif hand_in.signature_path and is_same:
        found["technician_signature"] = _drawn(
            hand_in.signed_by_name, hand_in.handed_in_at, hand_in.signature_path
        )
    if receipt is not None and receipt.signature_path:
        found["cashier_signature"] = _drawn(
            receipt.signed_by_name, receipt.received_at, receipt.signature_path
        )
    return found


def _drawn(name: str | None, at: datetime, path: str) -> dict[str, Any]:
    return {"name": name or "", "signed_at": at.isoformat(), "strokes": path}


def _sheets(session: Session, hand_in: HandIn) -> list[dict[str, Any]]:
    serials = [int(number.rpartition("-")[2]) for number in hand_in.sheets_expected]
    receipt = queries.receipt_of(session, hand_in)
    missing = {row["sheet"] for row in hand_in.sheets_missing}
    missing |= {row["number"] for row in receipt.missing} if receipt else set()
    statement = (
        select(Visit, WorkOrder, Customer)
        .join(WorkOrder, WorkOrder.id == Visit.work_order_id)
        .join(Customer, Customer.id == WorkOrder.customer_id)
        .where(Visit.serial.in_(serials))
        .order_by(Visit.serial)
    )
    return [
        {
            "number": visit.number,
            "order_number": order.number,
            "customer": customer.name,
            "signed": _is_signed(session, visit),
            "present": visit.number not in missing,
        }
        for visit, order, customer in session.execute(statement)
    ]


def _is_signed(session: Session, visit: Visit) -> bool:
    report = current_report(session, visit.leader_id or visit.id)  # the leader has it signed for the crew
    return report is not None and report.signed_by_name is not None


def _stock(session: Session, rows: Sequence[dict[str, Any]], language: Language) -> list[dict[str, Any]]:
    wanted = [row["sku"] for row in rows]
    known = {part.sku: part for part in session.scalars(select(Part).where(Part.sku.in_(wanted)))}
    return [
        {
            "code": row["sku"],
            "name": getattr(known[row["sku"]], f"name_{language}") if row["sku"] in known else row["sku"],
            "expected": str(row["expected"]),
            "counted": str(row["counted"]),
        }
        for row in rows
    ]


def _number(hand_in: HandIn, technician: Technician) -> str:
    part = f"-{hand_in.supplement}" if hand_in.supplement else ""
    return f"HI-{hand_in.day.isoformat()}-{technician.number}"[: 64 - len(part)] + part


def _remarks(hand_in: HandIn, receipt: HandInReceipt | None, currency: str) -> list[str]:
    told = [f"{row['sheet']}: {row['reason']}" for row in hand_in.sheets_missing]
    told += [
        f"{row['number']}: {Money(row['amount_minor'], currency)} {currency}" for row in hand_in.vouchers
    ]
    if receipt is not None:
        told += [f"{row['number']}: {row['reason']}" for row in receipt.missing]
        told += [f"{row['method']}: {row['reason']}" for row in receipt.money if row["reason"]]
        told += [f"{row['sku']}: {row['reason']}" for row in receipt.stock if row["reason"]]
    notes = [hand_in.note, receipt.note if receipt else ""]
    return [*told, *dict.fromkeys(note for note in notes if note)]
