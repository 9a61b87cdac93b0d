"""The money accounts of technicians: in custody, handed in, owed, settled (R-603)."""

from __future__ import annotations

import uuid
from typing import Any

from marshmallow import fields

from api import roles
from api.auth import current_principal, policy
from api.fields import Id, Moment, Text, Whole, Word
from api.idempotency import creates
from api.resource import Resource
from api.schemas import Money, PageArgs, Schema, list_of, page_of
from api.session import current_session
from dispatch.hand_ins import account, rules
from dispatch.money import METHODS
from dispatch.technicians.queries import find_technician

resource = Resource("keeper_accounts", description="Money that technicians collected and keep or owe.")


class BalanceShape(Schema):
    """
    One method and currency of an account, in minor units.

    ``custody`` is collected and not yet counted by a cashier; ``voucher`` was paid from it on the way;
    ``owed`` are differences that are not settled, negative where too much was there.
    """

    method = Word(METHODS, required=True)
    currency = fields.String(required=True)
    collected_minor = Whole(required=True)
    handed_in_minor = Whole(required=True)
    voucher_minor = Whole(required=True)
    difference_minor = Whole(required=True)
    settled_minor = Whole(required=True)
    custody_minor = Whole(required=True)
    owed_minor = Whole(required=True)


class KeeperEntryShape(Schema):
    """One booking; a difference is above zero where money was missing."""

    id = Id(required=True)
    technician_id = Id(required=True)
    hand_in_id = Id(required=True, allow_none=True)
    kind = Word(rules.ENTRIES, required=True)
    method = Word(METHODS, required=True)
    amount = Money(minor="amount_minor", required=True)
    reason = fields.String(required=True)
    booked_by = Id(required=True, allow_none=True)
    booked_at = Moment(required=True)


class NewSettlement(Schema):
    """How much of the open differences of a method is settled, how, and why."""

    method = Word(METHODS, required=True)
    amount = Money(required=True)
    how = Word(rules.SETTLEMENTS, required=True)
    reason = Text(500, required=True)


BalanceList = list_of(BalanceShape)
KeeperEntryPage = page_of(KeeperEntryShape)


@resource.get("/technicians/<uuid:technician_id>/keeper-account")
@policy(*roles.LOG_READERS)
@resource.response(200, BalanceList)
def read_account(technician_id: uuid.UUID) -> object:
    """What a technician has in custody and owes; technicians see their own."""
    session, me = current_session(), current_principal()
    return {"items": account.balances(session, find_technician(session, me, technician_id).id)}


@resource.get("/technicians/<uuid:technician_id>/keeper-account/entries")
@policy(*roles.LOG_READERS)
@resource.arguments(PageArgs, location="query")
@resource.response(200, KeeperEntryPage)
def list_entries(args: dict[str, Any], technician_id: uuid.UUID) -> object:
    """What was booked, newest first; technicians see their own."""
    session, me = current_session(), current_principal()
    return account.entries(session, find_technician(session, me, technician_id).id, **args)


@resource.post("/technicians/<uuid:technician_id>/keeper-account/settlements")
@policy(*roles.MONEY)
@creates
@resource.arguments(NewSettlement)
@resource.response(201, KeeperEntryShape)
def settle(body: dict[str, Any], technician_id: uuid.UUID) -> object:
    """Settle a difference, wholly or in part: paid in, withheld from pay, or written off."""
    session, me = current_session(), current_principal()
    return account.settle(
        session,
        by=me,
        technician=find_technician(session, me, technician_id),
        method=body["method"],
        amount=body["amount"],
        how=body["how"],
        note=body["reason"],
    )
