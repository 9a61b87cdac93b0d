"""The sweeper rings again for what was missed, and works itself where there is no bell."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
import redis

from dispatch import clock, db, outbox, queue, sweeping
from dispatch.sweeping import Sweeper
from tests.job_stage import Stage


def waiting() -> set[str]:
    """Names of the rings in the default queue."""
    return queue.waiting("default") or set()


def age(stage: Stage, seconds: int) -> None:
    """Make all runs older than they are."""
    stage.tell(
        "update job_run set ready_at = ready_at - make_interval(secs => :s),"
        " created_at = created_at - make_interval(secs => :s)",
        s=seconds,
    )


def flush(redis_url: str) -> None:
    """Lose everything that the queue server knows."""
    with redis.Redis.from_url(redis_url) as client:
        client.flushdb()


def test_a_ring_that_was_lost_is_rung_again_after_the_grace(stage: Stage, redis_url: str) -> None:
    [run_id] = stage.request("test.note", "k")
    flush(redis_url)
    assert sweeping.ring_overdue(15.0) == 0
    age(stage, 16)
    assert sweeping.ring_overdue(15.0) == 1
    assert waiting() == {f"{run_id}-0"}


def test_a_ring_that_still_waits_is_not_repeated(stage: Stage) -> None:
    stage.request("test.note", "k")
    age(stage, 60)
    assert sweeping.ring_overdue(15.0) == 0
    assert len(waiting()) == 1


def test_a_ring_that_vanished_between_queue_and_lease_is_repeated(stage: Stage, redis_url: str) -> None:
    """The queue still knows the job, but no list holds it: a worker died between pop and start."""
    [run_id] = stage.request("test.note", "k")
    with redis.Redis.from_url(redis_url) as client:
        client.lpop("rq:queue:default")
    age(stage, 60)
    assert sweeping.ring_overdue(15.0) == 1
    assert waiting() == {f"{run_id}-0"}


def test_a_lapsed_lease_is_rung_under_its_next_attempt(stage: Stage, redis_url: str) -> None:
    [run_id] = stage.request("test.note", "k")
    outbox.take(stage.run(run_id)["id"])
    flush(redis_url)
    assert sweeping.ring_overdue(0.0) == 0
    stage.lapse(run_id)
    assert sweeping.ring_overdue(15.0) == 1
    assert waiting() == {f"{run_id}-1"}


def test_a_failed_attempt_is_rung_as_soon_as_its_pause_is_over(stage: Stage, redis_url: str) -> None:
    [run_id] = stage.request("test.poison", "k")
    outbox.perform(run_id)
    flush(redis_url)
    assert sweeping.ring_overdue(15.0) == 0
    stage.make_due()
    assert sweeping.ring_overdue(15.0) == 1


def test_a_run_for_later_is_rung_as_soon_as_its_moment_has_come(stage: Stage, redis_url: str) -> None:
    """Nothing else is: a fresh run that was rung at its commit has its grace."""
    stage.request("test.note", "now")
    flush(redis_url)
    with db.transaction() as session:
        later = clock.now() + timedelta(minutes=10)
        run_id = outbox.request(session, "test.note", "later", {}, not_before=later)
    assert sweeping.ring_delayed() == 0
    age(stage, 599)
    assert sweeping.ring_delayed() == 0
    age(stage, 2)
    assert sweeping.ring_delayed() == 1
    assert waiting() == {f"{run_id}-0"}
    assert sweeping.ring_delayed() == 0


def test_many_missed_runs_of_a_batch_kind_are_one_ring(stage: Stage, redis_url: str) -> None:
    stage.request("test.batch", *[f"k{n}" for n in range(30)])
    flush(redis_url)
    age(stage, 60)
    assert sweeping.ring_overdue(15.0) == 1
    assert len(waiting()) == 1


def test_runs_of_a_batch_whose_work_horse_vanished_are_repeated_one_by_one(
    stage: Stage, redis_url: str
) -> None:
    """One of them may be what killed it; the others keep their attempts."""
    runs = stage.request("test.batch", "a", "b", "c")
    assert len(outbox.take_batch("test.batch", 10)) == 3
    flush(redis_url)
    for run_id in runs:
        stage.lapse(run_id)
    assert outbox.take_batch("test.batch", 10) == []
    assert sweeping.ring_overdue(15.0) == 3
    assert waiting() == {f"{run_id}-1" for run_id in runs}
    for run_id in runs:
        outbox.perform(run_id)
    assert stage.states() == {"done": 3}


def test_two_sweepers_at_once_ring_once(stage: Stage, redis_url: str) -> None:
    runs = stage.request("test.note", *[f"k{n}" for n in range(100)])
    flush(redis_url)
    age(stage, 60)
    with ThreadPoolExecutor(4) as sweepers:
        rung = list(sweepers.map(lambda _: sweeping.ring_overdue(15.0), range(4)))
    assert sum(rung) == 100
    with redis.Redis.from_url(redis_url) as client:
        listed = [name.decode() for name in client.lrange("rq:queue:default", 0, -1)]
    assert listed == [f"{run_id}-0" for run_id in runs]


@pytest.mark.parametrize("address", [None, "unix://{}/nobody.sock"])
def test_without_a_queue_server_the_sweeper_does_the_work_late(
    stage: Stage, tmp_path: Path, address: str | None
) -> None:
    """Decision 11: no queue server costs time, never work."""
    queue.configure(address.format(tmp_path) if address else None)
    stage.request("test.note", *[f"k{n}" for n in range(5)])
    stage.request("test.batch", "b1", "b2")
    stage.request("test.poison", "bad")
    sweeper = Sweeper(every_seconds=0.0, grace_seconds=0.0, alone_after_seconds=0.0)
    sweeper.pulse(busy=True)
    assert stage.states() == {"ready": 8}
    sweeper.pulse()
    assert stage.states() == {"done": 7, "ready": 1}
    sweeper.pulse()
    assert set(stage.effects().values()) == {1}


def test_a_short_silence_is_waited_out(stage: Stage, tmp_path: Path) -> None:
    queue.configure(f"unix://{tmp_path}/nobody.sock")
    stage.request("test.note", "k")
    Sweeper(every_seconds=0.0, grace_seconds=0.0, alone_after_seconds=60.0).pulse()
    assert stage.states() == {"ready": 1}


def test_sweepers_working_alone_at_once_do_everything_once(stage: Stage) -> None:
    queue.configure(None)
    stage.request("test.note", *[f"k{n}" for n in range(40)])
    with ThreadPoolExecutor(4) as sweepers:
        list(sweepers.map(lambda _: sweeping.perform_overdue(), range(4)))
    assert stage.states() == {"done": 40}
    assert set(stage.effects().values()) == {1}


def test_a_sweep_that_fails_does_not_end_its_process(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_: float) -> int:
        raise ConnectionError("the database is away")

    with monkeypatch.context() as broken:
        broken.setattr(sweeping, "ring_overdue", away)
        Sweeper(every_seconds=0.0).pulse()
    stage.request("test.note", "k")
    age(stage, 60)
    sweeper = Sweeper(every_seconds=0.0)
    sweeper.pulse()
    assert len(waiting()) == 1
