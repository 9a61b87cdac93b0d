"""Failures are stored, repeated after a pause, and parked when patience is used up."""

from __future__ import annotations

import threading
import uuid
from datetime import timedelta

import pytest

from dispatch import clock, db, outbox, queue
from tests import job_handlers
from tests.job_handlers import JOBS, QUICK
from tests.job_stage import Stage


def test_the_handler_gets_the_ids_and_leaves_its_effect(stage: Stage) -> None:
    [run_id] = stage.request("test.note", "k", event="VisitCompleted", visit_id="v1")
    outbox.perform(run_id)
    run = stage.run(run_id)
    assert (run["state"], run["result"]) == ("done", {"visit_id": "v1"})


def test_a_failure_is_stored_and_waits_for_its_next_attempt(stage: Stage) -> None:
    [run_id] = stage.request("test.poison", "k")
    outbox.perform(run_id)
    run = stage.run(run_id)
    assert (run["state"], run["attempt"], run["error"]) == ("ready", 1, "ValueError: poison")
    assert run["lease_token"] is None
    [(waits,)] = stage.ask("select ready_at > now() from job_run")
    assert waits
    assert stage.effects() == {}


def test_each_pause_is_longer_than_the_one_before() -> None:
    timing = outbox.Timing()
    pauses = [timing.pause_after(attempt) for attempt in range(1, 9)]
    assert pauses == [4.0, 12.0, 36.0, 108.0, 324.0, 600.0, 600.0, 600.0]


def test_poison_is_parked_after_its_attempts_and_others_proceed(stage: Stage) -> None:
    [poison] = stage.request("test.poison", "k")
    for _ in range(5):
        outbox.perform(poison)
        stage.make_due()
    run = stage.run(poison)
    assert (run["state"], run["attempt"], run["error"]) == ("parked", 3, "ValueError: poison")
    [good] = stage.request("test.note", "k")
    outbox.perform(good)
    assert stage.states() == {"parked": 1, "done": 1}


def test_a_refusal_that_nothing_can_mend_is_parked_at_once(stage: Stage) -> None:
    [run_id] = stage.request("test.refused", "k")
    outbox.perform(run_id)
    assert stage.run(run_id)["state"] == "parked"
    assert stage.run(run_id)["attempt"] == 1


def test_a_run_whose_work_horses_vanish_is_parked(stage: Stage) -> None:
    [run_id] = stage.request("test.note", "k")
    stage.tell("update job_run set attempt = 5, state = 'running', lease_until = now() - interval '1 s'")
    outbox.perform(run_id)
    run = stage.run(run_id)
    assert run["state"] == "parked"
    assert "vanished in each of 5 attempts" in run["error"]


def test_a_handler_that_forgets_to_finish_has_failed(stage: Stage) -> None:
    [run_id] = stage.request("test.forgets", "k")
    outbox.perform(run_id)
    assert stage.run(run_id)["error"].startswith("NotFinished: ")


def test_a_handler_that_cannot_be_imported_has_failed(stage: Stage) -> None:
    [run_id] = stage.request("test.unwritten", "k")
    outbox.perform(run_id)
    assert stage.run(run_id)["error"].startswith("AttributeError: ")
    assert stage.run(run_id)["state"] == "ready"


def test_a_parked_run_gets_its_attempts_back_on_request(stage: Stage) -> None:
    [run_id] = stage.request("test.refused", "k")
    outbox.perform(run_id)
    with db.transaction() as session:
        assert outbox.retry_parked(session, stage.run(run_id)["id"])
    run = stage.run(run_id)
    assert (run["state"], run["attempt"]) == ("ready", 0)
    assert f"{run_id}-0" in (queue.waiting("default") or ())


def test_only_parked_runs_can_be_retried(stage: Stage) -> None:
    [run_id] = stage.request("test.note", "k")
    with db.transaction() as session:
        assert not outbox.retry_parked(session, stage.run(run_id)["id"])


def test_a_batch_is_done_by_one_call_of_its_handler(stage: Stage) -> None:
    stage.request("test.batch", *[f"k{n}" for n in range(20)])
    outbox.perform_batch("test.batch")
    assert stage.states() == {"done": 20}
    assert stage.ask("select count(*) from begun") == [(1,)]


def test_poison_in_a_batch_stays_alone(stage: Stage) -> None:
    stage.request("test.batch", "a", "b", "c")
    [bad] = stage.request("test.batch", "bad", poison="yes")
    for _ in range(3):
        outbox.perform_batch("test.batch")
        stage.make_due()
    assert stage.states() == {"done": 3, "parked": 1}
    assert stage.run(bad)["error"] == "ValueError: poison in the batch"
    assert set(stage.effects().values()) == {1}


def test_a_batch_handler_can_fail_one_run_without_repeating_the_others(stage: Stage) -> None:
    stage.request("test.batch", "a", "b")
    [late] = stage.request("test.batch", "late", waits="yes")
    outbox.perform_batch("test.batch")
    assert stage.states() == {"done": 2, "ready": 1}
    assert stage.run(late)["error"] == "TimeoutError: not reached"
    assert stage.ask("select count(*) from begun") == [(1,)]


def test_a_work_horse_takes_on_what_is_ready_in_its_queue(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    [first, *_] = stage.request("test.note", *[f"k{n}" for n in range(5)])
    stage.request("test.batch", "a", "b")
    stage.request("test.unwritten", "of another queue")
    with db.transaction() as session:
        outbox.request(session, "test.note", "later", {}, not_before=clock.now() + timedelta(hours=1))
    monkeypatch.setattr(queue, "_horse", queue.WorkHorse(uuid.uuid4(), "default", threading.Event()))
    outbox.perform(first)
    assert stage.states() == {"done": 7, "ready": 2}


def test_outside_a_work_horse_nothing_more_is_taken_on(stage: Stage) -> None:
    [first, _] = stage.request("test.note", "a", "b")
    outbox.perform(first)
    assert stage.states() == {"done": 1, "ready": 1}


def test_a_work_horse_takes_on_nothing_that_could_outlast_its_ring(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    long_job = outbox.Job("test.slow", "tests.job_handlers:note", "default", timeout_seconds=300)
    outbox.register((*[job for job in JOBS if job.kind != "test.slow"], long_job), {}, timing=QUICK)
    [first] = stage.request("test.note", "a")
    stage.request("test.slow", "b")
    monkeypatch.setattr(queue, "_horse", queue.WorkHorse(uuid.uuid4(), "default", threading.Event()))
    outbox.perform(first)
    assert stage.states() == {"done": 1, "ready": 1}


def test_what_a_database_refusal_carried_is_not_kept_with_the_run(stage: Stage) -> None:
    """Values of a failed statement may be a customer's; the stored error has none (S20)."""
    [run_id] = stage.request("test.breaks", "k", secret="Canary Street 5")
    outbox.perform(run_id)
    assert "Canary" not in stage.run(run_id)["error"]
    assert stage.run(run_id)["error"].startswith("ProgrammingError: ")


def test_a_table_of_jobs_with_a_mistake_is_refused() -> None:
    job = outbox.Job("a", "x:y", "default", 1)
    with pytest.raises(ValueError, match="twice"):
        outbox.register((job, job), {})


def test_what_a_queue_needs_is_warmed_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    warmed: list[str] = []
    monkeypatch.setattr(job_handlers, "warm_up", lambda: warmed.append("up"), raising=False)
    path, warm = "tests.job_handlers:note", "tests.job_handlers:warm_up"
    jobs = [outbox.Job(f"test.{name}", path, "planning", 1, warm=warm) for name in ("a", "b")]
    outbox.register([*jobs, outbox.Job("test.c", path, "default", 1)], {})
    outbox.load_handlers("default")
    assert warmed == []
    outbox.load_handlers("planning")
    assert warmed == ["up"]
    outbox.register((), {})
