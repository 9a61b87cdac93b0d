"""Clause Conflict 22 of docs/reference/sync.md: what is answered before work begins (reliability §3)."""

from __future__ import annotations

import uuid
from typing import Any

from dispatch import db
from dispatch.checklists.commands import write_checklist
from dispatch.sync import protocol
from dispatch.work_orders.model import ReviewCase
from tests.builders import serial
from tests.dispatch.sync.field import FINDINGS, Field, results
from tests.dispatch.sync.test_on_site import a_visit, answered, body, cases, new

QUESTIONS = [
    {"key": "power_off", "kind": "yes_no", "text_en": "Off?", "text_zh": "断电？", "is_required": True},
    {"key": "note", "kind": "text", "text_en": "Note", "text_zh": "备注", "is_required": False},
]


def a_checklist(*, is_before_work: bool = True) -> str:
    """A checklist with one required question."""
    with db.transaction() as session:
        code = serial("S")
        write_checklist(
            session,
            by=None,
            code=code,
            title_en="Safety",
            title_zh="安全",
            questions=QUESTIONS,
            is_before_work=is_before_work,
        )
        return code


def begin(field: Field, visit: uuid.UUID, *before: dict[str, Any], **payload: Any) -> dict[str, Any]:
    """The receipt of beginning, after these operations."""
    arrive = new(field, protocol.ARRIVE, visit)
    start = new(field, protocol.START, visit, **payload)
    ops = [arrive, *before, start]
    for op, seq in zip(ops, sorted(op["seq"] for op in ops), strict=True):
        op["seq"] = seq
    return field.push(*ops)[-1]


def test_conflict_clause_22_answered_before_work_nothing_is_flagged(field: Field) -> None:
    """R-505: the question that is not required need not be answered."""
    code = a_checklist()
    visit = a_visit(field, code)
    assert [one["is_before_work"] for one in body(field, visit)["checklists"]] == [True]
    receipt = begin(field, visit, answered(field, visit, code, "power_off", True))
    assert (receipt["result"], field.state(visit), cases(visit)) == ("applied", "working", [])


def test_conflict_clause_22_work_that_began_without_is_kept_and_flagged(field: Field) -> None:
    """Nothing that happened is refused; billing waits until somebody has looked."""
    code = a_checklist()
    visit = a_visit(field, code)
    receipt = begin(field, visit)
    assert (receipt["result"], field.state(visit)) == ("applied_conflict", "working")
    assert cases(visit) == ["safety_unanswered"]
    question = "select started_at is not null, needs_review, billing_hold from visit where id = :id"
    assert field.ask(question, id=visit) == [(True, True, True)]
    with db.transaction() as session:
        case = session.get_one(ReviewCase, uuid.UUID(receipt["case_id"]))
        assert case.detail["facts"][0]["type"] == protocol.START
    late = answered(field, visit, code, "power_off", True)
    assert results(field.push(late)) == ["applied"]
    assert cases(visit) == ["safety_unanswered"], "an answer that came later does not say that it was safe"


def test_conflict_clause_22_a_begin_that_is_explained_needs_no_look(field: Field) -> None:
    """The reason stands in the timeline; a blank one is none."""
    code = a_checklist()
    visit, other = a_visit(field, code), a_visit(field, code)
    assert begin(field, visit, reason="water was running, closed it first")["result"] == "applied"
    steps = "select reason from visit_event where visit_id = :id and to_state = 'working'"
    assert field.ask(steps, id=visit) == [("water was running, closed it first",)]
    assert begin(field, other, reason="  ")["result"] == "applied_conflict"


def test_conflict_clause_22_other_checklists_are_answered_before_the_end_of_work(field: Field) -> None:
    """Record 6: as ever."""
    visit = a_visit(field, a_checklist(is_before_work=False))
    assert begin(field, visit)["result"] == "applied"
    found, waived = (
        new(field, protocol.FINDING, visit, **FINDINGS),
        new(field, protocol.WAIVE, visit, reason="x"),
    )
    receipts = field.push(found, waived, new(field, protocol.FINISH, visit))
    assert results(receipts)[-1] == "rejected:CHECKLIST_INCOMPLETE"
