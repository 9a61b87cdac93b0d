"""The table of jobs is whole: handlers exist, queues are served, subscriptions lead somewhere."""

from __future__ import annotations

import inspect
from dataclasses import fields
from pathlib import Path

import pytest

from dispatch import bootstrap, outbox
from dispatch.cli.up import children_of
from dispatch.events import Event
from dispatch.outbox import Job
from dispatch.outbox.kinds import handler_of
from dispatch.settings import Settings

BY_KIND = {job.kind: job for job in bootstrap.JOBS}
STARTED_BY_EVENTS = [
    pytest.param(event, BY_KIND[kind], id=f"{event.__name__}-{kind}")
    for event, kinds in bootstrap.SUBSCRIPTIONS.items()
    for kind in kinds
    if kind in BY_KIND
]


@pytest.mark.parametrize("job", bootstrap.JOBS, ids=lambda job: job.kind)
def test_every_handler_exists_and_takes_leases(job: Job) -> None:
    first = next(iter(inspect.signature(handler_of(job)).parameters))
    assert first == ("leases" if job.batch else "lease")


@pytest.mark.parametrize(("event", "job"), STARTED_BY_EVENTS)
def test_a_handler_takes_the_ids_of_the_event_that_starts_it(event: type[Event], job: Job) -> None:
    if job.batch:
        assert "event" not in {field.name for field in fields(event)}
        return
    ids = {field.name: "x" for field in fields(event)}
    inspect.signature(handler_of(job)).bind(None, **ids)


def test_every_subscription_names_a_registered_kind() -> None:
    outbox.register(bootstrap.JOBS, bootstrap.SUBSCRIPTIONS)
    assert {kind for kinds in bootstrap.SUBSCRIPTIONS.values() for kind in kinds} <= set(BY_KIND)
    outbox.register((), {})


def test_every_queue_is_served_by_a_worker_of_its_own(tmp_path: Path) -> None:
    """Decision 5; a worker of two queues could lose a ring (reliability §0.3)."""
    commands = [list(child.argv) for child in children_of(Settings(home=tmp_path))]
    served = [command[-1] for command in commands if "worker" in command]
    assert sorted(served) == sorted(bootstrap.QUEUES)
    assert {job.queue for job in bootstrap.JOBS} == set(bootstrap.QUEUES)
    assert any(command[-1] == "scheduler" for command in commands)


def test_all_programs_of_an_installation_are_asked_to_stop_at_once(tmp_path: Path) -> None:
    """A worker that is asked only after the web server has stopped begins more in the meantime."""
    assert {child.stop_order for child in children_of(Settings(home=tmp_path))} == {0}


def test_no_job_may_run_longer_than_its_kind_says() -> None:
    assert all(0 < job.timeout_seconds <= 900 for job in bootstrap.JOBS)
