"""The operation ``visit.hand_over``: work under way goes to a colleague."""

from __future__ import annotations

from dispatch.sync import protocol
from tests.dispatch.sync.field import FINDINGS, Field
from tests.dispatch.sync.test_pull import held

REST = {"note": "Called to an emergency.", "remaining_minutes": 40}


def test_work_under_way_is_handed_over_once_however_often_it_is_sent(field: Field) -> None:
    visit = field.visit()
    begun = [field.op(kind, visit) for kind in (protocol.TRAVEL, protocol.ARRIVE, protocol.START)]
    found = field.op(protocol.FINDING, visit, **FINDINGS | {"is_solved": False})
    over = field.op(protocol.HAND_OVER, visit, **REST)
    first = field.push(*begun, found, over)
    assert {one["result"] for one in first} == {protocol.APPLIED}
    assert field.push(over) == first[-1:]
    assert field.state(visit) == "verified"
    rows = field.ask(
        "select v.attempt, v.state from visit v join visit o using (work_order_id)"
        " where o.id = :id order by v.attempt",
        id=visit,
    )
    assert rows == [(1, "verified"), (2, "unplanned")]


def test_the_colleague_is_told_what_was_done(field: Field) -> None:
    visit, other = field.visit(), field.colleague()
    begun = [field.op(kind, visit) for kind in (protocol.TRAVEL, protocol.ARRIVE, protocol.START)]
    field.push(*begun, field.op(protocol.HAND_OVER, visit, **REST))
    number = "select id from visit where work_order_id = (select work_order_id from visit where id = :id)"
    (following,) = [row[0] for row in field.ask(number + " and attempt = 2", id=visit)]
    other.reassign(following)
    body = held(other)[str(following)]
    assert [one["note"] for one in body["before"]] == [REST["note"]]
    assert body["before"][0]["technician"]


def test_a_visit_that_nobody_has_begun_is_not_handed_over(field: Field) -> None:
    visit = field.visit()
    (decided,) = field.push(field.op(protocol.HAND_OVER, visit, **REST))
    assert (decided["result"], decided["code"]) == (protocol.REJECTED, "HANDOVER_IMPOSSIBLE")
    assert field.state(visit) == "published"
