"""What the day-end hand-in sheet shows (R-603)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from dispatch.documents.figures import Figures
from dispatch.documents.shapes import HandinSnapshot, MoneyRow, SheetRow, StockRow
from dispatch.documents.views import blocks


def view(snapshot: HandinSnapshot, figures: Figures) -> dict[str, Any]:
    """Return the words and figures of one technician's hand-in."""
    currency = snapshot["currency"]
    collected = sum(row["collected_minor"] for row in snapshot["money"])
    counted = sum(row["counted_minor"] for row in snapshot["money"])
    off = sum(_difference(row) for row in snapshot["money"])
    return {
        **blocks.frame("handin", snapshot, figures),
        "title": figures.word("handin"),
        "number": snapshot["number"],
        "facts": _facts(snapshot, figures),
        "summary": _summary(snapshot, figures, collected, counted, off),
        "amounts_in": figures.word("amounts_in").format(currency=currency),
        "sheets": [_sheet(row, figures) for row in snapshot["sheets"]],
        "money": [_money(row, currency, figures) for row in snapshot["money"]],
        "money_total": [
            figures.amount(collected, currency),
            figures.amount(counted, currency),
            _signed(figures.amount(off, currency), off),
        ],
        "money_off": off != 0,
        "stock": [_stock(row, figures) for row in snapshot.get("stock", [])],
        "remarks": snapshot.get("remarks", []),
        "technician_name": snapshot["technician"]["name"],
        "cashier_name": snapshot["cashier"]["name"] if "cashier" in snapshot else "",
        "technician_signature": blocks.signature(snapshot.get("technician_signature"), figures),
        "cashier_signature": blocks.signature(snapshot.get("cashier_signature"), figures),
    }


def _facts(snapshot: HandinSnapshot, figures: Figures) -> list[blocks.Fact]:
    return blocks.facts(
        figures,
        [
            ("report_number", snapshot["number"]),
            ("business_date", figures.day(snapshot["business_date"])),
            ("technician", snapshot["technician"]["name"]),
            ("cashier", snapshot["cashier"]["name"] if "cashier" in snapshot else None),
            ("handed_in_at", blocks.optional(snapshot.get("handed_in_at"), figures.full_moment)),
        ],
    )


def _summary(
    snapshot: HandinSnapshot, figures: Figures, collected: int, counted: int, off: int
) -> list[dict[str, str | bool]]:
    currency = snapshot["currency"]
    there = sum(row["present"] for row in snapshot["sheets"])
    lacking = len(snapshot["sheets"]) - there
    state = figures.word("incomplete").format(count=lacking) if lacking else figures.word("complete")
    return [
        {
            "label": figures.word("summary.sheets"),
            "value": f"{there} / {len(snapshot['sheets'])}",
            "more": state,
            "warn": lacking > 0,
        },
        {
            "label": figures.word("summary.collected"),
            "value": figures.money(collected, currency),
            "more": "",
            "warn": False,
        },
        {
            "label": figures.word("summary.counted"),
            "value": figures.money(counted, currency),
            "more": "",
            "warn": False,
        },
        {
            "label": figures.word("summary.difference"),
            "value": _signed(figures.money(off, currency), off),
            "more": "",
            "warn": off != 0,
        },
    ]


def _sheet(row: SheetRow, figures: Figures) -> dict[str, Any]:
    return {
        "number": row["number"],
        "order_number": row["order_number"],
        "customer": row["customer"],
        "vouchers": row.get("vouchers", []),
        "signed": figures.word("yes" if row["signed"] else "no"),
        "unsigned": not row["signed"],
        "present": figures.word("yes" if row["present"] else "missing"),
        "missing": not row["present"],
    }


def _money(row: MoneyRow, currency: str, figures: Figures) -> dict[str, Any]:
    difference, vouchers = _difference(row), row.get("vouchers_minor", 0)
    told = [row["note"]] if row.get("note") else []
    if vouchers:
        told.append(f"{figures.word('vouchers')}: {figures.money(vouchers, currency)}")
    return {
        "method": figures.word(f"method.{row['method']}"),
        "items": str(row["items"]) if "items" in row else "",
        "collected": figures.amount(row["collected_minor"], currency),
        "counted": figures.amount(row["counted_minor"], currency),
        "difference": _signed(figures.amount(difference, currency), difference),
        "off": difference != 0,
        "note": "; ".join(told),
    }


def _difference(row: MoneyRow) -> int:
    """What is counted and told by vouchers beyond what was collected."""
    return row["counted_minor"] + row.get("vouchers_minor", 0) - row["collected_minor"]


def _stock(row: StockRow, figures: Figures) -> dict[str, Any]:
    difference = Decimal(row["counted"]) - Decimal(row["expected"])
    return {
        "code": row["code"],
        "name": row["name"],
        "expected": figures.quantity(row["expected"]),
        "counted": figures.quantity(row["counted"]),
        "difference": _signed(figures.quantity(str(difference)), difference),
        "off": difference != 0,
    }


def _signed(text: str, difference: int | Decimal) -> str:
    return f"+{text}" if difference > 0 else text
