"""The queue server dies, forgets or is missing: work is late, never lost or doubled (reliability §7)."""

from __future__ import annotations

import time

import pytest

from tests.integration.jobs.conftest import MortalValkey, Start
from tests.job_stage import Stage, wait_for

pytestmark = pytest.mark.kill

KEYS = [f"k{n}" for n in range(20)]
ONCE = {f"test.note:{key}": 1 for key in KEYS}


def test_rings_that_were_flushed_are_rung_again(stage: Stage, start: Start, valkey: MortalValkey) -> None:
    stage.request("test.note", *KEYS)
    valkey.call("FLUSHALL")
    start("default")
    wait_for(lambda: stage.effects() == ONCE)
    assert stage.states() == {"done": 20}


def test_a_flush_under_a_working_worker_loses_nothing(
    stage: Stage, start: Start, valkey: MortalValkey
) -> None:
    worker = start("default")
    for key in KEYS:
        stage.request("test.note", key)
        if key in {"k5", "k12"}:
            valkey.call("FLUSHALL")
    wait_for(lambda: stage.effects() == ONCE)
    assert worker.poll() is None


def test_a_killed_queue_server_delays_work_only(stage: Stage, start: Start, valkey: MortalValkey) -> None:
    """The server keeps nothing on disk here: every ring is lost, and the callers notice nothing."""
    worker = start("default")
    stage.request("test.note", *KEYS[:5])
    valkey.kill()
    started = time.monotonic()
    stage.request("test.note", *KEYS[5:])
    assert time.monotonic() - started < 2.0
    valkey.start()
    wait_for(lambda: stage.effects() == ONCE, seconds=20.0)
    assert worker.poll() is None


def test_a_queue_server_killed_under_a_long_job_does_not_stop_it(
    stage: Stage, start: Start, valkey: MortalValkey
) -> None:
    worker = start("default")
    [run_id] = stage.request("test.slow", "k")
    wait_for(lambda: stage.ask("select 1 from begun"))
    valkey.kill()
    stage.tell("insert into gate values ('test.slow:k')")
    wait_for(lambda: stage.run(run_id)["state"] == "done")
    valkey.start()
    stage.request("test.note", "afterwards")
    wait_for(lambda: stage.states() == {"done": 2})
    assert stage.effects() == {"test.slow:k": 1, "test.note:afterwards": 1}
    assert worker.poll() is None


@pytest.mark.parametrize("server", ["none named", "dead"])
def test_without_any_queue_server_the_workers_do_everything_late(
    stage: Stage, start: Start, valkey: MortalValkey, server: str
) -> None:
    """Decision 11."""
    valkey.kill()
    url = valkey.url if server == "dead" else None
    workers = [start("default", "1", redis_url=url) for _ in range(2)]
    stage.request("test.note", *KEYS)
    stage.request("test.batch", "b1", "b2")
    wait_for(lambda: stage.states() == {"done": 22})
    assert set(stage.effects().values()) == {1}
    for worker in workers:
        worker.terminate()
        assert worker.wait(timeout=10) == 0


def test_two_scheduler_processes_write_each_missed_day_once(stage: Stage, start: Start) -> None:
    """Row 33: down for three days, then two schedulers at once."""
    stage.tell(
        "insert into schedule (name, kind, timezone, minute_of_day, day_offset, catch_up_days, payload,"
        " last_day, is_active) values ('log', 'test.note', 'UTC', 0, 0, 7, '{}',"
        " (now() at time zone 'UTC')::date - 3, true)"
    )
    schedulers = [start("scheduler") for _ in range(2)]
    assert [scheduler.wait(timeout=30) for scheduler in schedulers] == [0, 0]
    # by transaction number, which each gets with the schedule's lock: created_at is from before the wait
    written = stage.ask(
        "select (now() at time zone 'UTC')::date - (payload->>'day')::date from job_run"
        " order by xmin::text::bigint"
    )
    assert written == [(2,), (1,), (0,)]
