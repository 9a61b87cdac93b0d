"""What a process gets from ``bootstrap.start``: database, queue, clock, jobs, and safety after a fork."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dispatch import bootstrap, clock, db, outbox, queue
from dispatch.__main__ import main
from dispatch.bootstrap import ServicesNotRunning
from dispatch.settings import Settings
from tests.job_stage import Stage


@pytest.fixture
def settings(stage: Stage, jobs_url: str, redis_url: str, tmp_path: Path) -> Iterator[Settings]:
    """Settings of an installation on the test's database."""
    yield Settings(
        database_url=jobs_url, redis_url=redis_url, home=tmp_path, environment="test", simulated_clock=True
    )
    bootstrap.stop()


def test_start_wires_database_queue_and_jobs(settings: Settings) -> None:
    bootstrap.start(settings)
    with db.transaction() as session:
        assert db.answers(session)
    assert queue.silent_seconds() is None
    assert {job.kind for job in outbox.registered()} == {job.kind for job in bootstrap.JOBS}


def test_a_simulated_clock_is_one_row_for_every_process(stage: Stage, settings: Settings) -> None:
    """Decision 17; before the row exists the clock is real."""
    bootstrap.start(settings)
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=5)
    stage.tell("insert into simulated_clock values (true, '2026-03-02T08:00:00+01:00')")
    assert clock.now() == datetime(2026, 3, 2, 7, tzinfo=UTC)
    stage.tell("update simulated_clock set moment = moment + interval '1 hour'")
    assert clock.now() == datetime(2026, 3, 2, 8, tzinfo=UTC)
    bootstrap.stop()
    assert clock.now().year > 2000
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=5)


def test_without_any_database_the_refusal_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ServicesNotRunning) as refusal:
        bootstrap.start(Settings(home=tmp_path / "empty"))
    assert "truckroll up" in refusal.value.remedy


def backend_pid() -> int:
    """Process id of the database's end of a connection."""
    with db.transaction() as session:
        return int(session.connection().exec_driver_sql("select pg_backend_pid()").scalar_one())


def test_a_forked_child_uses_connections_of_its_own(settings: Settings) -> None:
    bootstrap.start(settings)
    parents = backend_pid()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, str(backend_pid()).encode())
        os._exit(0)
    os.waitpid(child, 0)
    childs = int(os.read(reading, 100))
    os.close(reading)
    os.close(writing)
    assert childs != parents
    assert backend_pid() == parents


@pytest.fixture
def installation(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> pytest.CaptureFixture[str]:
    """The environment of a command line on the test's database."""
    monkeypatch.setenv("DATABASE_URL", settings.database_url or "")
    monkeypatch.setenv("REDIS_URL", settings.redis_url or "")
    monkeypatch.setenv("TRUCKROLL_HOME", str(settings.home))
    return capsys


def park(stage: Stage) -> str:
    """A run that was parked by its refusal."""
    [run_id] = stage.request("test.refused", "k")
    outbox.perform(run_id)
    stage.tell("update job_run set kind = 'billing.settle'")
    return run_id


def test_jobs_counts_runs_by_kind_and_state(stage: Stage, installation: pytest.CaptureFixture[str]) -> None:
    park(stage)
    assert main(["jobs"]) == 0
    printed = installation.readouterr().out
    assert "billing.settle                 parked     1" in printed
    assert "queue planning: 0 waiting" in printed


def test_jobs_lists_parked_runs_and_retries_one(
    stage: Stage, installation: pytest.CaptureFixture[str]
) -> None:
    run_id = park(stage)
    assert main(["jobs", "--parked"]) == 0
    assert f"{run_id} billing.settle attempts=1 NeverPossible" in installation.readouterr().out
    assert main(["jobs", "retry", run_id]) == 0
    assert stage.run(run_id)["state"] == "ready"
    assert main(["jobs", "retry", run_id]) == 1
    assert main(["jobs", "retry"]) == 2
