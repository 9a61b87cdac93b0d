"""Runs are written with the change, once for each key, and rung after the commit."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from dispatch import clock, db, outbox, queue
from dispatch.events import InvoiceIssued, TechnicianArrived, TechnicianOnTheWay, VisitCompleted
from tests.job_handlers import JOBS
from tests.job_stage import Stage

SUBSCRIPTIONS = {
    TechnicianOnTheWay: ("test.note",),
    TechnicianArrived: ("test.note",),
    VisitCompleted: ("test.note", "test.batch"),
}


@pytest.fixture(autouse=True)
def _subscribed(stage: Stage) -> None:
    outbox.register(JOBS, SUBSCRIPTIONS)


def test_an_event_becomes_one_run_for_each_subscribed_kind(stage: Stage) -> None:
    with db.transaction() as session:
        ids = outbox.record(session, VisitCompleted(visit_id="v1"))
    assert len(ids) == 2
    rows = stage.ask("select key, kind, state, attempt, payload from job_run order by kind")
    payload = {"event": "VisitCompleted", "visit_id": "v1"}
    assert rows == [
        ("test.batch:VisitCompleted:v1", "test.batch", "ready", 0, payload),
        ("test.note:VisitCompleted:v1", "test.note", "ready", 0, payload),
    ]


def test_an_event_without_subscribers_starts_nothing(stage: Stage) -> None:
    with db.transaction() as session:
        assert outbox.record(session, InvoiceIssued(invoice_id="i1")) == []
    assert stage.states() == {}


def test_the_same_event_twice_starts_nothing_more(stage: Stage) -> None:
    with db.transaction() as session:
        outbox.record(session, TechnicianArrived(visit_id="v1"))
        assert outbox.record(session, TechnicianArrived(visit_id="v1")) == []
    assert stage.states() == {"ready": 1}


def test_two_events_about_the_same_visit_are_two_runs(stage: Stage) -> None:
    with db.transaction() as session:
        outbox.record(session, TechnicianOnTheWay(visit_id="v1"))
        outbox.record(session, TechnicianArrived(visit_id="v1"))
    assert stage.states() == {"ready": 2}


def test_a_rolled_back_change_leaves_no_run_and_no_ring(stage: Stage) -> None:
    def fail() -> None:
        with db.transaction() as session:
            outbox.request(session, "test.note", "k", {})
            raise ValueError("the change was refused")

    with pytest.raises(ValueError, match="refused"):
        fail()
    assert stage.states() == {}
    assert queue.waiting("default") == set()


def test_a_run_is_rung_after_its_commit_and_not_before(stage: Stage) -> None:
    with db.transaction() as session:
        run_id = outbox.request(session, "test.note", "k", {})
        assert queue.waiting("default") == set()
    assert queue.waiting("default") == {f"{run_id}-0"}


def test_eight_callers_at_once_write_one_run(stage: Stage) -> None:
    with ThreadPoolExecutor(8) as callers:
        ids = list(callers.map(lambda _: stage.request("test.note", "same")[0], range(8)))
    assert sorted(ids)[-7:] == ["None"] * 7
    assert stage.states() == {"ready": 1}


def test_equal_keys_of_two_kinds_do_not_meet(stage: Stage) -> None:
    assert "None" not in stage.request("test.note", "k") + stage.request("test.slow", "k")


def test_an_unknown_kind_is_refused_before_anything_is_written(stage: Stage) -> None:
    with pytest.raises(outbox.UnknownKind):
        stage.request("no.such", "k")
    assert stage.states() == {}


def test_a_run_for_later_is_neither_rung_nor_taken_before_its_time(stage: Stage) -> None:
    with db.transaction() as session:
        later = clock.now() + timedelta(minutes=10)
        run_id = outbox.request(session, "test.note", "later", {}, not_before=later)
    assert run_id is not None
    assert queue.waiting("default") == set()
    assert outbox.take(run_id) is None
    [(seconds,)] = stage.ask("select extract(epoch from ready_at - now()) from job_run")
    assert 590 < seconds <= 600


def test_many_runs_of_a_batch_kind_ring_once(stage: Stage) -> None:
    stage.request("test.batch", *[f"k{n}" for n in range(20)])
    assert len(queue.waiting("default") or ()) == 1
    queue.bell_heard("test.batch")
    stage.request("test.batch", "after")
    assert len(queue.waiting("default") or ()) == 2


def test_a_dead_queue_server_neither_fails_nor_delays_the_caller(stage: Stage, tmp_path: Path) -> None:
    queue.configure(f"unix://{tmp_path}/nobody.sock")
    started = time.monotonic()
    stage.request("test.note", *[f"k{n}" for n in range(50)])
    stage.request("test.batch", *[f"k{n}" for n in range(50)])
    assert time.monotonic() - started < 2.0
    assert stage.states() == {"ready": 100}


def test_a_queue_server_that_accepts_but_never_answers_costs_half_a_second_once(
    stage: Stage, deaf_server: str
) -> None:
    queue.configure(deaf_server)
    started = time.monotonic()
    stage.request("test.note", *[f"k{n}" for n in range(30)])
    assert time.monotonic() - started < 2.0
    assert stage.states() == {"ready": 30}


def test_after_a_pause_the_bell_is_tried_again(
    stage: Stage, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue.configure(f"unix://{tmp_path}/nobody.sock")
    monkeypatch.setattr(queue, "BREAK_SECONDS", 0.0)
    stage.request("test.note", "lost")
    silent = queue.silent_seconds()
    assert silent is not None
    assert silent >= 0
    queue.configure(redis_url)
    assert queue.silent_seconds() is None
    stage.request("test.note", "heard")
    assert len(queue.waiting("default") or ()) == 1
