"""Clauses Time 7 and 8 of docs/reference/sync.md: what an unverified clock says waits for a look."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select, text

from dispatch import clock, db, outbox
from dispatch.access.model import AuditEntry
from dispatch.customers.model import Customer
from dispatch.performance.commands import write_daily_log
from dispatch.performance.model import DailyLog
from dispatch.promises import alarming, clocks
from dispatch.promises.clocks import ClockState
from dispatch.promises.model import PromiseAlarm, ServiceStep
from dispatch.sync import protocol
from dispatch.work_orders import commands as visits
from dispatch.work_orders.model import ReviewCase, Visit
from tests import builders
from tests.builders import DAY, at, frozen_clock
from tests.dispatch.sync.field import FINDINGS, Field

LOST = {"wall": None, "mono_ms": None, "boot_id": None}
"""What a phone tells of its clocks when nothing of it can be compared."""


@pytest.fixture(autouse=True)
def noon(field: Field) -> Iterator[None]:
    """The phone is heard of at noon, two hours after the window."""
    clock.set_source(frozen_clock(at(12)))
    yield
    clock.set_source(None)


def unsure(field: Field, kind: str, visit: uuid.UUID, hour: float, **payload: Any) -> dict[str, Any]:
    """An operation whose time only the phone knows."""
    return field.op(kind, visit, **payload) | {"occurred_at": at(hour).isoformat(), "boot_id": None}


def heard(field: Field, *ops: dict[str, Any]) -> list[dict[str, Any]]:
    """What a phone without a clock is answered."""
    return [json.loads(receipt) for receipt in field.pushed(ops, clock=LOST).receipts]


def promised(field: Field) -> uuid.UUID:
    """A visit promised from eight to ten, with limits at ten and at thirteen o'clock."""
    visit_id = field.visit()
    with db.transaction() as session:
        visit = session.get_one(Visit, visit_id)
        promise = builders.a_promise(session, visit, window_start=at(8), window_end=at(10))
        customer = session.get_one(Customer, visit.work_order.customer_id)
        visit.work_order.contract_id = builders.a_contract(session, customer=customer).id
        limits = {"requested_at": at(8), "response_due_at": at(10), "resolution_due_at": at(13)}
        for name, value in limits.items():
            setattr(visit.work_order, name, value)
        session.add(
            PromiseAlarm(
                promise_id=promise.id,
                visit_id=visit_id,
                territory_id=visit.work_order.territory_id,
                day=DAY,
                reason="delay",
                seen_at=at(9),
                expected_arrival=None,
            )
        )
    return visit_id


def of(field: Field, visit_id: uuid.UUID, *names: str) -> tuple[Any, ...]:
    """Columns of a visit."""
    return field.ask(f"select {', '.join(names)} from visit where id = :id", id=visit_id)[0]


def clocks_now(visit_id: uuid.UUID) -> dict[str, tuple[ClockState, bool]]:
    """How the limits of a visit's order stand, and whether that is provisional."""
    with db.transaction() as session:
        order = session.get_one(Visit, visit_id).work_order
        return {one.kind: (one.state, one.is_provisional) for one in clocks.clocks_of(session, order)}


def steps_of_response(visit_id: uuid.UUID) -> list[int]:
    """The steps of escalation of the limit of response, after a look at the territory."""
    with db.transaction() as session:
        order = session.get_one(Visit, visit_id).work_order
        clocks.escalate(session, order.territory_id)
        steps = select(ServiceStep.percent).where(
            ServiceStep.work_order_id == order.id, ServiceStep.kind == "response"
        )
        return sorted(session.scalars(steps))


def outcomes(visit_id: uuid.UUID) -> list[str | None]:
    """How the alarms of a visit ended, after a look at the day."""
    with db.transaction() as session:
        territory = session.get_one(Visit, visit_id).work_order.territory_id
        alarming.close_past(session, territory, DAY + timedelta(days=1))
        alarms = session.scalars(select(PromiseAlarm).where(PromiseAlarm.visit_id == visit_id))
        return [alarm.outcome for alarm in alarms]


def figures(field: Field) -> dict[str, tuple[int, int]]:
    """The indicators of the technician's day that the phone's times decide."""
    names = ("promise_kept_last", "punctual_within_band", "sla_response_kept", "schedule_adherence")
    with db.transaction() as session:
        write_daily_log(session, day=DAY)
    return {name: pair for name, pair in logged(field).items() if name in names}


def logged(field: Field) -> dict[str, tuple[int, int]]:
    """The indicators as they are written."""
    with db.transaction() as session:
        statement = select(DailyLog).where(DailyLog.day == DAY, DailyLog.scope_id == str(field.technician_id))
        log = session.scalars(statement).one()
        return {one.name: (int(one.numerator), int(one.denominator)) for one in log.indicators}


def decide(field: Field, visit_id: uuid.UUID, decision: str = "asked the customer") -> None:
    """The desk decides the case of the clock; what follows is done as in production."""
    with db.transaction() as session:
        statement = select(ReviewCase).where(
            ReviewCase.visit_id == visit_id, ReviewCase.kind == "clock_unverified"
        )
        visits.decide_case(session, by=field.desk, case=session.scalars(statement).one(), decision=decision)
    follow(field, visit_id)


def follow(field: Field, visit_id: uuid.UUID) -> list[str]:
    """Perform what a change of times started; return what it was."""
    kinds = ["promises.judge_again", "performance.correct_logs"]
    rows = field.ask(
        "select id, kind from job_run where state = 'ready' and kind = any(:kinds)"
        " and payload->>'visit_id' = :id order by kind",
        kinds=kinds,
        id=str(visit_id),
    )
    for run_id, _ in rows:
        outbox.perform(str(run_id))
    return [kind for _, kind in rows]


def test_time_clause_7_what_an_unverified_clock_says_is_kept_and_the_bound_counts(field: Field) -> None:
    """In time by the phone's own clock, two hours late as far as the server can tell."""
    visit = promised(field)
    (receipt,) = heard(field, unsure(field, protocol.ARRIVE, visit, 9.5))
    assert (receipt["result"], receipt["clock_quality"]) == ("applied_conflict", "unverified")
    arrived, waiting = of(field, visit, "arrived_at", "unverified")
    assert (arrived, waiting) == (at(12), {"arrived_at": at(9.5).isoformat()})
    events = "select occurred_at, counts_at from visit_event where visit_id = :id and to_state = 'on_site'"
    assert field.ask(events, id=visit) == [(at(9.5), at(12))]
    (change,) = [one for one in field.pull().changes if one["id"] == str(visit)]
    assert datetime.fromisoformat(change["body"]["arrived_at"]) == at(12)


def test_time_clause_7_neither_kept_nor_broken_before_somebody_has_looked(field: Field) -> None:
    """R-309, R-401, R-704: the bound is late, so nothing is judged; no step of escalation is noted."""
    visit = promised(field)
    heard(field, unsure(field, protocol.ARRIVE, visit, 9.5))
    assert clocks_now(visit)["response"] == (ClockState.MISSED, True)
    assert steps_of_response(visit) == []
    assert outcomes(visit) == [None]
    assert figures(field) == {
        "promise_kept_last": (0, 0),
        "punctual_within_band": (0, 0),
        "sla_response_kept": (0, 0),
        "schedule_adherence": (0, 1),
    }


def test_time_clause_7_what_even_the_bound_keeps_is_kept(field: Field) -> None:
    """It came before the window's end, so the visit began before that, whenever it was."""
    visit = promised(field)
    clock.set_source(frozen_clock(at(9.9)))
    heard(field, unsure(field, protocol.ARRIVE, visit, 3))
    assert clocks_now(visit)["response"] == (ClockState.MET, True)
    assert outcomes(visit) == ["kept"]
    assert figures(field)["promise_kept_last"] == (1, 1)


def test_time_clause_7_the_next_verified_step_is_a_nearer_bound(field: Field) -> None:
    visit = promised(field)
    arrive = unsure(field, protocol.ARRIVE, visit, 3) | {"occurred_at": at(20).isoformat()}
    start = field.op(protocol.START, visit) | {
        "occurred_at": at(9.75).isoformat(),
        "mono_ms": 1000 - int(2.25 * 3_600_000),
    }
    field.push(arrive, start)
    arrived, started, waiting = of(field, visit, "arrived_at", "started_at", "unverified")
    assert (arrived, started, list(waiting)) == (at(9.75), at(9.75), ["arrived_at"])
    assert outcomes(visit) == ["kept"]


def test_time_clause_7_unverified_pauses_shorten_no_billed_work(field: Field) -> None:
    """Two hours of work with an hour's pause by the phone; the server has heard of all of it at once."""
    visit = promised(field)
    heard(
        field,
        unsure(field, protocol.ARRIVE, visit, 9),
        unsure(field, protocol.START, visit, 9),
        unsure(field, protocol.PAUSE, visit, 10, reason="part"),
        unsure(field, protocol.RESUME, visit, 11),
    )
    counted, waiting = of(field, visit, "paused_seconds", "unverified")
    assert (counted, waiting["paused_seconds"]) == (0, 3600)
    decide(field, visit)
    assert of(field, visit, "paused_seconds", "started_at", "unverified") == (3600, at(9), {})


def test_time_clause_7_a_handed_over_visit_waits_for_a_look(field: Field) -> None:
    """Its end is billed, so it is not verified by itself."""
    visit = field.visit()
    for kind in (protocol.ARRIVE, protocol.START):
        field.push(field.op(kind, visit))
    (receipt,) = heard(
        field, unsure(field, protocol.HAND_OVER, visit, 11, note="back tomorrow", remaining_minutes=30)
    )
    assert receipt["result"] == "applied_conflict"
    assert of(field, visit, "state", "finished_at", "needs_review") == ("done", at(12), True)


def test_time_clause_7_a_case_about_the_attendance_keeps_bounds_as_well(field: Field) -> None:
    """Conflict 4: cancelled by the desk, done by a technician whose clock nobody can verify."""
    visit = field.visit()
    work = [op | {"occurred_at": at(9).isoformat(), "boot_id": None} for op in field.whole_visit(visit)]
    field.cancel(visit)
    heard(field, *work)
    arrived, finished, waiting = of(field, visit, "arrived_at", "finished_at", "unverified")
    assert (arrived, finished) == (at(12), at(12))
    assert set(waiting) == {"travelling_at", "arrived_at", "started_at", "finished_at"}
    kinds = field.ask("select kind from review_case where visit_id = :id order by kind", id=visit)
    assert kinds == [("cancelled_but_done",), ("clock_unverified",)]


def test_time_clause_8_the_confirmed_time_counts_and_everything_follows_once(field: Field) -> None:
    """R-309, R-401, R-704: promise, limit, and the day's indicators, each once and by record."""
    visit = promised(field)
    heard(field, unsure(field, protocol.ARRIVE, visit, 9.5))
    figures(field)
    assert outcomes(visit) == [None]
    decide(field, visit)
    assert of(field, visit, "arrived_at", "unverified", "needs_review") == (at(9.5), {}, False)
    assert clocks_now(visit)["response"] == (ClockState.MET, False)
    assert outcomes(visit) == ["kept"]
    assert logged(field)["promise_kept_last"] == (1, 1)
    assert logged(field)["sla_response_kept"] == (1, 1)
    changes = (
        "select name, kind, told, before, value, reason, changed_by from time_change where visit_id = :id"
    )
    said, bound = at(9.5).isoformat(), at(12).isoformat()
    told = ("arrived_at", "confirmed", said, bound, said, "asked the customer", field.desk.user_id)
    assert field.ask(changes, id=visit) == [told]
    assert follow(field, visit) == [], "what follows is done once"
    printing = "select count(*) from job_run where kind = :kind and payload->>'visit_id' = :id"
    assert field.ask(printing, kind="work_orders.render_report", id=str(visit)) == [(1,)]
    with db.transaction() as session:
        entries = select(AuditEntry.action, AuditEntry.outcome).where(
            AuditEntry.subject == str(visit), AuditEntry.action == "visit_times"
        )
        assert [tuple(row) for row in session.execute(entries)] == [("visit_times", "confirmed")]
        judged = select(AuditEntry.detail).where(AuditEntry.action == "promise_judged")
        assert {"ends": {"before": None, "after": "kept"}} in session.scalars(judged).all()


def test_time_clause_8_a_confirmed_time_that_is_late_breaks_promise_and_limit(field: Field) -> None:
    """R-309, R-401, R-704."""
    visit = promised(field)
    heard(field, unsure(field, protocol.ARRIVE, visit, 10.5))
    figures(field)
    decide(field, visit)
    assert clocks_now(visit)["response"] == (ClockState.MISSED, False)
    assert steps_of_response(visit) == [50, 80, 100]
    assert outcomes(visit) == ["broken"]
    assert (logged(field)["promise_kept_last"], logged(field)["sla_response_kept"]) == ((0, 1), (0, 1))


def test_time_clause_8_a_promise_that_nobody_saw_in_danger_is_followed_up_when_it_turns_out_broken(
    field: Field,
) -> None:
    """R-309, R-802: there was no alarm before; the office asks the customer all the same."""
    visit = promised(field)
    with db.transaction() as session:
        session.execute(delete(PromiseAlarm).where(PromiseAlarm.visit_id == visit))
    heard(field, unsure(field, protocol.ARRIVE, visit, 10.5))
    decide(field, visit)
    with db.transaction() as session:
        found = session.scalars(select(PromiseAlarm).where(PromiseAlarm.visit_id == visit)).all()
        assert [(alarm.outcome, alarm.told_at) for alarm in found] == [("broken", None)]


def test_time_clause_8_a_promise_called_broken_before_the_phone_came_is_mended_by_the_look(
    field: Field,
) -> None:
    """Nobody was heard of all day; the next morning the phone tells of an arrival in time."""
    visit = promised(field)
    clock.set_source(frozen_clock(at(7, days=1)))
    assert outcomes(visit) == ["broken"]
    heard(field, unsure(field, protocol.ARRIVE, visit, 9.5))
    assert outcomes(visit) == ["broken"]
    decide(field, visit)
    assert outcomes(visit) == ["kept"]


def test_time_clause_8_a_visit_moves_to_the_day_of_its_confirmed_arrival(field: Field) -> None:
    """R-701: the log of the bound's day is written anew as well."""
    visit = promised(field)
    clock.set_source(frozen_clock(at(7, days=1)))
    heard(field, unsure(field, protocol.ARRIVE, visit, 9.5))
    attended = "visits_per_technician_day"
    with db.transaction() as session:
        for day in (DAY, DAY + timedelta(days=1)):
            write_daily_log(session, day=day)
    before = logged(field)[attended]
    decide(field, visit)
    assert (before[0], logged(field)[attended][0]) == (0, 1)
    rows = field.ask(
        "select i.numerator from indicator i join daily_log d on d.id = i.daily_log_id"
        " where i.name = :name and d.day = :day and d.scope_id = :who",
        name=attended,
        day=DAY + timedelta(days=1),
        who=str(field.technician_id),
    )
    assert rows == []


def test_time_clause_8_a_verified_second_end_replaces_what_waited(field: Field) -> None:
    """A visit finished by a lost clock, reopened and finished by a good one: its own time is known."""
    visit = field.visit()
    *before, finish = field.whole_visit(visit)
    field.push(*before)
    heard(field, finish | {"occurred_at": at(11).isoformat(), "boot_id": None})
    assert list(of(field, visit, "unverified")[0]) == ["finished_at"]
    field.push(field.op(protocol.RESUME, visit, reason="one screw"))
    found = field.op(protocol.FINDING, visit, **FINDINGS)
    field.push(found, field.signature(visit, found), field.op(protocol.FINISH, visit, is_solved=True))
    finished, waiting = of(field, visit, "finished_at", "unverified")
    assert (finished, "finished_at" in waiting) == (at(12), False)


def test_a_row_about_a_time_is_never_changed(field: Field) -> None:
    visit = promised(field)
    heard(field, unsure(field, protocol.ARRIVE, visit, 9.5))
    decide(field, visit)
    with pytest.raises(Exception, match="never changed or removed"), db.transaction() as session:
        session.execute(text("update time_change set reason = 'other'"))
