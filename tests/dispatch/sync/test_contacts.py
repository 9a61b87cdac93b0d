"""Clause Conflict 19 of docs/reference/sync.md: contacts are merged by field, the desk decides the rest."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from dispatch import db
from dispatch.customers.model import Customer, Site
from dispatch.sync import protocol
from dispatch.text import FieldUnknown
from dispatch.work_orders import commands as visits
from dispatch.work_orders import proposing
from dispatch.work_orders.model import Visit
from dispatch.work_orders.on_site_model import ContactProposal
from dispatch.work_orders.proposing import ProposalDecided
from tests.dispatch.sync.field import Field, results

OLD, NEW, OTHER = "+358401234567", "+358407654321", "+358409999999"


def with_contact(field: Field) -> uuid.UUID:
    """A visit whose customer has a number and whose site a note."""
    visit = field.visit()
    with db.transaction() as session:
        order = session.get_one(Visit, visit).work_order
        session.get_one(Customer, order.customer_id).phone = OLD
        session.get_one(Site, order.site_id).access_notes = "ring twice"
    return visit


def file_of(field: Field, visit: uuid.UUID) -> tuple[Any, ...]:
    """What the customer's file says."""
    question = (
        "select c.phone, s.access_notes, s.safety_notes from visit v"
        " join work_order o on o.id = v.work_order_id join customer c on c.id = o.customer_id"
        " join site s on s.id = o.site_id where v.id = :id"
    )
    return field.ask(question, id=visit)[0]


def proposed(field: Field, visit: uuid.UUID, note: str | None = None, **values: Any) -> dict[str, Any]:
    """A correction; each value with what was read before."""
    fields = {name: {"base": base, "value": value} for name, (base, value) in values.items()}
    return field.op(protocol.PROPOSE, visit, fields=fields, **({"note": note} if note else {}))


def open_ones(field: Field, visit: uuid.UUID) -> list[ContactProposal]:
    """What the desk has to decide about a visit."""
    with db.transaction() as session:
        return [one for one in proposing.proposals(session, field.desk).items if one.visit_id == visit]


def test_conflict_clause_19_what_nobody_changed_meanwhile_is_merged_and_told(field: Field) -> None:
    visit = with_contact(field)
    cursor = field.pull().cursor
    fields = {"phone": (OLD, NEW), "access_notes": ("", "ring twice"), "safety_notes": (None, "a dog")}
    (receipt,) = field.push(proposed(field, visit, None, **fields))
    said = {"phone": "merged", "access_notes": "same", "safety_notes": "merged"}
    assert receipt["effect"]["fields"] == said
    assert file_of(field, visit) == (NEW, "ring twice", "a dog")
    assert open_ones(field, visit) == []
    (change,) = [one for one in field.pull(cursor).changes if one["id"] == str(visit)]
    assert (change["body"]["customer"]["phone"], change["body"]["site"]["safety_notes"]) == (NEW, "a dog")
    question = "select count(*) from audit_entry where action = 'correct_contact' and user_id = :id"
    assert field.ask(question, id=field.by.user_id) == [(1,)]


@pytest.mark.parametrize("takes", [False, True])
def test_conflict_clause_19_where_the_file_says_something_else_the_desk_decides(
    field: Field, takes: bool
) -> None:
    """The file stays as it is until then; a field that does not differ is merged all the same."""
    visit = with_contact(field)
    with db.transaction() as session:
        order = session.get_one(Visit, visit).work_order
        session.get_one(Customer, order.customer_id).phone = OTHER
    op = proposed(field, visit, phone=(OLD, NEW), access_notes=("ring twice", "knock"))
    (receipt,) = field.push(op)
    assert receipt["effect"]["fields"] == {"phone": "open", "access_notes": "merged"}
    assert file_of(field, visit)[:2] == (OTHER, "knock")
    (proposal,) = open_ones(field, visit)
    assert proposal.changes["phone"] == {"base": OLD, "value": NEW, "found": OTHER, "result": "open"}
    with db.transaction() as session:
        found = proposing.find_proposal(session, field.desk, proposal.id)
        with pytest.raises(FieldUnknown):
            visits.decide_proposal(session, by=field.desk, proposal=found, take=["access_notes"])
        visits.decide_proposal(session, by=field.desk, proposal=found, take=["phone"] if takes else [])
        with pytest.raises(ProposalDecided):
            visits.decide_proposal(session, by=field.desk, proposal=found, take=[])
        assert found.changes["phone"]["result"] == ("taken" if takes else "kept")
    assert file_of(field, visit)[0] == (NEW if takes else OTHER)
    assert open_ones(field, visit) == []
    assert field.push(op) == [receipt]


def test_conflict_clause_19_a_note_is_read_by_the_desk(field: Field) -> None:
    visit = with_contact(field)
    assert results(field.push(proposed(field, visit, note="they move in May"))) == ["applied"]
    (proposal,) = open_ones(field, visit)
    assert (proposal.note, proposal.technician_id) == ("they move in May", field.technician_id)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({}, "TEXT_INVALID"),
        ({"tier": {"base": "C", "value": "A"}}, "FIELD_UNKNOWN"),
        ({"phone": {"base": OLD, "value": "no number"}}, "PHONE_INVALID"),
        ({"phone": {"base": OLD, "value": 7}}, "OPERATION_INVALID"),
        ({"phone": NEW}, "OPERATION_INVALID"),
    ],
)
def test_conflict_clause_19_what_cannot_be_written_is_rejected_and_blocks_nothing(
    field: Field, fields: Any, code: str
) -> None:
    visit = with_contact(field)
    wrong = field.op(protocol.PROPOSE, visit, fields=fields)
    assert results(field.push(wrong, field.op(protocol.TRAVEL, visit))) == [f"rejected:{code}", "applied"]
    assert file_of(field, visit)[0] == OLD
