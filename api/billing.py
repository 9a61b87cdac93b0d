"""Settlements with payers, and invoices with their papers (R-204, R-601, R-602)."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Response
from marshmallow import fields

from api import roles
from api.auth import current_principal, policy
from api.etags import changes, expected_version
from api.fields import Day, Exact, Id, Moment, Whole, Word
from api.papers import LanguageArgs, file_answer, serves
from api.resource import Resource
from api.schemas import Joined, Money, PageArgs, Schema, page_of
from api.session import current_session
from dispatch.billing import commands, queries, rendering

resource = Resource("billing", description="Settlements and invoices.")

SETTLEMENT_STATES = ("approved", "review", "invoiced", "no_charge", "void")
PAYERS = ("customer", "maker", "contract", "goodwill")


class SettlementLineShape(Schema):
    """One charge with its payer, and why."""

    position = Whole(required=True)
    kind = fields.String(required=True)
    description = fields.String(required=True)
    description_zh = fields.String(required=True)
    quantity = Exact(required=True)
    unit = fields.String(required=True)
    unit_price_minor = Whole(required=True)
    net_minor = Whole(required=True)
    tax_rate = Exact(required=True)
    payer = Word(PAYERS, required=True)
    explanation = fields.String(required=True)


class SettlementShape(Schema):
    """What a work order costs and who pays it."""

    id = Id(required=True)
    version = Whole(required=True)
    work_order_id = Id(required=True)
    revision = Whole(required=True)
    state = Word(SETTLEMENT_STATES, required=True)
    currency = fields.String(required=True)
    rule_version = fields.String(required=True)
    review_reason = fields.String(required=True, allow_none=True)
    settled_at = Moment(required=True)
    lines = fields.List(fields.Nested(SettlementLineShape), required=True)


class InvoiceShape(Schema):
    """
    An issued invoice; it never changes, only what is still owed does.

    ``due`` is below zero where a credit note took back what had been paid.
    """

    id = Id(required=True)
    number = fields.String(required=True)
    settlement_id = Id(required=True)
    work_order_id = Id(required=True)
    customer_id = Id(required=True)
    payer = Word(PAYERS, required=True)
    net = Money(minor="net_minor", required=True)
    tax = Money(minor="tax_minor", required=True)
    gross = Money(minor="gross_minor", required=True)
    paid = Money(minor="paid_minor", required=True)
    credited = Money(minor="credited_minor", required=True)
    due = Money(minor="due_minor", required=True)
    issued_on = Day(required=True)
    due_on = Day(required=True)
    issued_at = Moment(required=True)
    language = fields.String(required=True)


class CreditNoteShape(Schema):
    """A credit note: the whole of one invoice taken back, for a reason."""

    id = Id(required=True)
    number = fields.String(required=True)
    invoice_id = Id(required=True)
    work_order_id = Id(required=True)
    customer_id = Id(required=True)
    reason = fields.String(required=True)
    net = Money(minor="net_minor", required=True)
    tax = Money(minor="tax_minor", required=True)
    gross = Money(minor="gross_minor", required=True)
    issued_on = Day(required=True)
    issued_at = Moment(required=True)
    language = fields.String(required=True)


class SettlementArgs(PageArgs):
    """Which settlements."""

    state = Word(SETTLEMENT_STATES, load_default=None)


class InvoiceArgs(PageArgs):
    """Which invoices."""

    work_order_id = Id(load_default=None)


SettlementPage = page_of(SettlementShape)
InvoicePage = page_of(InvoiceShape)
CreditNotePage = page_of(CreditNoteShape)


@resource.get("/settlements")
@policy(*roles.MONEY_READERS)
@resource.arguments(SettlementArgs, location="query")
@resource.response(200, SettlementPage)
def list_settlements(args: dict[str, Any]) -> object:
    """Settlements, newest first."""
    return queries.settlements(current_session(), current_principal(), **args)


@resource.get("/settlements/<uuid:settlement_id>")
@policy(*roles.MONEY_READERS)
@resource.response(200, SettlementShape)
def read_settlement(settlement_id: uuid.UUID) -> object:
    """One settlement with its lines."""
    return queries.find_settlement(current_session(), current_principal(), settlement_id)


@resource.post("/settlements/<uuid:settlement_id>/approve")
@policy(*roles.MONEY_READERS)
@changes
@resource.response(200, SettlementShape)
def approve_settlement(settlement_id: uuid.UUID) -> object:
    """Release a settlement that waits for a person; its invoice follows."""
    session, me = current_session(), current_principal()
    settlement = queries.find_settlement(session, me, settlement_id)
    return commands.approve(session, by=me, settlement=settlement, expected_version=expected_version())


@resource.get("/invoices")
@policy(*roles.MONEY_READERS)
@resource.arguments(InvoiceArgs, location="query")
@resource.response(200, InvoicePage)
def list_invoices(args: dict[str, Any]) -> object:
    """Invoices, newest first, each with what is still owed."""
    return queries.invoices(current_session(), current_principal(), **args).of(_shown)


@resource.get("/invoices/<uuid:invoice_id>")
@policy(*roles.MONEY_READERS)
@resource.response(200, InvoiceShape)
def read_invoice(invoice_id: uuid.UUID) -> object:
    """One invoice."""
    return _shown(queries.find_invoice(current_session(), current_principal(), invoice_id))


@resource.get("/invoices/<uuid:invoice_id>/paper.pdf")
@policy(*roles.MONEY_READERS)
@resource.arguments(LanguageArgs, location="query")
@serves(resource)
def read_paper(args: dict[str, Any], invoice_id: uuid.UUID) -> Response:
    """The invoice's paper; the same bytes for ever."""
    session = current_session()
    invoice = queries.find_invoice(session, current_principal(), invoice_id).invoice
    paper = rendering.pdf(session, invoice, args["language"])
    return file_answer(paper.content, name=f"{invoice.number}.pdf", sha256=paper.sha256)


@resource.get("/credit-notes")
@policy(*roles.MONEY_READERS)
@resource.arguments(InvoiceArgs, location="query")
@resource.response(200, CreditNotePage)
def list_credit_notes(args: dict[str, Any]) -> object:
    """Credit notes, newest first."""
    return queries.credit_notes(current_session(), current_principal(), **args)


@resource.get("/credit-notes/<uuid:credit_note_id>")
@policy(*roles.MONEY_READERS)
@resource.response(200, CreditNoteShape)
def read_credit_note(credit_note_id: uuid.UUID) -> object:
    """One credit note."""
    return queries.find_credit_note(current_session(), current_principal(), credit_note_id)


@resource.get("/credit-notes/<uuid:credit_note_id>/paper.pdf")
@policy(*roles.MONEY_READERS)
@resource.arguments(LanguageArgs, location="query")
@serves(resource)
def read_credit_note_paper(args: dict[str, Any], credit_note_id: uuid.UUID) -> Response:
    """The credit note's paper; the same bytes for ever."""
    session = current_session()
    note = queries.find_credit_note(session, current_principal(), credit_note_id)
    paper = rendering.pdf(session, note, args["language"])
    return file_answer(paper.content, name=f"{note.number}.pdf", sha256=paper.sha256)


def _shown(view: queries.InvoiceView) -> Joined:
    sums = {"paid_minor": view.paid_minor, "credited_minor": view.credited_minor, "due_minor": view.due_minor}
    return Joined(view.invoice, **sums)
