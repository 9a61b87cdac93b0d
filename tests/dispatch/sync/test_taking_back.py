"""Clauses Conflict 17 and Record 9 of docs/reference/sync.md: a fact recorded by mistake is taken back."""

from __future__ import annotations

import uuid
from typing import Any

from dispatch import db
from dispatch.sync import commands, protocol, queries
from dispatch.work_orders import commands as visits
from dispatch.work_orders.model import Visit
from tests.dispatch.sync.field import FINDINGS, SIGNED, Field, results
from tests.dispatch.sync.test_conflicts import a_sku, adjusted, cases, flags, on_van

BEGUN = (protocol.TRAVEL, protocol.ARRIVE, protocol.START)


def begun(field: Field) -> tuple[uuid.UUID, str]:
    """A visit at which somebody works, and a part in the van."""
    visit, sku = field.visit(), a_sku(field)
    field.push(*[field.op(kind, visit) for kind in BEGUN])
    return visit, sku


def fitted(field: Field, visit: uuid.UUID, sku: str, **changes: Any) -> dict[str, Any]:
    """A part that is fitted."""
    return field.op(protocol.PART, visit, **{"sku": sku, "direction": "in", "quantity": 2} | changes)


def taken_back(field: Field, kind: str, visit: uuid.UUID, op: dict[str, Any]) -> dict[str, Any]:
    """The operation that takes another back."""
    return field.op(kind, visit, of=op["op_id"], reason="another flat")


def test_conflict_clause_17_a_part_returns_to_the_van_once_and_stays_on_record(field: Field) -> None:
    visit, sku = begun(field)
    part = fitted(field, visit, sku)
    void = taken_back(field, protocol.PART_VOID, visit, part)
    assert results(field.push(part, void)) == ["applied", "applied"]
    assert on_van(field) == [(5,)]
    assert field.ask("select voided_by from part_use where visit_id = :id", id=visit) == [(field.by.user_id,)]
    (again,) = field.push(taken_back(field, protocol.PART_VOID, visit, part))
    assert (again["result"], again["effect"]) == ("applied", {"unchanged": True})
    assert on_van(field) == [(5,)]
    assert field.record_of(visit)["parts"] == []


def test_conflict_clause_17_what_a_restored_phone_recorded_is_taken_back_by_the_name_it_gave(
    field: Field,
) -> None:
    """Its place was taken, the desk applied it under an id of its own; the phone knows nothing of that."""
    visit, sku = begun(field)
    part = fitted(field, visit, sku) | {"seq": 1}
    assert results(field.push(part)) == ["rejected:seq_reuse"]
    with db.transaction() as session:
        (seen,) = queries.rejections(session, field.desk).items
        rejection = queries.find_rejection(session, field.desk, seen.id)
        commands.apply_anyway(session, by=field.desk, rejection=rejection, company_currency="EUR")
    assert on_van(field) == [(3,)]
    void = taken_back(field, protocol.PART_VOID, visit, part) | {"seq": len(BEGUN) + 1}
    assert results(field.push(void)) == ["applied"]
    assert on_van(field) == [(5,)]


def test_conflict_clause_17_what_is_not_there_cannot_be_taken_back(field: Field) -> None:
    """Neither a fact of another visit, nor a fact of another kind."""
    (visit, sku), other = begun(field), field.visit()
    part = fitted(field, visit, sku)
    field.push(part)
    wrong = [
        taken_back(field, protocol.PART_VOID, other, part) | {"known_seq": 99},
        taken_back(field, protocol.FINDING_VOID, visit, part) | {"known_seq": 99},
    ]
    assert results(field.push(*wrong)) == ["rejected:NOT_FOUND"] * 2
    assert on_van(field) == [(3,)]


def test_conflict_clause_17_what_the_desk_applied_is_named_by_the_phones_operation(field: Field) -> None:
    """The part was rejected, the void blocked; the desk corrects the part, and both take effect."""
    visit, sku = begun(field)
    part = fitted(field, visit, "NONE")
    void = taken_back(field, protocol.PART_VOID, visit, part)
    assert results(field.push(part, void)) == ["rejected:PART_UNKNOWN", "rejected:blocked"]
    with db.transaction() as session:
        root = next(one for one in queries.rejections(session, field.desk).items if one.type == protocol.PART)
        rejection = queries.find_rejection(session, field.desk, root.id)
        right = {"sku": sku, "direction": "in", "quantity": 2}
        done = commands.apply_anyway(
            session, by=field.desk, rejection=rejection, payload=right, company_currency="EUR"
        )
        assert len(done) == 2
    assert on_van(field) == [(5,)]


def test_conflict_clause_17_a_part_taken_back_late_is_an_adjustment(field: Field) -> None:
    """Conflict 16: the visit is verified already; when somebody has looked it is settled again."""
    visit, sku = begun(field)
    part, found = fitted(field, visit, sku), field.op(protocol.FINDING, visit, **FINDINGS)
    field.push(part, found)
    field.push(field.signature(visit), field.op(protocol.FINISH, visit, is_solved=True))
    assert field.state(visit) == "verified"
    (receipt,) = field.push(taken_back(field, protocol.PART_VOID, visit, part))
    [case] = cases(field, visit)
    assert (receipt["result"], case.kind, flags(field, visit)[2]) == ("applied_conflict", "late_fact", True)
    assert on_van(field) == [(5,)]
    with db.transaction() as session:
        visits.decide_case(session, by=field.desk, case=session.merge(case), decision="credit it")
    assert adjusted(field, visit) == ["VisitAdjusted"]


def test_record_clause_9_the_customer_signs_the_record_without_what_was_taken_back(field: Field) -> None:
    """What the phone shows is what the server holds: pulled before, with everything on top."""
    visit, sku = begun(field)
    first = field.op(protocol.FINDING, visit, **FINDINGS)
    part = fitted(field, visit, sku, lot="L1")
    record = field.record_of(visit)
    told = [
        first,
        part,
        fitted(field, visit, sku),
        taken_back(field, protocol.PART_VOID, visit, part),
        taken_back(field, protocol.FINDING_VOID, visit, first),
    ]
    field.push(*told)
    blank = protocol.shown_after(record, told, {})
    assert (blank["fault"], blank["solved"], len(blank["parts"])) == ("", None, 1)
    held = field.record_of(visit)
    assert {**held, "times": None} == {**blank, "times": None}
    right = field.op(protocol.FINDING, visit, **FINDINGS | {"fault": "B"})
    field.push(right)
    shown = protocol.shown_after(held, [right], {})
    sign = field.op(protocol.SIGN, visit, **SIGNED, shown_sha256=protocol.record_digest(shown))
    assert results(field.push(sign, field.op(protocol.FINISH, visit, is_solved=True))) == ["applied"] * 2


def test_record_clause_9_findings_said_again_stand_when_the_first_are_taken_back(field: Field) -> None:
    """The words are equal, the findings are two: known to the phone before the pull, or pulled already."""
    visit, _ = begun(field)
    record = field.record_of(visit)
    first, again = [field.op(protocol.FINDING, visit, **FINDINGS) for _ in range(2)]
    void = taken_back(field, protocol.FINDING_VOID, visit, first)
    field.push(first, again)
    pulled = field.record_of(visit)
    assert results(field.push(void)) == ["applied"]
    held = field.record_of(visit)
    assert held["fault"] == FINDINGS["fault"]
    for shown in (
        protocol.shown_after(record, [first, again, void], {}),
        protocol.shown_after(pulled, [void], {}, [first, again]),
    ):
        assert {**held, "times": None} == {**shown, "times": None}


def test_record_clause_9_a_visit_is_not_finished_without_findings(field: Field) -> None:
    """R-509: the last finding was taken back, and what it advised is not advised any more."""
    visit, _ = begun(field)
    first = field.op(protocol.FINDING, visit, **FINDINGS | {"advised": ["descale"]})
    last = field.op(protocol.FINDING, visit, **FINDINGS | {"advised": ["flush"]})
    void = taken_back(field, protocol.FINDING_VOID, visit, last)
    field.push(first, last, void)
    told = field.push(field.op(protocol.WAIVE, visit, reason="away"), field.op(protocol.FINISH, visit))
    assert results(told) == ["applied", "rejected:FINDINGS_MISSING"]
    assert field.ask("select distinct state from advised_work where visit_id = :id", id=visit) == [
        ("replaced",)
    ]
    with db.transaction() as session:
        assert session.get_one(Visit, visit).is_solved is None
