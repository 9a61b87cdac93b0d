"""Clause Conflict 21 of docs/reference/sync.md: the office amends what technicians told of their times."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from dispatch import clock, db
from dispatch.billing.commands import amend_times
from dispatch.errors import Stale
from dispatch.sync import protocol
from dispatch.work_orders.model import Visit
from tests.builders import at, frozen_clock
from tests.dispatch.sync.field import FINDINGS, Field
from tests.dispatch.sync.test_unverified import LOST, figures, follow, logged, of, outcomes, promised

NOON = at(12)


@pytest.fixture(autouse=True)
def noon(field: Field) -> Iterator[None]:
    """Noon: what is amended is over."""
    clock.set_source(frozen_clock(NOON))
    yield
    clock.set_source(None)


def amend(field: Field, visit_id: uuid.UUID, version: int | None = None, **times: datetime | int) -> None:
    """The desk amends times in a transaction of its own."""
    with db.transaction() as session:
        amend_times(
            session,
            by=field.desk,
            visit=session.get_one(Visit, visit_id),
            times=times,
            reason="the gate's book",
            expected_version=version,
        )


def told(op: dict[str, Any], hour: float) -> dict[str, Any]:
    """An operation recorded at an hour of the morning, on a clock that is right."""
    return op | {"occurred_at": at(hour).isoformat(), "mono_ms": 1000 - int((12 - hour) * 3_600_000)}


def kinds(field: Field, visit: uuid.UUID) -> list[str]:
    """The kinds of the open cases of a visit."""
    question = "select kind from review_case where visit_id = :id and decided_at is null order by kind"
    return [row[0] for row in field.ask(question, id=visit)]


def test_conflict_clause_21_an_amended_time_counts_and_reaches_the_phone(field: Field) -> None:
    """R-309: late by the technician, in time by the gate's book; promise and indicators follow once."""
    visit = promised(field)
    field.push(told(field.op(protocol.ARRIVE, visit), 10.5))
    cursor = field.pull().cursor
    assert outcomes(visit) == ["broken"]
    assert figures(field)["promise_kept_last"] == (0, 1)
    amend(field, visit, arrived_at=at(9.75))
    (change,) = field.pull(cursor).changes
    assert datetime.fromisoformat(change["body"]["arrived_at"]) == at(9.75)
    assert follow(field, visit) == ["performance.correct_logs", "promises.judge_again"]
    assert outcomes(visit) == ["kept"]
    assert logged(field)["promise_kept_last"] == (1, 1)
    assert field.ask("select kind, before, value from time_change where visit_id = :id", id=visit) == [
        ("amended", at(10.5).isoformat(), at(9.75).isoformat())
    ]
    steps = "select occurred_at from visit_event where visit_id = :id and to_state = 'on_site'"
    assert field.ask(steps, id=visit) == [(at(10.5),)]


def test_conflict_clause_21_a_later_step_of_the_phone_is_its_own_observation(field: Field) -> None:
    """The begin stays amended, the end is the technician's; in order, so nobody has to look."""
    visit = field.visit()
    travel, arrive, start, found, signed, finish = field.whole_visit(visit)
    field.push(told(travel, 8.5), told(arrive, 9), told(start, 9.25))
    amend(field, visit, started_at=at(9.5))
    field.push(found, signed, told(finish, 10))
    assert of(field, visit, "started_at", "finished_at") == (at(9.5), at(10))
    assert (kinds(field, visit), field.state(visit)) == ([], "verified")


def test_conflict_clause_21_times_that_contradict_what_was_amended_need_a_look(field: Field) -> None:
    """The office let work begin at eleven, the phone comes later and ended it at ten: both stay."""
    visit = field.visit()
    travel, arrive, start, found, signed, finish = field.whole_visit(visit)
    field.push(told(travel, 8.5), told(arrive, 9), told(start, 9.25))
    amend(field, visit, started_at=at(11))
    *_, receipt = field.push(found, signed, told(finish, 10))
    assert receipt["result"] == "applied_conflict"
    assert kinds(field, visit) == ["times_differ"]
    assert of(field, visit, "started_at", "finished_at", "state", "billing_hold") == (
        at(11),
        at(10),
        "done",
        True,
    )


def test_conflict_clause_21_work_handed_over_before_its_amended_begin_needs_a_look(field: Field) -> None:
    """The office let work begin at eleven, the phone comes later and handed it over at ten."""
    visit = field.visit()
    begun = field.whole_visit(visit)[:3]
    over = field.op(protocol.HAND_OVER, visit, note="Called to an emergency.", remaining_minutes=40)
    over["seq"] = begun[-1]["seq"] + 1
    field.push(*(told(op, hour) for op, hour in zip(begun, (8.5, 9, 9.25), strict=True)))
    amend(field, visit, started_at=at(11))
    (receipt,) = field.push(told(over, 10))
    assert receipt["result"] == "applied_conflict"
    assert kinds(field, visit) == ["times_differ"]
    assert of(field, visit, "finished_at", "state", "billing_hold") == (at(10), "done", True)


def test_conflict_clause_21_the_same_time_told_again_counts(field: Field) -> None:
    """Reopened and finished once more, it has the end that was seen last; the amendment stays on record."""
    visit = field.visit()
    travel, arrive, start, found, signed, finish = field.whole_visit(visit)
    photo = field.op(protocol.DECLARE, visit, sha256="ab" * 32, bytes=10, mime="image/jpeg")
    photo["seq"], finish["seq"] = finish["seq"], photo["seq"]
    field.push(told(travel, 8.5), told(arrive, 9), told(start, 9.25), found, signed, photo, told(finish, 10))
    amend(field, visit, finished_at=at(11))
    again = field.op(protocol.RESUME, visit, reason="one screw")
    found = field.op(protocol.FINDING, visit, **FINDINGS)
    field.push(told(again, 11.25), found, field.signature(visit, found))
    field.push(told(field.op(protocol.FINISH, visit, is_solved=True), 11.5))
    assert of(field, visit, "finished_at", "paused_seconds", "state") == (at(11.5), 900, "done")
    assert field.ask("select value from time_change where visit_id = :id", id=visit) == [
        (at(11).isoformat(),)
    ]


def test_conflict_clause_21_amending_what_waits_decides_its_case(field: Field) -> None:
    """Reliability 2.5: amended in the place of being confirmed; what the phone had said stays on record."""
    visit = promised(field)
    op = field.op(protocol.ARRIVE, visit) | {"occurred_at": at(9.5).isoformat(), "boot_id": None}
    field.pushed([op], clock=LOST)
    assert kinds(field, visit) == ["clock_unverified"]
    amend(field, visit, arrived_at=at(9.75))
    assert of(field, visit, "arrived_at", "unverified", "needs_review") == (at(9.75), {}, False)
    assert kinds(field, visit) == []
    assert field.ask("select told, value from time_change where visit_id = :id", id=visit) == [
        (at(9.5).isoformat(), at(9.75).isoformat())
    ]


def test_conflict_clause_21_a_push_and_an_amendment_at_once_lose_nothing(field: Field) -> None:
    """Race: an amendment counts on the version that was read, or is refused; the phone's step stands."""
    for _ in range(4):
        visit = field.visit()
        field.push(told(field.op(protocol.ARRIVE, visit), 9))
        ((version,),) = field.ask("select version from visit where id = :id", id=visit)
        start, results, ready = told(field.op(protocol.START, visit), 10), [], threading.Barrier(2)

        def push(start: Any = start, results: Any = results, ready: Any = ready) -> None:
            ready.wait(timeout=30)
            results.extend(receipt["result"] for receipt in field.push(start))

        def desk(
            visit: Any = visit, version: Any = version, results: Any = results, ready: Any = ready
        ) -> None:
            ready.wait(timeout=30)
            try:
                amend(field, visit, version, arrived_at=at(8.5))
                results.append("amended")
            except Stale:
                results.append("stale")

        threads = [threading.Thread(target=act) for act in (push, desk)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=60)
        outcome = next(result for result in results if result != "applied")
        assert sorted(results) == sorted(["applied", outcome])
        arrived = at(8.5) if outcome == "amended" else at(9)
        assert of(field, visit, "arrived_at", "started_at") == (arrived, at(10))
