"""The files of a demo: summary, plan, one technician's papers, every invoice, and a journal for finance."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import clock, db
from dispatch.billing.model import CreditNote, Invoice, Payment, Settlement
from dispatch.money import Money
from dispatch.planning.model import DayPlan
from dispatch.simulation.desk import pages
from dispatch.simulation.office import OfficeRefused, Person
from dispatch.simulation.reporting import plan_rows
from dispatch.simulation.running import DemoDay
from dispatch.work_orders.model import Visit

COLUMNS = ("date", "document", "account", "debit", "credit", "currency", "text")
UNSAFE = ("=", "+", "-", "@", "\t", "\r")


def write_all(demo: DemoDay, summary: dict[str, Any], out: Path) -> dict[str, int]:
    """Write every file and return how many of each kind."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "summary.json").write_text(json.dumps(summary, indent=2, ensure_ascii=False) + "\n")
    with db.transaction() as session:
        plan = session.scalars(
            select(DayPlan).where(DayPlan.day == demo.day.day, DayPlan.state == "published")
        ).one()
        stops = plan_rows(session, plan, demo.day.timezone)
        (out / "plan.json").write_text(json.dumps(stops, indent=2, ensure_ascii=False) + "\n")
        rows = list(_journal(session, demo.day.timezone))
        visits = _visits_of_busiest(session, plan)
    with (out / "journal.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(rows)
    papers = _papers(demo.desk.people["dispatcher"], visits, out / "technician")
    invoices = _invoices(demo.desk.people["finance"], out / "invoices")
    return {"sheets and reports": papers, "invoices": invoices, "journal rows": len(rows)}


def _visits_of_busiest(session: Session, plan: DayPlan) -> list[tuple[str, str]]:
    """Return id and number of the visits of the technician with the most finished ones."""
    found: dict[str, list[tuple[str, str]]] = {}
    ids = [stop.visit_id for stop in plan.stops]
    for visit in session.scalars(select(Visit).where(Visit.id.in_(ids)).order_by(Visit.planned_start)):
        if visit.finished_at is not None:
            found.setdefault(str(visit.technician_id), []).append((str(visit.id), visit.number))
    return max(found.values(), key=len, default=[])


def _papers(reader: Person, visits: list[tuple[str, str]], folder: Path) -> int:
    folder.mkdir(exist_ok=True)
    written = 0
    for visit_id, number in visits:
        for kind, path in (("sheet", "sheet.pdf"), ("report", "report.pdf")):
            try:
                content = reader.download(f"/v1/visits/{visit_id}/{path}")
            except OfficeRefused as refusal:
                if refusal.status != 404:
                    raise
                continue
            (folder / f"{number}-{kind}.pdf").write_bytes(content)
            written += 1
    return written


def _invoices(finance: Person, folder: Path) -> int:
    folder.mkdir(exist_ok=True)
    invoices = pages(finance, "/v1/invoices")
    for invoice in invoices:
        content = finance.download(f"/v1/invoices/{invoice['id']}/paper.pdf")
        (folder / f"{invoice['number']}.pdf").write_bytes(content)
    return len(invoices)


def _journal(session: Session, zone: str) -> Iterator[tuple[str, ...]]:
    """Yield balanced postings of every invoice and payment, one amount a row, dated in a zone."""
    for invoice in session.scalars(select(Invoice).order_by(Invoice.series, Invoice.ordinal)):
        yield from _invoice_rows(session, invoice)
    for note in session.scalars(select(CreditNote).order_by(CreditNote.series, CreditNote.ordinal)):
        yield from _credit_rows(session, note)
    for payment in session.scalars(select(Payment).order_by(Payment.received_at, Payment.id)):
        day, paper = clock.business_day(payment.received_at, zone).isoformat(), payment.receipt_number
        amount, currency = payment.amount_minor, payment.currency
        yield _row(day, paper, f"Clearing:{payment.method}", amount, 0, currency, payment.reference or "")
        yield _row(day, paper, "Receivable:Customers", 0, amount, currency, "")


def _invoice_rows(session: Session, invoice: Invoice) -> Iterator[tuple[str, ...]]:
    day, currency = invoice.issued_on.isoformat(), invoice.currency
    account = "Receivable:Customers" if invoice.payer == "customer" else "Receivable:Makers"
    buyer = str(invoice.snapshot["buyer"]["name"])
    yield _row(day, invoice.number, account, invoice.gross_minor, 0, currency, buyer)
    nets: dict[str, int] = {}
    for line in session.get_one(Settlement, invoice.settlement_id).lines:
        if line.payer == invoice.payer:
            nets[line.kind] = nets.get(line.kind, 0) + line.net_minor
    for kind, net in sorted(nets.items()):
        yield _row(day, invoice.number, f"Revenue:{kind.title()}", 0, net, currency, "")
    yield _row(day, invoice.number, "Tax:Output", 0, invoice.tax_minor, currency, "")


def _credit_rows(session: Session, note: CreditNote) -> Iterator[tuple[str, ...]]:
    """The postings of the invoice with both sides changed over, on the day and number of the note."""
    for _, _, account, debit, credit, currency, words in _invoice_rows(
        session, session.get_one(Invoice, note.invoice_id)
    ):
        yield (note.issued_on.isoformat(), note.number, account, credit, debit, currency, words)


def _row(  # noqa: PLR0917 - one row of a table, in the order of its columns
    day: str, paper: str, account: str, debit: int, credit: int, currency: str, text: str
) -> tuple[str, ...]:
    amounts = [str(Money(amount, currency)) if amount else "" for amount in (debit, credit)]
    return (day, paper, account, *amounts, currency, _safe(text))


def _safe(text: str) -> str:
    """Keep a spreadsheet from reading a name as a formula."""
    return f"'{text}" if text.startswith(UNSAFE) else text
