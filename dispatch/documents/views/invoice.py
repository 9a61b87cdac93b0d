"""What an invoice or credit note shows (R-601, R-602)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from dispatch.documents.errors import SnapshotInvalid
from dispatch.documents.figures import Figures, in_capitals
from dispatch.documents.shapes import InvoiceLine, InvoiceSnapshot
from dispatch.documents.views import blocks


def view(snapshot: InvoiceSnapshot, figures: Figures) -> dict[str, Any]:
    """Return the words and figures of an invoice whose sums have been checked."""
    billed, covered = _by_payer(snapshot)
    _check_sums(snapshot, billed)
    currency = snapshot["currency"]
    return {
        **blocks.frame("invoice", snapshot, figures),
        "title": _title(snapshot, figures),
        "number": snapshot["number"],
        "facts": _facts(snapshot, figures),
        "buyer": blocks.party(snapshot["buyer"], figures),
        "site": blocks.other_site(snapshot.get("site", []), snapshot["buyer"]),
        "asset": blocks.asset(snapshot.get("asset"), figures),
        "amounts_in": figures.word("amounts_in").format(currency=currency),
        "billed": [_line(line, currency, figures) for line in billed],
        "billed_payer": figures.word(f"payer.{_payer(snapshot)}"),
        "covered": [_line(line, currency, figures) for line in covered],
        "covered_total": figures.amount(sum(line["net_minor"] for line in covered), currency),
        "taxes": [
            {
                "rate": figures.rate(row["rate"]),
                "base": figures.amount(row["base_minor"], currency),
                "tax": figures.amount(row["tax_minor"], currency),
                "reason": row.get("reason", ""),
            }
            for row in snapshot["taxes"]
        ],
        **_totals(snapshot, figures),
        "payments": [
            [
                figures.word(f"method.{row['method']}"),
                figures.full_moment(row["received_at"]),
                row.get("reference", ""),
                figures.amount(row["amount_minor"], currency),
            ]
            for row in snapshot.get("payments", [])
        ],
        "bank": blocks.known(snapshot["company"], figures, blocks.BANK),
        "hints": snapshot.get("payment_hints", []),
        "notes": snapshot.get("notes", []) + ([figures.word("fiscal_note")] if currency == "CNY" else []),
    }


def _payer(snapshot: InvoiceSnapshot) -> str:
    return snapshot.get("billed_to", "customer")


def _by_payer(snapshot: InvoiceSnapshot) -> tuple[list[InvoiceLine], list[InvoiceLine]]:
    payer = _payer(snapshot)
    lines = snapshot["lines"]
    return (
        [line for line in lines if line["payer"] == payer],
        [line for line in lines if line["payer"] != payer],
    )


def _title(snapshot: InvoiceSnapshot, figures: Figures) -> str:
    if snapshot.get("document") == "credit_note":
        return figures.word("credit_note")
    return figures.word("invoice_cny" if snapshot["currency"] == "CNY" else "invoice")


def _facts(snapshot: InvoiceSnapshot, figures: Figures) -> list[blocks.Fact]:
    return blocks.facts(
        figures,
        [
            ("invoice_number", snapshot["number"]),
            ("corrects", snapshot.get("corrects")),
            ("issue_date", figures.day(snapshot["issue_date"])),
            ("due_date", blocks.optional(snapshot.get("due_date"), figures.day)),
            ("service_date", blocks.optional(snapshot.get("service_date"), figures.day)),
            ("order_number", snapshot["order_number"]),
            ("customer_reference", snapshot.get("customer_reference")),
            ("sheet_number", ", ".join(snapshot["sheet_numbers"])),
        ],
    )


def _line(line: InvoiceLine, currency: str, figures: Figures) -> dict[str, str]:
    discount = line.get("discount_minor", 0)
    return {
        "kind": figures.word(line["kind"]),
        "code": line.get("code", ""),
        "description": line["description"],
        "note": line.get("note", ""),
        "quantity": figures.quantity(line["quantity"]),
        "unit": figures.unit(line["unit"]),
        "unit_price": figures.amount(line["unit_price_minor"], currency),
        "discount": figures.amount(-discount, currency) if discount else "",
        "tax_rate": figures.rate(line["tax_rate"]),
        "net": figures.amount(line["net_minor"], currency),
        "payer": figures.word(f"payer.{line['payer']}"),
    }


def _totals(snapshot: InvoiceSnapshot, figures: Figures) -> dict[str, Any]:
    totals, currency = snapshot["totals"], snapshot["currency"]
    rows = [
        [figures.word("net_total"), figures.amount(totals["net_minor"], currency)],
        [figures.word("tax_total"), figures.amount(totals["tax_minor"], currency)],
        [figures.word("gross_total"), figures.amount(totals["gross_minor"], currency)],
    ]
    if totals.get("rounding_minor"):
        rows.append([figures.word("rounding"), figures.amount(totals["rounding_minor"], currency)])
    if totals["paid_minor"]:
        rows.append([figures.word("paid"), figures.amount(-totals["paid_minor"], currency)])
    due = "credited" if snapshot.get("document") == "credit_note" else "due"
    in_words = figures.language == "zh" and currency == "CNY"
    return {
        "totals": rows,
        "due": [figures.word(due), figures.money(totals["due_minor"], currency)],
        "capitals": in_capitals(totals["gross_minor"]) if in_words else "",
    }


def _check_sums(snapshot: InvoiceSnapshot, billed: list[InvoiceLine]) -> None:
    totals = snapshot["totals"]
    sums = {
        "the lines billed do not add up to the net total": (
            sum(line["net_minor"] for line in billed),
            totals["net_minor"],
        ),
        "the taxable amounts do not add up to the net total": (
            sum(row["base_minor"] for row in snapshot["taxes"]),
            totals["net_minor"],
        ),
        "the taxes do not add up to the tax total": (
            sum(row["tax_minor"] for row in snapshot["taxes"]),
            totals["tax_minor"],
        ),
        "net and tax do not add up to the total": (
            totals["net_minor"] + totals["tax_minor"],
            totals["gross_minor"],
        ),
        "total, rounding and paid do not give the amount due": (
            totals["gross_minor"] + totals.get("rounding_minor", 0) - totals["paid_minor"],
            totals["due_minor"],
        ),
    }
    for fault, (found, stated) in sums.items():
        if found != stated:
            raise SnapshotInvalid(f"snapshot.totals: {fault} ({found} against {stated})", field="totals")
    _check_rates(snapshot, billed)


def _check_rates(snapshot: InvoiceSnapshot, billed: list[InvoiceLine]) -> None:
    listed = {Decimal(row["rate"]) for row in snapshot["taxes"]}
    for line in billed:
        if Decimal(line["tax_rate"]) not in listed:
            raise SnapshotInvalid(
                f"snapshot.taxes: no row for the rate {line['tax_rate']} of {line['description']!r:.60}",
                field="taxes",
            )
