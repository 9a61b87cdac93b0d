"""Workers and work-horses die at the worst moments: nothing is lost or done twice (reliability §7)."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import redis
import rq
import rq.job

from dispatch import queue
from tests.integration.jobs.conftest import MortalValkey, Start
from tests.job_stage import Stage, wait_for

pytestmark = pytest.mark.kill


def horse_of(stage: Stage, key: str, attempt: int = 1) -> int:
    """Process id of the work-horse that has begun a run."""
    question = "select pid from begun where key = :key and attempt = :attempt"
    return int(wait_for(lambda: stage.ask(question, key=key, attempt=attempt))[0][0])


def is_gone(pid: int) -> bool:
    """Whether a process has ended (a zombie has)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in {"Z", "X"}
    except (FileNotFoundError, ProcessLookupError):
        return True


def is_stopped(pid: int) -> bool:
    """Whether a process is stopped by a signal."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def done(stage: Stage, run_id: str) -> bool:
    """Whether a run is done."""
    return bool(stage.run(run_id)["state"] == "done")


def test_a_killed_work_horse_is_replaced_and_its_half_work_is_gone(stage: Stage, start: Start) -> None:
    """Row 18: the horse is killed between effect and commit."""
    worker = start("default")
    [run_id] = stage.request("test.dies", "k")
    wait_for(lambda: done(stage, run_id))
    assert stage.ask("select attempt from effect") == [(2,)]
    assert worker.poll() is None


def test_few_work_horses_do_many_runs_and_their_rings_are_found_over(stage: Stage, start: Start) -> None:
    keys = [f"k{n}" for n in range(30)]
    stage.request("test.note", *keys)
    start("default")
    wait_for(lambda: stage.states() == {"done": 30} and not queue.waiting("default"))
    assert stage.effects() == {f"test.note:{key}": 1 for key in keys}
    [(horses,)] = stage.ask("select count(distinct pid) from effect")
    assert horses < 10


def test_a_work_horse_killed_from_outside_loses_nothing(stage: Stage, start: Start) -> None:
    start("default")
    [run_id] = stage.request("test.slow", "k")
    os.kill(horse_of(stage, "test.slow:k"), signal.SIGKILL)
    wait_for(lambda: done(stage, run_id))
    assert stage.effects() == {"test.slow:k": 1}


@pytest.mark.parametrize("both", [False, True], ids=["the worker alone", "worker and work-horse"])
def test_a_killed_worker_takes_its_work_horse_along_and_another_finishes(
    stage: Stage, start: Start, *, both: bool
) -> None:
    """Row 18: no orphan works on, and the next worker does the run once."""
    worker = start("default")
    [run_id] = stage.request("test.slow", "k")
    horse = horse_of(stage, "test.slow:k")
    worker.kill()
    if both and not is_gone(horse):
        os.kill(horse, signal.SIGKILL)
    wait_for(lambda: is_gone(horse), seconds=2.0)
    start("default")
    wait_for(lambda: done(stage, run_id))
    assert stage.effects() == {"test.slow:k": 1}


def test_a_work_horse_that_slept_past_its_lease_cannot_commit(
    stage: Stage, start: Start, worker_log: Callable[[], str]
) -> None:
    """Row 19: SIGSTOP between effect and commit, another finishes, SIGCONT: the fence holds."""
    start("default")
    [run_id] = stage.request("test.freezes", "k")
    horse = horse_of(stage, "test.freezes:k")
    wait_for(lambda: is_stopped(horse))
    start("default")
    wait_for(lambda: done(stage, run_id))
    assert stage.ask("select attempt from effect") == [(2,)]
    os.kill(horse, signal.SIGCONT)
    wait_for(lambda: is_gone(horse))
    assert stage.ask("select attempt from effect") == [(2,)]
    assert stage.run(run_id)["attempt"] == 2
    assert "lease_lost" in worker_log()


def test_poison_is_parked_while_everything_else_proceeds(stage: Stage, start: Start) -> None:
    start("default")
    [poison] = stage.request("test.poison", "bad")
    stage.request("test.note", *[f"k{n}" for n in range(20)])
    stage.request("test.batch", *[f"b{n}" for n in range(20)])
    wait_for(lambda: stage.states().get("done") == 40)
    wait_for(lambda: stage.run(poison)["state"] == "parked")
    assert set(stage.effects().values()) == {1}


def test_a_batch_whose_work_horse_was_killed_is_repeated_one_by_one(stage: Stage, start: Start) -> None:
    keys = [f"b{n}" for n in range(10)]
    stage.request("test.batch", *keys, kill="yes")
    start("default")
    wait_for(lambda: stage.states() == {"done": 10})
    assert stage.effects() == {f"test.batch:{key}": 1 for key in keys}
    assert stage.ask("select distinct attempt from effect") == [(2,)]


def test_two_workers_and_their_sweepers_do_a_crowd_of_jobs_once(stage: Stage, start: Start) -> None:
    keys = [f"k{n}" for n in range(60)]
    start("default")
    start("default")
    stage.request("test.note", *keys)
    wait_for(lambda: stage.states() == {"done": 60}, seconds=30.0)
    assert stage.effects() == {f"test.note:{key}": 1 for key in keys}


@pytest.mark.parametrize("before", [(), ("k",)], ids=["rung for", "taken on by a lingering work-horse"])
def test_a_run_that_hangs_is_interrupted_when_the_time_of_its_kind_is_over(
    stage: Stage, start: Start, before: tuple[str, ...]
) -> None:
    stage.request("test.note", *before)
    stage.request("test.hangs", "k")
    start("default")
    wait_for(lambda: stage.states() == {"done": 1 + len(before)})
    stage.request("test.note", "after")
    wait_for(lambda: stage.states() == {"done": 2 + len(before)})
    assert stage.ask("select attempt from effect where key = 'test.hangs:k'") == [(2,)]


def test_a_worker_asked_to_stop_finishes_its_job_first(stage: Stage, start: Start) -> None:
    worker = start("default")
    [run_id] = stage.request("test.slow", "k")
    horse_of(stage, "test.slow:k")
    worker.terminate()
    with pytest.raises(subprocess.TimeoutExpired):
        worker.wait(timeout=0.5)
    stage.tell("insert into gate values ('test.slow:k')")
    assert worker.wait(timeout=10) == 0
    assert done(stage, run_id)


def test_a_worker_asked_to_stop_takes_nothing_more_on(stage: Stage, start: Start) -> None:
    worker = start("default")
    [run_id] = stage.request("test.slow", "k")
    horse_of(stage, "test.slow:k")
    stage.request("test.note", "a", "b", "c")
    worker.terminate()
    with pytest.raises(subprocess.TimeoutExpired):
        worker.wait(timeout=0.5)
    stage.tell("insert into gate values ('test.slow:k')")
    assert worker.wait(timeout=10) == 0
    assert done(stage, run_id)
    assert stage.effects() == {"test.slow:k": 1}


def test_an_idle_worker_stops_at_once(stage: Stage, start: Start) -> None:
    worker = start("default")
    [run_id] = stage.request("test.note", "k")
    wait_for(lambda: done(stage, run_id))
    worker.terminate()
    assert worker.wait(timeout=5) == 0


@pytest.mark.parametrize(
    "order",
    [{"func": "os.mkdir"}, {"func": "dispatch.outbox.perform", "on_success": "os.mkdir"}],
    ids=["as the job", "as its callback"],
)
def test_a_function_that_somebody_wrote_into_the_queue_is_not_called(
    stage: Stage,
    start: Start,
    valkey: MortalValkey,
    *,
    worker_log: Callable[[], str],
    order: dict[str, str],
    tmp_path: Path,
) -> None:
    """ASVS 1.5.2: who can write to the queue server cannot run code on the workers."""
    made = tmp_path / "made"
    with redis.Redis.from_url(valkey.url) as client:
        job = rq.job.Job.create(order["func"], args=[str(made)], connection=client, serializer="json")
        job._success_callback_name = order.get("on_success")
        rq.Queue("default", connection=client, serializer="json").enqueue_job(job)
    start("default")
    wait_for(lambda: "foreign_ring_refused" in worker_log())
    [run_id] = stage.request("test.note", "k")
    wait_for(lambda: done(stage, run_id))
    assert not made.exists()
    assert worker_log().count("foreign_ring_refused") == 1


@pytest.mark.parametrize(
    "fields",
    [{"data": b"\x00 no json"}, {"data": b'["dispatch.outbox.perform", null, [], {}]'}, {"data": b"7"}],
    ids=["unreadable", "without an argument", "something else"],
)
def test_a_malformed_ring_does_not_end_the_worker(
    stage: Stage,
    start: Start,
    valkey: MortalValkey,
    *,
    worker_log: Callable[[], str],
    fields: dict[str, bytes],
) -> None:
    """ASVS 1.5.2: who can write to the queue server cannot stop the workers either."""
    with redis.Redis.from_url(valkey.url) as client:
        rings = rq.Queue("default", connection=client, serializer="json")
        name = rings.enqueue_call("dispatch.outbox.perform", args=("x",), job_id="odd").id
        client.hset(f"rq:job:{name}", mapping=fields)
        start("default")
        wait_for(lambda: "foreign_ring_refused" in worker_log())
        [run_id] = stage.request("test.note", "k")
        wait_for(lambda: done(stage, run_id))
        wait_for(lambda: not client.exists(f"rq:job:{name}") and not rings.intermediate_queue.get_job_ids())
    assert "unhandled exception" not in worker_log()
