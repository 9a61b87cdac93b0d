"""Clauses Conflict 23 to 25 and Record 10 of docs/reference/sync.md: what was agreed is taken back."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from dispatch import clock, db
from dispatch.checklists.commands import pinned, write_checklist
from dispatch.sync import commands, protocol, queries
from dispatch.sync.overdue import decide_overdue, overdue
from dispatch.work_orders import commands as visits
from dispatch.work_orders.model import DeclaredFile
from tests import builders
from tests.builders import MORNING, frozen_clock
from tests.dispatch.sync.field import FINDINGS, SIGNED, Field, results
from tests.dispatch.sync.test_conflicts import a_sku, adjusted, cases, flags
from tests.dispatch.sync.test_on_site import consent, new

BEGUN = (protocol.TRAVEL, protocol.ARRIVE, protocol.START)
SHA = "a" * 64
AGREED = {"amount": "180.00", "currency": "EUR", "approved_by_name": "Customer", "method": "phone"}


def begun(field: Field, **fields: Any) -> uuid.UUID:
    """A visit at which somebody works."""
    visit = field.visit(**fields)
    field.push(*[field.op(kind, visit) for kind in BEGUN])
    return visit


def approval(field: Field, visit: uuid.UUID, **changes: Any) -> dict[str, Any]:
    """The customer agrees to a price."""
    return new(field, protocol.APPROVAL, visit, **AGREED | changes)


def taken_back(field: Field, kind: str, visit: uuid.UUID, op: dict[str, Any]) -> dict[str, Any]:
    """The operation that takes another back."""
    return new(field, kind, visit, of=op["op_id"], reason="another customer")


def photo(field: Field, visit: uuid.UUID, purpose: str = "photo") -> dict[str, Any]:
    """A photograph is announced."""
    told = {"sha256": SHA, "bytes": 9, "mime": "image/jpeg", "purpose": purpose}
    return new(field, protocol.DECLARE, visit, **told)


def no_photo(field: Field, visit: uuid.UUID) -> dict[str, Any]:
    """The photograph is taken back."""
    return new(field, protocol.FILE_VOID, visit, sha256=SHA, reason="another flat")


def finished(field: Field, visit: uuid.UUID) -> list[dict[str, Any]]:
    """Findings, a signature under everything that is there, and the end."""
    found = new(field, protocol.FINDING, visit, **FINDINGS)
    receipts = field.push(found)
    return [
        *receipts,
        *field.push(field.signature(visit), new(field, protocol.FINISH, visit, is_solved=True)),
    ]


def rests(field: Field, visit: uuid.UUID) -> list[tuple[str, Any]]:
    """Kinds of a visit's cases with what rested on what was taken back."""
    return [(case.kind, case.detail["facts"][-1].get("rests")) for case in cases(field, visit)]


def withdrawals(field: Field, visit: uuid.UUID) -> list[tuple[Any, ...]]:
    """What was taken back at a visit."""
    return field.ask(
        "select subject, what, reason, withdrawn_by from withdrawal where visit_id = :id order by id",
        id=visit,
    )


def asks_for_a_photo(field: Field) -> list[dict[str, Any]]:
    """A checklist with a required photograph, as a visit carries it."""
    question = {"key": "plate", "kind": "photo", "text_en": "Plate", "text_zh": "铭牌", "is_required": True}
    code = builders.serial("P")
    with db.transaction() as session:
        write_checklist(session, by=None, code=code, title_en="P", title_zh="P", questions=[question])
        return pinned(session, [code])


def answer(field: Field, visit: uuid.UUID, carried: list[dict[str, Any]]) -> dict[str, Any]:
    """The photograph answers the question."""
    told = {"checklist": carried[0]["code"], "question": "plate", "value": SHA}
    return new(field, protocol.ANSWER, visit, **told)


def test_conflict_clause_23_an_approval_is_taken_back_once_and_stays_on_record(field: Field) -> None:
    """R-204: nothing rested on it yet, so nobody has to look."""
    visit = begun(field)
    agreed = approval(field, visit)
    told = field.push(agreed, taken_back(field, protocol.APPROVAL_VOID, visit, agreed))
    assert results(told) == ["applied", "applied"]
    assert withdrawals(field, visit) == [("approval", "180.00 EUR", "another customer", field.by.user_id)]
    assert field.record_of(visit)["approvals"] == []
    (again,) = field.push(taken_back(field, protocol.APPROVAL_VOID, visit, agreed))
    assert (again["result"], again["effect"]) == ("applied", {"unchanged": True})
    assert (len(withdrawals(field, visit)), cases(field, visit)) == (1, [])
    [(minor,)] = field.ask(
        "select amount_minor from approval where op_id = :id", id=uuid.UUID(agreed["op_id"])
    )
    assert minor == 18_000


def test_conflict_clause_23_parts_that_were_fitted_since_rested_on_the_approval(field: Field) -> None:
    """A part from before did not; with another approval for as much, nothing did."""
    visit, sku = begun(field), a_sku(field)
    part = {"sku": sku, "direction": "in", "quantity": 1}
    before, agreed = new(field, protocol.PART, visit, **part), approval(field, visit)
    field.push(before, agreed)
    other = approval(field, visit, amount="190.00")
    field.push(other, taken_back(field, protocol.APPROVAL_VOID, visit, other))
    assert cases(field, visit) == []
    field.push(new(field, protocol.PART, visit, **part))
    third = approval(field, visit)
    field.push(third, taken_back(field, protocol.APPROVAL_VOID, visit, third))
    assert cases(field, visit) == []
    (receipt,) = field.push(taken_back(field, protocol.APPROVAL_VOID, visit, agreed))
    assert receipt["result"] == "applied_conflict"
    assert rests(field, visit) == [("approval_withdrawn", {"parts": [sku]})]
    assert flags(field, visit)[1:3] == (True, True)


def test_conflict_clause_23_a_finished_visit_rested_on_the_approval(field: Field) -> None:
    """The desk decides before anything is billed, and then it is settled without the approval."""
    visit = begun(field)
    agreed = approval(field, visit)
    field.push(agreed)
    assert results(finished(field, visit)) == ["applied"] * 3
    assert field.state(visit) == "verified"
    (receipt,) = field.push(taken_back(field, protocol.APPROVAL_VOID, visit, agreed))
    [(number,)] = field.ask("select 'DS-' || lpad(serial::text, 6, '0') from visit where id = :id", id=visit)
    assert receipt["result"] == "applied_conflict"
    assert rests(field, visit) == [("approval_withdrawn", {"visits": [number]})]
    with db.transaction() as session:
        [case] = cases(field, visit)
        visits.decide_case(session, by=field.desk, case=session.merge(case), decision="customer called")
    assert adjusted(field, visit) == ["VisitAdjusted"]


def test_conflict_clause_23_work_that_a_consent_allowed_is_looked_at_when_it_is_taken_back(
    field: Field,
) -> None:
    """R-506: with a second consent for the same equipment it is not, and new findings need another one."""
    visit = begun(field)
    signed, second = consent(field, visit), consent(field, visit)
    found = FINDINGS | {"touched": ["Meter"]}
    field.push(signed, second, new(field, protocol.FINDING, visit, **found))
    assert results(field.push(taken_back(field, protocol.CONSENT_VOID, visit, second))) == ["applied"]
    (receipt,) = field.push(taken_back(field, protocol.CONSENT_VOID, visit, signed))
    assert receipt["result"] == "applied_conflict"
    assert rests(field, visit) == [("consent_withdrawn", {"touched": "Meter"})]
    assert field.record_of(visit)["consents"] == []
    again = new(field, protocol.FINDING, visit, **found) | {"known_seq": 99}
    assert results(field.push(again)) == ["rejected:CONSENT_MISSING"]
    assert [row[:2] for row in withdrawals(field, visit)] == [("consent", "Meter")] * 2


def test_conflict_clause_23_a_consent_that_nothing_rested_on_is_simply_taken_back(field: Field) -> None:
    visit = begun(field)
    signed = consent(field, visit)
    told = field.push(
        signed,
        new(field, protocol.FINDING, visit, **FINDINGS),
        taken_back(field, protocol.CONSENT_VOID, visit, signed),
    )
    assert (results(told), cases(field, visit)) == (["applied"] * 3, [])


def test_conflict_clause_24_a_checklist_lacks_the_photograph_again(field: Field) -> None:
    """R-505: the visit is not finished before another one, or the same one announced again."""
    carried = asks_for_a_photo(field)
    visit = begun(field, checklists=carried)
    field.push(photo(field, visit), answer(field, visit, carried), no_photo(field, visit))
    assert field.record_of(visit)["answers"] == []
    assert results(finished(field, visit))[-1] == "rejected:CHECKLIST_INCOMPLETE"
    named = answer(field, visit, carried) | {"known_seq": 99}
    assert results(field.push(named)) == ["rejected:ANSWER_INVALID"]
    told = [photo(field, visit), answer(field, visit, carried) | {"known_seq": 99}]
    assert results(field.push(*told)) == ["applied", "applied"]
    assert [one["value"] for one in field.record_of(visit)["answers"]] == [SHA]
    assert cases(field, visit) == []


def test_conflict_clause_24_a_finished_visit_that_required_the_photograph_is_looked_at(field: Field) -> None:
    """The bytes are not waited for any more; the signature is under what does not hold now."""
    carried = asks_for_a_photo(field)
    visit = begun(field, checklists=carried)
    field.push(photo(field, visit), answer(field, visit, carried))
    assert results(finished(field, visit)) == ["applied"] * 3
    assert field.state(visit) == "done"
    (receipt,) = field.push(no_photo(field, visit))
    assert receipt["result"] == "applied_conflict"
    assert rests(field, visit) == [("photo_withdrawn", {"questions": [f"{carried[0]['code']}.plate"]})]
    assert field.ask("select is_current from service_report where visit_id = :id", id=visit) == [(False,)]


def test_conflict_clause_24_bytes_that_nobody_waits_for_hold_nothing_up(field: Field) -> None:
    visit = begun(field)
    field.push(photo(field, visit))
    finished(field, visit)
    assert field.state(visit) == "done"
    assert field.pull().files_wanted == [{"visit_id": str(visit), "sha256": SHA}]
    assert results(field.push(no_photo(field, visit))) == ["applied"]
    assert (field.state(visit), field.pull().files_wanted) == ("verified", [])
    told = next(one["body"] for one in field.pull().changes if one["id"] == str(visit))
    assert told["files"] == []
    assert cases(field, visit) == []


def test_conflict_clause_24_a_closed_door_without_its_photograph_is_not_proven(field: Field) -> None:
    visit = field.visit()
    ops = [field.op(kind, visit) for kind in (protocol.TRAVEL, protocol.ARRIVE)]
    ops.append(photo(field, visit, "no_access"))
    shut = field.op(protocol.NO_ACCESS, visit, reason="nobody opened")
    assert results(field.push(*ops, shut)) == ["applied"] * 4
    assert results(field.push(no_photo(field, visit))) == ["applied_conflict"]
    assert [case.kind for case in cases(field, visit)] == ["proof_missing"]


def test_conflict_clause_24_a_file_is_taken_back_whoever_announced_it_first_and_again_after_it_came_back(
    field: Field,
) -> None:
    """Attachment 5: the same bytes are one file; nothing that was rejected stands in the way."""
    visit = begun(field)
    wrong = new(field, protocol.PART, visit, sku="NONE", direction="in", quantity=1)
    told = field.push(wrong, photo(field, visit), photo(field, visit), no_photo(field, visit))
    assert results(told) == ["rejected:PART_UNKNOWN", "applied", "applied", "applied"]
    assert (
        results(field.push(no_photo(field, visit), photo(field, visit), no_photo(field, visit)))
        == ["applied"] * 3
    )
    assert [row[:2] for row in withdrawals(field, visit)] == [("file", SHA)] * 2
    other = field.visit()
    assert results(field.push(no_photo(field, other))) == ["rejected:NOT_FOUND"]


def test_conflict_clause_24_a_file_that_stands_again_is_told_to_the_phone(field: Field) -> None:
    """P8: by going on as by beginning anew; announced once more without a change it is no news."""
    visit = begun(field)
    field.push(photo(field, visit), no_photo(field, visit))
    gone = field.pull()
    field.push(photo(field, visit))
    (change,) = field.pull(gone.cursor).changes
    assert [file["sha256"] for file in change["body"]["files"]] == [SHA]
    told = field.pull(gone.cursor).cursor
    field.push(photo(field, visit))
    assert field.pull(told).changes == []


def test_conflict_clause_25_what_takes_back_waits_for_what_it_names(field: Field) -> None:
    """A gap: held with it, and both are decided in order when it comes."""
    visit = begun(field)
    agreed = approval(field, visit)
    void = taken_back(field, protocol.APPROVAL_VOID, visit, agreed)
    assert results(field.push(void)) == ["held:gap"]
    assert results(field.push(agreed)) == ["applied"]
    assert results(field.push(void)) == ["applied"]
    assert len(withdrawals(field, visit)) == 1


def test_conflict_clause_25_decided_without_what_it_names_it_waits_for_the_desk(field: Field) -> None:
    """Push 9: after 72 hours; what it names comes later, and the desk applies it then."""
    visit = begun(field)
    agreed = approval(field, visit)
    void = taken_back(field, protocol.APPROVAL_VOID, visit, agreed)
    field.push(void)
    clock.set_source(frozen_clock(MORNING + timedelta(hours=73)))
    with db.transaction() as session:
        for device_id, name in overdue(session):
            decide_overdue(session, device_id, name, company_currency="EUR")
    assert results(field.push(void)) == ["rejected:NOT_FOUND"]
    assert results(field.push(agreed | {"known_seq": 99})) == ["applied"]
    assert len(field.record_of(visit)["approvals"]) == 1
    with db.transaction() as session:
        [view] = queries.rejections(session, field.desk).items
        rejection = queries.find_rejection(session, field.desk, view.id)
        commands.apply_anyway(session, by=field.desk, rejection=rejection, company_currency="EUR")
    assert field.record_of(visit)["approvals"] == []


def test_conflict_clause_25_what_the_desk_applied_instead_is_named_by_the_phones_operation(
    field: Field,
) -> None:
    visit = begun(field)
    agreed = approval(field, visit, amount="ten")
    void = taken_back(field, protocol.APPROVAL_VOID, visit, agreed)
    assert results(field.push(agreed, void)) == ["rejected:AMOUNT_INVALID", "rejected:blocked"]
    with db.transaction() as session:
        root = next(
            one for one in queries.rejections(session, field.desk).items if one.type == protocol.APPROVAL
        )
        done = commands.apply_anyway(
            session,
            by=field.desk,
            rejection=queries.find_rejection(session, field.desk, root.id),
            payload=AGREED,
            company_currency="EUR",
        )
    assert (len(done), field.record_of(visit)["approvals"]) == (2, [])


def test_conflict_clause_25_a_file_of_a_verified_visit_that_is_taken_back_is_an_adjustment(
    field: Field,
) -> None:
    """Conflict 16: nothing asked for it, somebody looks all the same; the signed record stays."""
    visit = begun(field)
    field.push(photo(field, visit))
    finished(field, visit)
    with db.transaction() as session:
        file = session.scalars(select(DeclaredFile).where(DeclaredFile.visit_id == visit)).one()
        visits.give_up(session, by=field.desk, declared=file, reason="phone lost")
    assert field.state(visit) == "verified"
    assert results(field.push(no_photo(field, visit))) == ["applied_conflict"]
    assert [case.kind for case in cases(field, visit)] == ["late_fact"]
    assert field.ask("select is_current from service_report where visit_id = :id", id=visit) == [(True,)]


def test_record_clause_10_of_equal_rows_both_sides_list_the_later_ones(field: Field) -> None:
    """The office keeps which one was named; the lists are equal, their order included, and can be signed."""
    visit = begun(field)
    record = field.record_of(visit)
    agreed = [approval(field, visit, amount=amount) for amount in ("180.00", "20.00", "180.00")]
    signed = [consent(field, visit, equipment) for equipment in ("Meter", "Valve", "Meter")]
    told = [
        *agreed,
        *signed,
        taken_back(field, protocol.APPROVAL_VOID, visit, agreed[2]),
        taken_back(field, protocol.CONSENT_VOID, visit, signed[2]),
    ]
    assert results(field.push(*told[:6])) == ["applied"] * 6
    pulled = field.record_of(visit)
    assert results(field.push(*told[6:])) == ["applied"] * 2
    held = field.record_of(visit)
    assert [row["amount_minor"] for row in held["approvals"]] == [2000, 18000]
    assert [row["equipment"] for row in held["consents"]] == ["Valve", "Meter"]
    before, after = protocol.shown_after(record, told, {}), protocol.shown_after(pulled, told[6:], {}, told)
    assert {**held, "times": None} == {**before, "times": None} == {**after, "times": None}
    taken = "select a.op_id from approval a join withdrawal w on w.subject_id = a.id where w.visit_id = :id"
    gone = field.ask(taken, id=visit)
    assert [str(op_id) for (op_id,) in gone] == [agreed[2]["op_id"]]
    sign = field.op(protocol.SIGN, visit, **SIGNED, shown_sha256=protocol.record_digest(before))
    assert results(field.push(sign)) == ["applied"]


def test_record_clause_10_the_customer_signs_the_record_without_what_was_taken_back(field: Field) -> None:
    """What the phone shows is what the server holds: pulled before, with everything on top."""
    carried = asks_for_a_photo(field)
    visit = begun(field, checklists=carried)
    record = field.record_of(visit)
    agreed, signed = approval(field, visit), consent(field, visit)
    told = [
        agreed,
        approval(field, visit),
        signed,
        photo(field, visit),
        answer(field, visit, carried),
        taken_back(field, protocol.APPROVAL_VOID, visit, agreed),
        taken_back(field, protocol.CONSENT_VOID, visit, signed),
        no_photo(field, visit),
    ]
    assert results(field.push(*told)) == ["applied"] * len(told)
    shown, held = protocol.shown_after(record, told, {}), field.record_of(visit)
    assert {**held, "times": None} == {**shown, "times": None}
    assert (len(held["approvals"]), held["consents"], held["answers"]) == (1, [], [])
    sign = field.op(protocol.SIGN, visit, **SIGNED, shown_sha256=protocol.record_digest(shown))
    assert results(field.push(sign)) == ["applied"]
