"""The visit's record as phones bring it: checklists, consents, advice, codes, breaks, proof (§2.4)."""

from __future__ import annotations

import hashlib
import uuid
from typing import Any

from sqlalchemy import select

from dispatch import db
from dispatch.checklists.commands import write_checklist
from dispatch.sync import protocol
from dispatch.work_orders import commands as visits
from dispatch.work_orders.coding import solutions
from dispatch.work_orders.consenting import consent_digest
from dispatch.work_orders.model import ReviewCase, Visit
from tests.builders import serial
from tests.dispatch.sync.field import FINDINGS, Field, results

QUESTIONS = [
    {"key": "leak", "kind": "yes_no", "text_en": "Leak?", "text_zh": "漏水？", "is_required": True},
    {
        "key": "pressure",
        "kind": "number",
        "text_en": "Pressure",
        "text_zh": "压力",
        "is_required": True,
        "unit": "bar",
        "least": "1.0",
        "most": "2.5",
    },
    {
        "key": "where",
        "kind": "photo",
        "text_en": "Show it",
        "text_zh": "拍照",
        "is_required": True,
        "only_if": {"key": "leak", "is": True},
    },
]


def a_checklist(questions: Any = QUESTIONS) -> str:
    """A checklist in use."""
    with db.transaction() as session:
        code = serial("L")
        write_checklist(session, by=None, code=code, title_en="Boiler", title_zh="锅炉", questions=questions)
        return code


def a_visit(field: Field, *codes: str) -> uuid.UUID:
    """A visit that carries checklists."""
    pins = [{"code": code, "revision": 1} for code in codes]
    return field.visit(checklists=pins)


def begun(field: Field, visit: uuid.UUID) -> list[dict[str, Any]]:
    """Setting out, arriving, starting."""
    return [field.op(kind, visit) for kind in (protocol.TRAVEL, protocol.ARRIVE, protocol.START)]


def answered(field: Field, visit: uuid.UUID, code: str, question: str, value: Any) -> dict[str, Any]:
    return new(field, protocol.ANSWER, visit, checklist=code, question=question, value=value)


def new(field: Field, kind: str, visit: uuid.UUID | None = None, **payload: Any) -> dict[str, Any]:
    """An operation of schema 2."""
    return field.op(kind, visit, **payload) | {"schema": 2}


def cases(visit: uuid.UUID) -> list[str]:
    """Kinds of the open cases of a visit."""
    with db.transaction() as session:
        statement = select(ReviewCase.kind).where(
            ReviewCase.visit_id == visit, ReviewCase.decided_at.is_(None)
        )
        return sorted(session.scalars(statement))


def body(field: Field, visit: uuid.UUID) -> dict[str, Any]:
    """The visit as pulled."""
    return next(dict(one["body"]) for one in field.pull().changes if one["id"] == str(visit))


def test_record_clause_6_a_visit_is_not_finished_before_its_required_questions_are_answered(
    field: Field,
) -> None:
    """R-505: branching decides what is required; a photograph is announced before it is named."""
    code = a_checklist()
    visit = a_visit(field, code)
    way = begun(field, visit)
    found = new(field, protocol.FINDING, visit, **FINDINGS)
    waived = field.op(protocol.WAIVE, visit, reason="not at home")
    early = new(field, protocol.FINISH, visit)
    receipts = field.push(*way, found, waived, early)
    assert results(receipts)[-1] == "rejected:CHECKLIST_INCOMPLETE"
    sha256 = hashlib.sha256(b"photo").hexdigest()
    known = {"known_seq": early["seq"]}
    told = [("leak", True), ("pressure", "3.1"), ("where", sha256)]
    given = [answered(field, visit, code, question, value) | known for question, value in told]
    receipts = field.push(*given)
    assert results(receipts) == ["applied", "applied", "rejected:ANSWER_INVALID"]
    assert receipts[1]["effect"] == {"out_of_limits": True}
    known = {"known_seq": given[-1]["seq"]}
    receipts = field.push(
        field.op(protocol.DECLARE, visit, sha256=sha256, bytes=5, mime="image/jpeg", purpose="checklist")
        | known,
        answered(field, visit, code, "where", sha256) | known,
        field.op(protocol.WAIVE, visit, reason="not at home") | known,
        new(field, protocol.FINISH, visit) | known,
    )
    assert results(receipts) == ["applied"] * 4
    held = body(field, visit)["checklists"][0]
    assert {one["question"]: one["value"] for one in held["answers"]} == {
        "leak": True,
        "pressure": "3.1",
        "where": sha256,
    }


def test_record_clause_6_a_phone_of_schema_1_finishes_and_somebody_looks(field: Field) -> None:
    visit = a_visit(field, a_checklist())
    assert results(field.push(*field.whole_visit(visit))) == ["applied"] * 5 + ["applied_conflict"]
    assert cases(visit) == ["checklist_unanswered"]
    assert field.state(visit) == "done"


def test_record_clause_7_the_customer_signs_answers_and_consents_too(field: Field) -> None:
    """R-509: what the phone shows after its own operations is what the server holds, hash for hash."""
    code = a_checklist(QUESTIONS[:2])
    visit = a_visit(field, code)
    way = begun(field, visit)
    ops = [
        answered(field, visit, code, "pressure", "1.50"),
        answered(field, visit, code, "leak", True),
        answered(field, visit, code, "leak", False),
        consent(field, visit),
        new(
            field,
            protocol.FINDING,
            visit,
            **FINDINGS
            | {"advised": [{"text": " gas smell", "is_danger": True}, {"text": "descale"}]}
            | {"touched": ["Meter"]},
        ),
    ]
    shown = protocol.shown_after(field.record_of(visit), ops, {})
    signed = field.op(
        protocol.SIGN,
        visit,
        shown_sha256=protocol.record_digest(shown),
        signed_by_name="Customer",
        signature_path="M0 0L9 9",
        times={},
    )
    receipts = field.push(*way, *ops, signed, new(field, protocol.FINISH, visit))
    assert results(receipts) == ["applied"] * len(receipts)
    assert shown["dangers"] == ["gas smell"]
    assert shown["answers"] == [
        {"checklist": code, "question": "leak", "value": False},
        {"checklist": code, "question": "pressure", "value": "1.50"},
    ]
    assert field.state(visit) == "verified"


def test_conflict_clause_12_two_people_who_answer_differently_both_stand(field: Field) -> None:
    """§2.4: per-question register; a case where the question is required."""
    code = a_checklist([*QUESTIONS[:2], QUESTIONS[0] | {"key": "note", "is_required": False}])
    visit = a_visit(field, code)
    second = field.colleague()
    field.push(*begun(field, visit), answered(field, visit, code, "leak", True))
    field.push(answered(field, visit, code, "note", True))
    second.reassign(visit)
    assert results(second.push(answered(second, visit, code, "note", False))) == ["applied"]
    assert results(second.push(answered(second, visit, code, "leak", True))) == ["applied"]
    assert results(second.push(answered(second, visit, code, "leak", False))) == ["applied_conflict"]
    assert cases(visit) == ["answers_differ"]
    held = body(second, visit)["checklists"][0]["answers"]
    assert sorted((one["question"], one["value"]) for one in held) == [
        ("leak", False),
        ("leak", True),
        ("note", False),
        ("note", True),
    ]


def consent(field: Field, visit: uuid.UUID, equipment: str = "Meter", **changes: Any) -> dict[str, Any]:
    """A signed request to touch other equipment."""
    terms = "The customer answers for the meter's seal."
    told = {
        "equipment": equipment,
        "terms": terms,
        "shown_sha256": consent_digest(equipment, terms),
        "signed_by_name": "Customer",
        "signature_path": "M0 0L9 9",
    }
    return new(field, protocol.CONSENT, visit, **told | changes)


def test_r_506_other_equipment_is_not_touched_without_a_signed_consent(field: Field) -> None:
    """R-506: asked in writing before, bound to exactly what was shown, liability named."""
    visit = field.visit()
    touched = FINDINGS | {"touched": ["Meter"]}
    way = begun(field, visit)
    first = new(field, protocol.FINDING, visit, **touched)
    assert results(field.push(*way, first))[-1] == "rejected:CONSENT_MISSING"
    known = {"known_seq": first["seq"]}
    for changes, code in [
        ({"terms": ""}, "TEXT_INVALID"),
        ({"terms": "We answer for it."}, "SIGNATURE_MISMATCH"),
        ({"signature_path": "<svg>"}, "SIGNATURE_INVALID"),
        ({"shown_sha256": "0" * 64}, "SIGNATURE_MISMATCH"),
    ]:
        wrong = consent(field, visit, **changes) | known
        assert results(field.push(wrong)) == [f"rejected:{code}"]
        known = {"known_seq": wrong["seq"]}
    signed = consent(field, visit) | known
    again = new(field, protocol.FINDING, visit, **touched) | known
    assert results(field.push(signed, again)) == ["applied", "applied"]
    assert body(field, visit)["record"]["consents"] == [{"equipment": "Meter", "by": "Customer"}]


def test_r_505_a_danger_comes_back_at_the_sites_next_visit_until_somebody_settles_it(field: Field) -> None:
    first = field.visit()
    told = FINDINGS | {"advised": [{"text": "flue leaks", "is_danger": True}, {"text": "descale"}]}
    field.push(*begun(field, first), new(field, protocol.FINDING, first, **told))
    told = FINDINGS | {"advised": [{"text": "flue leaks", "is_danger": True}]}
    field.push(new(field, protocol.FINDING, first, **told))
    second = visit_to_the_same_site(field, first)
    (advice,) = body(field, second)["advice"]
    assert (advice["text"], advice["is_danger"]) == ("flue leaks", True)
    settled = new(field, protocol.SETTLE, second, advice_id=advice["id"], result="done", note="sealed")
    assert results(field.push(settled)) == ["applied"]
    assert body(field, second)["advice"] == []
    again = new(field, protocol.SETTLE, second, advice_id=advice["id"], result="declined")
    assert results(field.push(again)) == ["rejected:ADVICE_SETTLED"]
    elsewhere = new(field, protocol.SETTLE, field.visit(), advice_id=advice["id"], result="done")
    assert results(field.push(elsewhere)) == ["rejected:NOT_FOUND"]


def visit_to_the_same_site(field: Field, first: uuid.UUID) -> uuid.UUID:
    """Another visit for the equipment of the first one, published to the technician."""
    second = field.visit()
    with db.transaction() as session:
        old, new_one = session.get_one(Visit, first), session.get_one(Visit, second)
        new_one.work_order.site_id = old.work_order.site_id
        new_one.work_order.asset_id = old.work_order.asset_id
        new_one.work_order.fault_code = old.work_order.fault_code
    return second


def test_r_510_what_solved_the_fault_before_is_on_the_phone(field: Field) -> None:
    """R-510: good fixes are shared; one after which the fault came back is not a good one."""
    first = field.visit()
    field.push(*field.whole_visit(first))
    second = visit_to_the_same_site(field, first)
    hints = body(field, second)["hints"]
    assert [past["action"] for past in hints["history"]] == ["Cleaned"]
    with db.transaction() as session:
        order = session.get_one(Visit, first).work_order
        code, model = order.fault_code, ""
        found = solutions(session, fault_code=code, model=model)
        assert "Cleaned" in {one.action for one in found}
        again = session.get_one(Visit, second).work_order
        again.requested_at = session.get_one(Visit, first).finished_at
        again.fault_code = order.fault_code = serial("F")
        assert solutions(session, fault_code=order.fault_code)
        again.requested_at = again.requested_at + (again.requested_at - again.requested_at).resolution
        session.flush()
        assert solutions(session, fault_code=order.fault_code) == []
        session.rollback()


def test_r_509_codes_of_findings_are_those_of_the_companys_lists(field: Field) -> None:
    visit = field.visit()
    with db.transaction() as session:
        code = visits.write_service_code(
            session, by=None, kind="cause", code=serial("C"), title_en="Lime", title_zh="水垢"
        ).code
    way = begun(field, visit)
    wrong = new(field, protocol.FINDING, visit, **FINDINGS, codes={"cause": "NONE"})
    right = new(field, protocol.FINDING, visit, **FINDINGS, codes={"cause": code, "fault": " "})
    receipts = field.push(*way, wrong, right | {"known_seq": wrong["seq"]})
    assert results(receipts)[-2:] == ["rejected:SERVICE_CODE_UNKNOWN", "applied"]
    assert body(field, visit)["record"]["codes"] == {"fault": "", "cause": code, "action": ""}


def test_breaks_are_kept_as_they_were_taken(field: Field) -> None:
    """R-509: a second beginning ends the open break; an end without a break changes nothing."""
    ops = [
        field.op(kind)
        for kind in (protocol.BREAK_END, protocol.BREAK_START, protocol.BREAK_START, protocol.BREAK_END)
    ]
    receipts = field.push(*ops)
    assert results(receipts) == ["applied"] * 4
    assert receipts[0]["effect"] == {"unchanged": True}
    rows = field.ask(
        "select ended_at >= started_at from break_taken where technician_id = :who", who=field.technician_id
    )
    assert rows == [(True,), (True,)]


def test_conflict_clause_13_a_closed_door_is_proven_by_a_photograph_or_somebody_looks(field: Field) -> None:
    proven, unproven = field.visit(), field.visit()
    ops = [
        field.op(kind, visit) for visit in (proven, unproven) for kind in (protocol.TRAVEL, protocol.ARRIVE)
    ]
    photo = field.op(
        protocol.DECLARE, proven, sha256="a" * 64, bytes=9, mime="image/jpeg", purpose="no_access"
    )
    shut = [field.op(protocol.NO_ACCESS, visit, reason="nobody opened") for visit in (proven, unproven)]
    receipts = field.push(*ops, photo, *shut)
    assert results(receipts)[-2:] == ["applied", "applied_conflict"]
    assert (cases(proven), cases(unproven)) == ([], ["proof_missing"])
    assert field.state(unproven) == "no_access"


def test_identity_clause_3_the_same_day_in_every_schema_gives_the_same_record(field: Field) -> None:
    """Row 11: every schema ever shipped. P17: schema 1 tells the same record in its own words."""
    records = []
    for schema, advised in [(1, ["descale"]), (2, [{"text": "descale", "is_danger": False}])]:
        visit = field.visit()
        way = begun(field, visit)
        found = field.op(protocol.FINDING, visit, **FINDINGS | {"advised": advised}) | {"schema": schema}
        assert results(field.push(*way, found)) == ["applied"] * 4
        records.append(
            {
                name: value
                for name, value in field.record_of(visit).items()
                if name not in {"order", "sheet", "customer", "asset", "times", "fault_code"}
            }
        )
    assert records[0] == records[1]
    assert records[0]["advised"] == ["descale"]


def test_record_clause_8_what_was_pulled_before_the_record_grew_is_still_signed(field: Field) -> None:
    """Schema 1: the phone shows a record without the newer members; empty, it says the same."""
    visit = field.visit()
    way = begun(field, visit)
    found = field.op(protocol.FINDING, visit, **FINDINGS)
    shown = protocol.shown_after(field.record_of(visit), [found], {})
    old = {
        name: value
        for name, value in shown.items()
        if name not in {"dangers", "touched", "codes", "answers", "consents"}
    }
    signed = field.op(
        protocol.SIGN,
        visit,
        shown_sha256=protocol.record_digest(old),
        signed_by_name="Customer",
        signature_path="M0 0L9 9",
        times={},
    )
    receipts = field.push(*way, found, signed, field.op(protocol.FINISH, visit))
    assert results(receipts) == ["applied"] * 6
    told = "select shown, shown_sha256 from service_report where visit_id = :visit"
    text, sha256 = field.ask(told, visit=visit)[0]
    assert hashlib.sha256(text.encode()).hexdigest() == sha256 == protocol.record_digest(old)


def test_a_consent_after_the_signature_needs_another_one(field: Field) -> None:
    visit = field.visit()
    way = begun(field, visit)
    found = new(field, protocol.FINDING, visit, **FINDINGS)
    shown = protocol.record_digest(protocol.shown_after(field.record_of(visit), [found], {}))
    told = {"shown_sha256": shown, "signed_by_name": "C", "signature_path": "M0 0L9 9", "times": {}}
    signed = field.op(protocol.SIGN, visit, **told)
    late = consent(field, visit)
    finished = new(field, protocol.FINISH, visit)
    receipts = field.push(*way, found, signed, late, finished)
    assert results(receipts)[-2:] == ["applied", "rejected:SIGNATURE_MISSING"]
