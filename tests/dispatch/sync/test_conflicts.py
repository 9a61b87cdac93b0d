"""Clauses Conflict 1 to 18 of docs/reference/sync.md (reliability §2.4)."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest

from dispatch import clock, db
from dispatch.promises import reminding
from dispatch.sync import protocol
from dispatch.work_orders import commands as visits
from dispatch.work_orders.model import ReviewCase
from tests import builders
from tests.builders import MORNING, frozen_clock
from tests.dispatch.sync.field import FINDINGS, SIGNED, Field, results

BEGUN = (protocol.TRAVEL, protocol.ARRIVE, protocol.START)


def cases(field: Field, visit: uuid.UUID) -> list[ReviewCase]:
    """The cases of a visit."""
    with db.transaction() as session:
        return list(session.query(ReviewCase).filter_by(visit_id=visit).order_by(ReviewCase.id))


def flags(field: Field, visit: uuid.UUID) -> tuple[Any, ...]:
    """State, review flag, billing hold and technician."""
    question = "select state, needs_review, billing_hold, technician_id from visit where id = :id"
    return field.ask(question, id=visit)[0]


def steps(field: Field, visit: uuid.UUID) -> list[str]:
    """The states a visit went through."""
    question = "select to_state from visit_event where visit_id = :id order by recorded_at, id"
    return [row[0] for row in field.ask(question, id=visit)]


def test_conflict_clause_1_a_permitted_step_is_taken_with_its_device_and_operation(field: Field) -> None:
    visit = field.visit()
    op = field.op(protocol.ACCEPT, visit)
    field.push(op)
    question = (
        "select actor, device_id, op_id, user_id from visit_event where visit_id = :id and op_id is not null"
    )
    expected = ("assignee", field.by.device_id, uuid.UUID(op["op_id"]), field.by.user_id)
    assert field.ask(question, id=visit) == [expected]


def test_conflict_clause_2_a_step_that_was_taken_already_changes_nothing(field: Field) -> None:
    visit = field.visit()
    for kind in (protocol.ACCEPT, *BEGUN):
        field.push(field.op(kind, visit))
        before = steps(field, visit)
        (again,) = field.push(field.op(kind, visit))
        assert (again["result"], again["effect"]) == ("applied", {"unchanged": True})
        assert steps(field, visit) == before
    (accept,) = field.push(field.op(protocol.ACCEPT, visit))
    assert accept["effect"] == {"unchanged": True}


def test_conflict_clause_3_what_physically_happened_is_kept_in_one_case(field: Field) -> None:
    visit = field.visit()
    field.cancel(visit)
    receipts = field.push(*[field.op(kind, visit) for kind in BEGUN])
    assert results(receipts) == ["applied_conflict"] * 3
    (case,) = cases(field, visit)
    assert {receipt["case_id"] for receipt in receipts} == {str(case.id)}
    assert case.kind == "illegal_transition"
    assert [fact["type"] for fact in case.detail["facts"]] == list(BEGUN)
    assert case.detail["found_state"] == "cancelled"
    assert flags(field, visit)[:3] == ("cancelled", True, True)


def test_conflict_clause_3_no_access_at_a_visit_that_was_not_reached_is_kept(field: Field) -> None:
    visit = field.visit()
    (receipt,) = field.push(field.op(protocol.NO_ACCESS, visit, reason="closed"))
    assert receipt["result"] == "applied_conflict"
    assert cases(field, visit)[0].detail["facts"][0]["payload"] == {"reason": "closed"}
    assert flags(field, visit)[:3] == ("published", True, True)


def test_conflict_clause_4_cancelled_by_the_desk_and_done_by_the_technician(field: Field) -> None:
    """Row 12: the facts are kept, the case says what happened."""
    visit = field.visit()
    work = field.whole_visit(visit)
    field.cancel(visit)
    told = results(field.push(*work))
    assert told == ["applied_conflict"] * 3 + ["applied", "applied", "applied_conflict"]
    assert flags(field, visit) == ("done", True, True, field.technician_id)
    (case,) = cases(field, visit)
    assert case.kind == "cancelled_but_done"
    ((arrived, solved, rating),) = field.ask(
        "select arrived_at, is_solved, rating from visit where id = :id", id=visit
    )
    assert (arrived, solved, rating) == (MORNING, True, 5)
    assert "cancelled" in steps(field, visit)
    with db.transaction() as session:
        case = session.get_one(ReviewCase, case.id)
        visits.decide_case(session, by=field.desk, case=case, decision="bill it")
    assert flags(field, visit)[1:3] == (False, False)


def test_conflict_clause_5_done_by_the_first_before_the_second_set_out(field: Field) -> None:
    """Row 12."""
    visit = field.visit()
    work, second = field.whole_visit(visit), field.colleague()
    second.reassign(visit)
    seconds_cursor = second.pull().cursor
    told = field.push(*work)
    assert [receipt["result"] for receipt in told].count("rejected") == 0
    assert flags(field, visit) == ("done", True, True, field.technician_id)
    assert [case.kind for case in cases(field, visit)] == ["reassigned_but_done"]
    (change,) = second.pull(seconds_cursor).changes
    assert change["kind"] == "evict"
    ((event,),) = field.ask(
        "select technician_id from visit_event where visit_id = :id and to_state = 'done'", id=visit
    )
    assert event == field.technician_id


def test_conflict_clause_6_done_by_the_first_after_the_second_set_out(field: Field) -> None:
    """Row 12."""
    visit = field.visit()
    work, second = field.whole_visit(visit), field.colleague()
    second.reassign(visit)
    second.push(second.op(protocol.TRAVEL, visit))
    assert "rejected" not in [receipt["result"] for receipt in field.push(*work)]
    assert flags(field, visit) == ("travelling", True, True, second.technician_id)
    (case,) = cases(field, visit)
    assert case.kind == "double_attendance"
    assert [fact["type"] for fact in case.detail["facts"]] == [*BEGUN, protocol.SIGN, protocol.FINISH]
    assert field.ask("select count(*) from finding where visit_id = :id", id=visit) == [(1,)]


def test_conflict_clause_18_what_is_left_of_an_unsolved_visit_goes_to_the_next(field: Field) -> None:
    visit, sku = field.visit(), a_sku(field)
    *before, finish = field.whole_visit(visit)
    finish["payload"] = {"is_solved": False, "remaining_minutes": 25, "missing_parts": {sku: 2}}
    sign = next(op for op in before if op["type"] == protocol.SIGN)
    before.remove(sign)
    found = next(op for op in before if op["type"] == protocol.FINDING)
    found["payload"] = FINDINGS | {"is_solved": False}
    finish["seq"], waive = sign["seq"], field.op(protocol.WAIVE, visit, reason="away")
    waive["seq"], finish["seq"] = sign["seq"], sign["seq"] + 1
    assert results(field.push(*before, waive, finish)) == ["applied"] * 6
    rows = field.ask(
        "select n.duration_minutes, n.parts, o.waiting_reason from visit n"
        " join work_order o on o.id = n.work_order_id join visit v on v.work_order_id = o.id"
        " where v.id = :id and n.attempt = 2",
        id=visit,
    )
    assert rows == [(25, {sku: 2}, "part")]


def test_conflict_clause_7_the_desk_hears_of_a_declined_visit(field: Field) -> None:
    """An event for each time, and a reminder until somebody is found."""
    visit = field.visit()
    question = (
        "select count(*) from job_run where kind = 'promises.tell_declined' and payload->>'visit_id' = :id"
    )
    for times in (1, 2):
        field.push(field.op(protocol.DECLINE, visit, reason="ill"))
        assert field.ask(question, id=str(visit)) == [(times,)]
        with db.transaction() as session:
            told = reminding.remind(session, field.territory_id)
            assert [(row.kind, row.level) for row in told] == [("declined", 1)]
            assert told[0].subject.startswith(f"{visit}:")
        field.reassign(visit)
        with db.transaction() as session:
            reminding.remind(session, field.territory_id)
            assert reminding.open_reminders(session, field.territory_id) == []


@pytest.mark.parametrize("kind", [protocol.ACCEPT, protocol.DECLINE])
def test_conflict_clause_7_accepting_or_declining_too_late_is_rejected(field: Field, kind: str) -> None:
    gone = field.visit()
    field.colleague().reassign(gone)
    cancelled = field.visit()
    field.cancel(cancelled)
    payload = {"reason": "ill"} if kind == protocol.DECLINE else {}
    receipts = field.push(field.op(kind, gone, **payload), field.op(kind, cancelled, **payload))
    assert results(receipts) == ["rejected:NOT_YOUR_VISIT", "rejected:TRANSITION_REFUSED"]
    assert cases(field, gone) == cases(field, cancelled) == []


def test_conflict_clause_7_declining_needs_a_reason_and_gives_the_visit_back(field: Field) -> None:
    visit = field.visit()
    without = field.op(protocol.DECLINE, visit)
    with_reason = field.op(protocol.DECLINE, visit, reason="no ladder")
    assert results(field.push(without, with_reason)) == ["rejected:REASON_MISSING", "applied"]
    assert flags(field, visit) == ("unplanned", False, False, None)


def test_conflict_clause_8_what_was_fitted_was_fitted_although_the_van_had_none(field: Field) -> None:
    with db.transaction() as session:
        sku = builders.a_part(session).sku
    visit = field.visit()
    part = {"sku": sku, "direction": "in", "quantity": 2, "lot": "L1"}
    assert results(field.push(field.op(protocol.PART, visit, **part))) == ["applied"]
    stock = "select quantity from van_stock where technician_id = :id"
    assert field.ask(stock, id=field.technician_id) == [(-2,)]


def test_conflict_clause_9_a_signature_under_another_record_is_refused(field: Field) -> None:
    visit = field.visit()
    begun = [field.op(kind, visit) for kind in BEGUN]
    found = field.op(protocol.FINDING, visit, **FINDINGS)
    other = field.op(protocol.FINDING, visit, **(FINDINGS | {"action": "Replaced"}))
    sign = field.op(
        protocol.SIGN,
        visit,
        **SIGNED,
        shown_sha256=protocol.record_digest(protocol.shown_after(field.record_of(visit), [found], {})),
    )
    finish = field.op(protocol.FINISH, visit)
    told = field.push(*begun, found, other, sign, finish)
    assert results(told)[-2:] == ["rejected:SIGNATURE_MISMATCH", "rejected:blocked"]
    assert field.state(visit) == "working"
    waive = field.op(protocol.WAIVE, visit, reason="customer left") | {"known_seq": 7}
    finish = field.op(protocol.FINISH, visit) | {"known_seq": 7}
    assert results(field.push(waive, finish)) == ["applied", "applied"]
    assert field.state(visit) == "verified"


def test_conflict_clause_9_a_fact_after_the_signature_makes_it_outdated(field: Field) -> None:
    visit = field.visit()
    *work, finish = field.whole_visit(visit)
    late = field.op(protocol.FINDING, visit, **FINDINGS)
    finish["seq"], late["seq"] = late["seq"], finish["seq"]
    assert results(field.push(*work, late, finish))[-1] == "rejected:SIGNATURE_MISSING"
    assert field.state(visit) == "working"


@pytest.mark.parametrize("state", ["published", "cancelled", "reassigned", "verified"])
def test_conflict_clause_10_money_taken_is_booked_whatever_the_visits_state(field: Field, state: str) -> None:
    visit = field.visit()
    if state == "cancelled":
        field.cancel(visit)
    elif state == "reassigned":
        field.colleague().reassign(visit)
    elif state == "verified":
        field.push(*field.whole_visit(visit))
    paid = {"method": "cash", "amount": "12.50", "currency": "EUR"}
    (receipt,) = field.push(field.op(protocol.PAYMENT, visit, **paid))
    assert receipt["result"] == "applied"
    assert receipt["effect"]["receipt_number"].startswith("RCT-")


def test_conflict_clause_11_a_complete_visit_is_verified_and_settled(field: Field) -> None:
    visit = field.visit()
    field.push(*field.whole_visit(visit))
    assert flags(field, visit)[:3] == ("verified", False, False)
    question = "select kind from job_run where payload->>'visit_id' = :id and kind = 'billing.settle'"
    assert field.ask(question, id=str(visit)) == [("billing.settle",)]


def test_conflict_clause_11_a_visit_with_an_open_case_waits(field: Field) -> None:
    visit = field.visit()
    *work, finish = field.whole_visit(visit)
    early = field.op(protocol.NO_ACCESS, visit, reason="closed")
    for seq, op in enumerate([early, *work, finish], start=1):
        op["seq"] = seq
    told = results(field.push(early, *work, finish))
    assert told == ["applied_conflict"] + ["applied"] * 6
    assert flags(field, visit)[:3] == ("done", True, True)


def test_conflict_clause_11_resuming_with_a_reason_reopens_an_unverified_visit(field: Field) -> None:
    visit = field.visit()
    early = field.op(protocol.NO_ACCESS, visit, reason="closed")
    field.push(early, *field.whole_visit(visit))
    clock.set_source(frozen_clock(MORNING + timedelta(hours=1)))
    (receipt,) = field.push(field.op(protocol.RESUME, visit, reason="it leaks"))
    assert receipt["result"] == "applied"
    assert field.state(visit) == "working"


def a_sku(field: Field) -> str:
    """A part with five pieces in the technician's van."""
    with db.transaction() as session:
        part = builders.a_part(session)
        technician = session.get_one(builders.Technician, field.technician_id)
        builders.van_stock(session, technician, part, 5)
        return str(part.sku)


def late_facts(field: Field, visit: uuid.UUID, sku: str) -> list[dict[str, Any]]:
    """What is told of a visit when it is verified already."""
    return [
        field.op(protocol.PART, visit, sku=sku, direction="in", quantity=2),
        field.op(protocol.FINDING, visit, **FINDINGS | {"is_solved": False}),
        field.op(protocol.WAIVE, visit, reason="nobody there"),
    ]


def adjusted(field: Field, visit: uuid.UUID) -> list[str]:
    """Runs of settlement that began with an adjustment of the visit."""
    rows = field.ask(
        "select payload->>'event' from job_run where kind = 'billing.settle'"
        " and payload->>'visit_id' = :id order by id",
        id=str(visit),
    )
    return [event for (event,) in rows if event == "VisitAdjusted"]


def on_van(field: Field) -> list[tuple[Any, ...]]:
    """Pieces in the technician's van."""
    question = "select quantity from van_stock where technician_id = :id"
    return field.ask(question, id=field.technician_id)


def test_conflict_clause_16_what_comes_after_verification_is_an_adjustment(field: Field) -> None:
    """Stock moves, billing waits for a decision, the signed record stays, and the order is settled again."""
    visit, sku = field.visit(), a_sku(field)
    field.push(*field.whole_visit(visit))
    signed = field.ask("select shown from service_report where visit_id = :id and is_current", id=visit)
    assert flags(field, visit)[:3] == ("verified", False, False)
    told = field.push(*late_facts(field, visit, sku))
    assert results(told) == ["applied_conflict"] * 3
    [case] = cases(field, visit)
    assert case.kind == "late_fact"
    assert [fact["type"] for fact in case.detail["facts"]] == [
        protocol.PART,
        protocol.FINDING,
        protocol.WAIVE,
    ]
    assert on_van(field) == [(3,)]
    assert flags(field, visit)[:3] == ("verified", True, True)
    assert field.ask("select is_solved from visit where id = :id", id=visit) == [(False,)]
    now = field.ask("select shown from service_report where visit_id = :id and is_current", id=visit)
    assert now == signed
    assert adjusted(field, visit) == []
    with db.transaction() as session:
        visits.decide_case(session, by=field.desk, case=session.merge(case), decision="bill it")
    assert flags(field, visit)[:3] == ("verified", False, False)
    assert adjusted(field, visit) == ["VisitAdjusted"]


def test_conflict_clause_16_the_first_technicians_part_is_not_lost_when_another_finished(
    field: Field,
) -> None:
    """Who was offline tells of a part when the colleague's visit is verified: their van, their story."""
    visit, sku, colleague = field.visit(), a_sku(field), field.colleague()
    begun = [field.op(kind, visit) for kind in BEGUN]
    late = late_facts(field, visit, sku)
    colleague.reassign(visit)
    colleague.push(*colleague.whole_visit(visit))
    assert field.state(visit) == "verified"
    told = results(field.push(*begun, *late, field.op(protocol.FINISH, visit, is_solved=False)))
    assert told == ["applied_conflict"] * 7
    assert [case.kind for case in cases(field, visit)] == ["double_attendance"]
    assert on_van(field) == [(3,)]
    assert field.ask("select is_solved from visit where id = :id", id=visit) == [(True,)]
    assert flags(field, visit)[3] == colleague.technician_id


def test_conflict_clause_16_a_file_that_is_announced_late_needs_nobody(field: Field) -> None:
    visit = field.visit()
    field.push(*field.whole_visit(visit))
    file = {"sha256": "a" * 64, "bytes": 100, "mime": "image/jpeg"}
    (receipt,) = field.push(field.op(protocol.DECLARE, visit, **file))
    assert (receipt["result"], receipt["effect"]) == ("applied", {"bytes_missing": True})
    assert cases(field, visit) == []
