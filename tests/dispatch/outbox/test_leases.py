"""A run is done by the owner of its lease, with its effects in the same commit, or not at all."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from dispatch import outbox, queue
from dispatch.outbox import Lease, LeaseLost
from tests.job_handlers import leave_effect
from tests.job_stage import Stage, wait_for


def taken(stage: Stage, key: str = "k") -> Lease:
    """A lease of a new run."""
    [run_id] = stage.request("test.note", key, name="x")
    lease = outbox.take(uuid.UUID(run_id))
    assert lease is not None
    return lease


def test_effects_result_and_done_are_one_commit(stage: Stage) -> None:
    lease = taken(stage)
    with lease.finishing() as session:
        leave_effect(session, lease)
        lease.result = {"lines": 3}
        assert stage.effects() == {}
    run = stage.run(str(lease.run_id))
    assert (run["state"], run["result"], run["attempt"]) == ("done", {"lines": 3}, 1)
    assert run["finished_at"] is not None
    assert run["result_hash"]
    assert stage.effects() == {lease.key: 1}


def test_a_ring_is_over_when_its_run_can_no_longer_be_taken(stage: Stage) -> None:
    [run_id] = stage.request("test.note", "k")
    stage.request("test.batch", "b")
    one, batch = queue.DOORS["one"], queue.DOORS["batch"]
    assert not outbox.is_over(one, run_id)
    assert not outbox.is_over(batch, "test.batch")
    outbox.perform(run_id)
    outbox.perform_batch("test.batch")
    assert outbox.is_over(one, run_id)
    assert outbox.is_over(batch, "test.batch")
    assert not outbox.is_over(one, "not an id")


def test_a_running_run_cannot_be_taken_twice(stage: Stage) -> None:
    lease = taken(stage)
    assert outbox.take(lease.run_id) is None


def test_of_eight_work_horses_at_once_one_gets_the_run(stage: Stage) -> None:
    [run_id] = stage.request("test.note", "k")
    with ThreadPoolExecutor(8) as horses:
        leases = list(horses.map(lambda _: outbox.take(uuid.UUID(run_id)), range(8)))
    assert sum(lease is not None for lease in leases) == 1


@pytest.mark.parametrize("part", [Lease.finishing, Lease.step])
def test_an_owner_who_outlived_the_lease_cannot_commit(stage: Stage, part: Callable[..., object]) -> None:
    late = taken(stage)
    stage.lapse(str(late.run_id))
    present = outbox.take(late.run_id)
    assert present is not None
    assert present.attempt == 2

    def commit_late() -> None:
        with part(late) as session:  # type: ignore[attr-defined]
            leave_effect(session, late)

    with pytest.raises(LeaseLost):
        commit_late()
    with pytest.raises(LeaseLost):
        late.heartbeat()
    assert stage.effects() == {}
    with present.finishing() as session:
        leave_effect(session, present)
    with pytest.raises(LeaseLost):
        commit_late()
    assert stage.ask("select attempt from effect") == [(2,)]


def test_a_lapsed_lease_that_nobody_took_may_still_finish(stage: Stage) -> None:
    lease = taken(stage)
    stage.lapse(str(lease.run_id))
    with lease.finishing() as session:
        leave_effect(session, lease)
    assert stage.run(str(lease.run_id))["state"] == "done"


def test_a_heartbeat_prolongs_the_lease(stage: Stage) -> None:
    lease = taken(stage)
    stage.lapse(str(lease.run_id))
    lease.heartbeat()
    assert outbox.take(lease.run_id) is None


def test_a_heartbeat_before_a_long_silence_covers_it_and_later_beats_do_not_shorten_it(stage: Stage) -> None:
    lease = taken(stage)
    lease.heartbeat(busy_seconds=100.0)
    lease.heartbeat()
    [(seconds,)] = stage.ask("select extract(epoch from lease_until - now()) from job_run")
    assert 100 < seconds <= 102


def test_a_handler_is_kept_alive_while_it_works(stage: Stage) -> None:
    """QUICK leases end after two seconds; this handler takes longer and stays the only owner."""
    [run_id] = stage.request("test.slow", "k")
    with ThreadPoolExecutor(1) as horse:
        work = horse.submit(outbox.perform, run_id)
        wait_for(lambda: stage.ask("select 1 from begun"))
        end = time.monotonic() + 3.0
        while time.monotonic() < end:
            assert outbox.take(uuid.UUID(run_id)) is None
            time.sleep(0.1)
        stage.tell("insert into gate values ('test.slow:k')")
        work.result(timeout=10)
    assert stage.ask("select attempt from effect") == [(1,)]


def test_a_done_run_is_never_done_again(stage: Stage) -> None:
    [run_id] = stage.request("test.note", "k")
    for _ in range(3):
        outbox.perform(run_id)
    assert stage.effects() == {"test.note:k": 1}


def test_a_ring_for_a_run_that_does_not_exist_is_harmless(stage: Stage) -> None:
    outbox.perform(str(uuid.uuid4()))
    assert stage.states() == {}


def test_the_lease_of_a_dead_work_horse_ends_after_the_usual_pause(stage: Stage) -> None:
    lease = taken(stage)
    outbox.abandon(lease.token)
    [(seconds,)] = stage.ask("select extract(epoch from lease_until - now()) from job_run")
    assert seconds <= 0.2


def test_all_leases_of_a_dead_work_horse_end_after_the_usual_pause(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.request("test.batch", "a", "b")
    horse = queue.WorkHorse(uuid.uuid4(), "default", threading.Event())
    monkeypatch.setattr(queue, "_horse", horse)
    assert {lease.token for lease in outbox.take_batch("test.batch", 10)} == {horse.token}
    outbox.abandon(uuid.uuid4())
    assert stage.ask("select bool_and(lease_until > now() + interval '1 s') from job_run") == [(True,)]
    outbox.abandon(horse.token)
    assert stage.ask("select bool_and(lease_until < now() + interval '0.3 s') from job_run") == [(True,)]


def test_the_lease_of_a_later_owner_is_left_alone(stage: Stage) -> None:
    lease = taken(stage)
    stage.lapse(str(lease.run_id))
    outbox.take(lease.run_id)
    outbox.abandon(lease.token)
    [(seconds,)] = stage.ask("select extract(epoch from lease_until - now()) from job_run")
    assert seconds > 1.0


def test_a_batch_shares_out_runs_without_waiting_for_each_other(stage: Stage) -> None:
    stage.request("test.batch", *[f"k{n}" for n in range(10)])
    with ThreadPoolExecutor(4) as horses:
        shares = list(horses.map(lambda _: outbox.take_batch("test.batch", 3), range(4)))
    keys = [lease.key for share in shares for lease in share]
    assert len(keys) == len(set(keys)) == 10


def test_runs_finished_together_stand_or_fall_together(stage: Stage) -> None:
    stage.request("test.batch", "a", "b")
    first, second = outbox.take_batch("test.batch", 10)
    stage.lapse(str(second.run_id))
    outbox.take(second.run_id)

    def finish_both() -> None:
        with outbox.finishing_together([first, second]) as session:
            leave_effect(session, first)
            leave_effect(session, second)

    with pytest.raises(LeaseLost):
        finish_both()
    assert stage.effects() == {}
    assert stage.states() == {"running": 2}
