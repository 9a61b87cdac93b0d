"""Optimisations called off: what waits never begins, what runs stops soon with its best plan or nothing."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from dispatch import outbox
from dispatch.db import new_id
from dispatch.errors import NotFound
from dispatch.outbox import Lease, LeaseLost
from dispatch.planning import optimise, telling
from dispatch.planning.commands import cancel_run, publish, request_optimise
from dispatch.planning.model import DayPlan
from dispatch.planning.queries import RunView, find_run
from dispatch.planning.rules import RunNotCancellable
from dispatch.planning.solving import in_two_halves
from dispatch.planning.telling import Telling
from optimizer.engines.base import Progress
from tests.builders import DAY, a_principal
from tests.job_stage import wait_for
from tests.planning_world import Town, violations

LONG = 120.0
"""Seconds that no test waits for."""
ALL_BY_ITSELF = {"reasons": ["optimise"], "told_most": 100, "technicians_most": 100}


@pytest.fixture
def town(lasting_town: Town) -> Town:
    """A town whose rows the jobs see."""
    return lasting_town


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "EVERY_SECONDS", 0.1)


def ask(town: Town, seconds: float = LONG) -> uuid.UUID:
    """Request the day."""
    run_id = request_optimise(town.session, by=None, territory_id=town.territory.id, day=DAY, seconds=seconds)
    town.session.commit()
    return run_id


def seen(town: Town, run_id: uuid.UUID) -> RunView:
    """The run as a dispatcher sees it now."""
    town.session.rollback()
    return find_run(town.session, a_principal(), run_id)


def cancel(town: Town, run_id: uuid.UUID) -> RunView:
    """Call it off and commit."""
    view = cancel_run(town.session, by=a_principal(), run_id=run_id)
    town.session.commit()
    return view


def proposals(town: Town) -> list[DayPlan]:
    """What planning has left behind."""
    town.session.rollback()
    return list(town.session.scalars(select(DayPlan).where(DayPlan.state == "proposed")))


@contextmanager
def performed(run_id: uuid.UUID) -> Iterator[None]:
    """Perform a run beside the test, which waits for its end."""
    worker = Thread(target=outbox.perform, args=(str(run_id),))
    worker.start()
    try:
        yield
    finally:
        worker.join(timeout=LONG / 2)
    assert not worker.is_alive()


def test_what_waits_is_cancelled_at_once_and_never_begins(town: Town) -> None:
    run_id = ask(town)
    for _ in range(2):
        found = cancel(town, run_id)
        assert (found.state, found.is_called_off, found.plan_id) == ("cancelled", True, None)
    outbox.perform(str(run_id))
    found = seen(town, run_id)
    assert (found.state, found.attempt, found.progress) == ("cancelled", 0, None)


def test_what_runs_tells_how_far_it_is_and_leaves_its_best_plan_when_called_off(town: Town) -> None:
    town.technician()
    town.technician()
    town.visits(12)
    town.territory.auto_publish = ALL_BY_ITSELF
    run_id = ask(town)

    def has_a_plan() -> bool:
        progress = seen(town, run_id).progress
        return progress is not None and progress["cost_minor"] is not None

    with performed(run_id):
        wait_for(has_a_plan, seconds=60)
        running = seen(town, run_id)
        assert (running.state, running.is_called_off) == ("running", False)
        assert running.progress is not None
        assert set(running.progress) == {"seconds", "iterations", "cost_minor", "unserved"}
        assert cancel(town, run_id).is_called_off
        assert cancel(town, run_id).state in {"running", "cancelled"}
    found = seen(town, run_id)
    assert (found.state, found.error) == ("cancelled", None)
    [plan] = proposals(town)
    assert found.plan_id == str(plan.id)
    assert violations(town, plan) == []
    assert len(plan.stops) + len(plan.unserved) == 12
    assert plan.stops
    assert cancel(town, run_id).plan_id == str(plan.id)


def test_a_run_that_finds_nothing_better_leaves_nothing(town: Town) -> None:
    """The plan in force of one visit cannot be bettered."""
    town.technician()
    town.visits(1)
    outbox.perform(str(ask(town, seconds=0.5)))
    [plan] = proposals(town)
    publish(town.session, by=None, plan=plan, expected_version=town.head().version)
    run_id = ask(town)
    with performed(run_id):
        wait_for(lambda: seen(town, run_id).progress is not None, seconds=60)
        cancel(town, run_id)
    found = seen(town, run_id)
    assert (found.state, found.plan_id) == ("cancelled", None)
    assert proposals(town) == []


def test_called_off_at_the_last_moment_a_plan_is_proposed_but_not_published(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    town.technician()
    town.visits(3)
    town.territory.auto_publish = ALL_BY_ITSELF
    run_id = ask(town, seconds=0.5)

    def late(*args: Any, **kwargs: Any) -> Any:
        found = in_two_halves(*args, **kwargs)
        cancel(town, run_id)
        return found

    monkeypatch.setattr(optimise, "in_two_halves", late)
    outbox.perform(str(run_id))
    assert seen(town, run_id).state == "cancelled"
    [plan] = proposals(town)
    assert plan.published_at is None


def test_what_is_over_or_no_optimisation_is_not_cancelled(town: Town) -> None:
    town.technician()
    town.visits(1)
    done = ask(town, seconds=0.5)
    outbox.perform(str(done))
    with pytest.raises(RunNotCancellable, match="done"):
        cancel(town, done)
    assert seen(town, done).state == "done"
    payload = {"territory_id": str(town.territory.id), "day": DAY.isoformat()}
    other = outbox.request(town.session, "planning.tidy_day", "one", payload)
    assert other is not None
    with pytest.raises(RunNotCancellable, match="tidy_day"):
        cancel(town, other)
    elsewhere = a_principal(territory_ids=frozenset({new_id()}))
    with pytest.raises(NotFound):
        cancel_run(town.session, by=elsewhere, run_id=done)


class Counted(Lease):
    """A lease that counts how often it tells."""

    told: list[dict[str, Any]]
    failing: Exception | None = None

    def tell(self, progress: dict[str, Any]) -> bool:
        """Tell, or fail as asked."""
        self.told.append(progress)
        if self.failing is not None:
            raise self.failing
        return super().tell(progress)


def test_the_engine_asks_as_often_as_it_likes_and_the_database_hears_it_once_a_while(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = ask(town)
    lease = outbox.take(run_id)
    assert lease is not None
    counted = Counted(lease.run_id, lease.token, lease.kind, lease.key, lease.payload, lease.attempt)
    counted.told = []
    monkeypatch.setattr(telling, "EVERY_SECONDS", 3600.0)
    teller = Telling(counted)
    teller.hear(Progress(0.5, 700, 40, 2))
    assert [teller.is_called_off() for _ in range(1_000)] == [False] * 1_000
    assert [each["iterations"] for each in counted.told] == [40]
    teller.search_again()
    teller.hear(Progress(0.1, 600, 5, 0))
    monkeypatch.setattr(telling, "EVERY_SECONDS", 0.0)
    teller = Telling(counted)
    counted.failing = OperationalError("", {}, Exception())
    assert not teller.is_called_off(), "a question that failed is asked again"
    counted.failing = LeaseLost("gone")
    assert teller.is_called_off()
    counted.failing = None
    cancel(town, run_id)
    assert teller.is_called_off()
    assert counted.called_off
    told = len(counted.told)
    assert teller.is_called_off()
    assert len(counted.told) == told
