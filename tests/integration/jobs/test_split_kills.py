"""Planning workers die, or are called off, under way: one proposal, no part missing or twice; or nothing."""

from __future__ import annotations

import os
import signal
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from dispatch import clock, db, outbox, queue, travel
from dispatch.bootstrap import JOBS
from dispatch.outbox import SimulatedClock
from dispatch.planning.commands import cancel_run, request_optimise
from dispatch.planning.model import DayPlan
from dispatch.settings import Settings
from dispatch.work_orders.model import WorkOrder
from tests.builders import DAY, MORNING, a_principal, frozen_clock
from tests.integration.jobs.conftest import MortalValkey
from tests.integration.jobs.nursery import Nursery, nursery
from tests.integration.jobs.workers import Start, workers
from tests.job_handlers import QUICK
from tests.job_stage import Stage, wait_for
from tests.planning_world import Town, a_town, violations

pytestmark = [pytest.mark.kill, pytest.mark.slow]

POINTS = (
    "split.before_commit",
    "part.before_solve",
    "part.before_commit",
    "part.after_commit",
    "join.before_commit",
)
VISITS, PARTS = 48, 3


@pytest.fixture(scope="module")
def programs() -> Iterator[Nursery]:
    """Where planning workers come from."""
    with nursery("tests.integration.jobs.planning_program") as ready:
        yield ready


@pytest.fixture
def town(database_url: str, valkey: MortalValkey) -> Iterator[Town]:
    """A town with more visits than one part may have; this process is wired like an API server."""
    engine = db.connect(database_url)
    factory = db.sessions(engine)
    db.configure(factory)
    queue.configure(valkey.url)
    outbox.register(JOBS, {}, timing=QUICK)
    travel.configure(Settings(travel="geodesic"))
    clock.set_source(frozen_clock())
    with factory() as session:
        session.add(SimulatedClock(only=True, moment=MORNING))
        found = a_town(session)
        for _ in range(6):
            found.technician()
        found.visits(VISITS, duration_minutes=40)
        session.commit()
        yield found
    clock.set_source(None)
    queue.configure(None)
    outbox.register((), {})
    engine.dispose()


@pytest.fixture
def stage(town: Town) -> Stage:
    """Questions to the database of the town."""
    engine = town.session.get_bind()
    return Stage(engine)  # type: ignore[arg-type]  # the session is bound to an engine


@pytest.fixture
def start(database_url: str, valkey: MortalValkey, programs: Nursery, tmp_path: Path) -> Iterator[Start]:
    """Starts planning workers; ``crash_at`` arms one place, to go off once."""
    settings = {
        "DATABASE_URL": database_url,
        "REDIS_URL": valkey.url,
        "TRUCKROLL_CLOCK": "simulated",
        "TRUCKROLL_OPTIMISER_PART_VISITS": "20",
    }
    with workers(programs, tmp_path, settings, each_dies=False) as start_one:
        yield start_one


def ask(town: Town, seconds: float) -> uuid.UUID:
    """Request the day."""
    run_id = request_optimise(town.session, by=None, territory_id=town.territory.id, day=DAY, seconds=seconds)
    town.session.commit()
    return run_id


def proposals(session: Session) -> list[DayPlan]:
    """All proposals."""
    session.expire_all()
    return list(session.scalars(select(DayPlan)))


def assert_planned_once(town: Town, stage: Stage) -> None:
    """Every run done, one proposal of all visits that breaks no rule, nothing left of the parts."""
    kinds = dict(stage.ask("select kind, count(*) from job_run where state = 'done' group by kind"))
    expected = {"planning.optimise_day": 1, "planning.optimise_part": PARTS, "planning.join_parts": 1}
    assert kinds == expected
    [plan] = proposals(town.session)
    assert violations(town, plan) == []
    assert len(plan.stops) + len(plan.unserved) == VISITS
    assert stage.ask("select state, plan_id from plan_split") == [("joined", plan.id)]
    assert stage.ask("select count(*) from plan_split_part") == [(0,)]


def is_over(stage: Stage) -> bool:
    """Whether the join and everything before it is done."""
    return stage.states() == {"done": PARTS + 2}


@pytest.mark.parametrize("point", POINTS)
def test_a_death_at_any_place_of_a_split_leaves_one_whole_proposal(
    town: Town, stage: Stage, start: Start, tmp_path: Path, point: str
) -> None:
    start(crash_at=point)
    start(crash_at=point)
    ask(town, seconds=0.3)
    wait_for(lambda: is_over(stage), seconds=60)
    assert (tmp_path / f"once.{point}").exists()
    assert_planned_once(town, stage)


def test_a_worker_killed_while_it_plans_a_part_is_replaced_by_another(
    town: Town, stage: Stage, start: Start
) -> None:
    """SIGKILL to the worker and its work-horse in the middle of a search."""
    worker = start()
    ask(town, seconds=1.5)
    planning = "select key from job_run where kind = 'planning.optimise_part' and state = 'running'"
    wait_for(lambda: stage.ask(planning), seconds=30)
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    assert proposals(town.session) == []
    start()
    start()
    wait_for(lambda: is_over(stage), seconds=60)
    assert_planned_once(town, stage)
    attempts = stage.ask("select max(attempt) from job_run where kind = 'planning.optimise_part'")
    assert attempts == [(2,)]


def test_a_newer_request_under_way_leaves_one_proposal(town: Town, stage: Stage, start: Start) -> None:
    """The older parts end without effect, whichever of them is being planned at that moment."""
    start()
    start()
    ask(town, seconds=1.0)
    split = "select 1 from plan_split"
    wait_for(lambda: stage.ask(split), seconds=30)
    ask(town, seconds=0.3)
    wait_for(lambda: stage.ask("select 1 from plan_split where state = 'joined'"), seconds=60)
    wait_for(lambda: set(stage.states()) == {"done"}, seconds=30)
    assert sorted(stage.ask("select state from plan_split")) == [("joined",), ("void",)]
    assert len(proposals(town.session)) == 1


def test_a_day_called_off_while_a_worker_searches_stops_soon_with_its_best_plan(
    town: Town, stage: Stage, start: Start
) -> None:
    """A day of one piece, asked for two minutes."""
    few = select(WorkOrder.id).order_by(WorkOrder.id).limit(VISITS - 12)
    waits = (
        update(WorkOrder).where(WorkOrder.id.in_(few)).values(waiting_reason="part", waiting_since=MORNING)
    )
    town.session.execute(waits)
    start()
    run_id = ask(town, seconds=120)
    searches = "select progress from job_run where state = 'running' and progress->>'cost_minor' is not null"
    wait_for(lambda: stage.ask(searches), seconds=60)
    assert cancel_run(town.session, by=a_principal(), run_id=run_id).state == "running"
    town.session.commit()
    wait_for(lambda: stage.states() == {"cancelled": 1}, seconds=20)
    [plan] = proposals(town.session)
    assert violations(town, plan) == []
    assert len(plan.stops) + len(plan.unserved) == 12
    assert plan.stops


def test_a_day_in_parts_called_off_while_workers_search_leaves_nothing(
    town: Town, stage: Stage, start: Start
) -> None:
    start()
    start()
    run_id = ask(town, seconds=120)
    searches = "select 1 from job_run where kind = 'planning.optimise_part' and progress is not null"
    wait_for(lambda: stage.ask(searches), seconds=60)
    town.session.rollback()
    assert cancel_run(town.session, by=a_principal(), run_id=run_id).state == "cancelled"
    town.session.commit()
    wait_for(lambda: stage.states() == {"done": 1, "cancelled": PARTS}, seconds=30)
    assert proposals(town.session) == []
    assert stage.ask("select count(*) from plan_split_part") == [(0,)]
