"""A day beyond one process: cut, planned part by part, joined once to a proposal that the checker accepts."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import IntegrityError

from dispatch import clock, db, outbox, travel
from dispatch.outbox import JobRun
from dispatch.planning import optimise_parts
from dispatch.planning.commands import book, cancel_run, lock_visit, request_optimise
from dispatch.planning.model import DayPlan, PlanSplit, PlanSplitPart
from dispatch.planning.queries import find_run
from dispatch.planning.rules import RunNotCancellable
from dispatch.settings import Settings
from dispatch.work_orders.model import Visit
from optimizer.plan import Plan
from tests.builders import DAY, a_principal, at
from tests.dispatch.conftest import MovableClock
from tests.planning_world import Town, a_town, register_kinds, runs_of, violations


@pytest.fixture
def town(database_url: str, now: MovableClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Town]:
    """Six technicians and 45 visits, and parts of at most 20."""
    monkeypatch.setenv("TRUCKROLL_OPTIMISER_PART_VISITS", "20")
    engine = db.connect(database_url)
    factory = db.sessions(engine)
    db.configure(factory)
    register_kinds()
    travel.configure(Settings(travel="geodesic"))
    with factory() as session:
        found = a_town(session)
        for _ in range(6):
            found.technician()
        found.visits(45, duration_minutes=40)
        yield found
    outbox.register((), {})
    engine.dispose()


def ask(town: Town) -> uuid.UUID:
    """Request the day; the run's id."""
    run_id = request_optimise(town.session, by=None, territory_id=town.territory.id, day=DAY, seconds=0.2)
    town.session.commit()
    return run_id


def do(town: Town, run_id: uuid.UUID) -> None:
    """Perform one run while the test holds no transaction, since the first solve may compile for a minute."""
    town.session.commit()
    outbox.perform(str(run_id))
    town.session.expire_all()


def perform(town: Town, kind: str) -> list[JobRun]:
    """Perform all ready runs of a kind in turn."""
    done = [run for run in runs_of(town.session, kind) if run.state == "ready"]
    for run_id in [run.id for run in done]:
        do(town, run_id)
    for run in done:
        assert run.state == "done", run.error
    return done


def cut(town: Town) -> PlanSplit:
    """Request the day, and cut it."""
    run_id = ask(town)
    do(town, run_id)
    run = town.session.get_one(JobRun, run_id)
    assert run.state == "done", run.error
    assert run.result is not None
    return town.session.get_one(PlanSplit, uuid.UUID(run.result["split_id"]))


def give(town: Town, seconds: float) -> None:
    """Let the join of the day take so long, whatever its parts took."""
    town.session.execute(update(PlanSplit).where(PlanSplit.state == "open").values(seconds=seconds))
    town.session.commit()


def proposals(town: Town) -> list[DayPlan]:
    """All proposals of the day."""
    town.session.expire_all()
    return list(town.session.scalars(select(DayPlan).where(DayPlan.state == "proposed")))


def count_parts(town: Town) -> int:
    """Parts that are kept."""
    return town.session.scalar(select(func.count()).select_from(PlanSplitPart)) or 0


def test_a_large_day_is_cut_planned_in_parts_and_joined_to_one_proposal(town: Town) -> None:
    split = cut(town)
    assert (split.state, count_parts(town)) == ("open", 3)
    assert len(perform(town, "planning.optimise_part")) == 3
    assert len(perform(town, "planning.join_parts")) == 1
    [plan] = proposals(town)
    assert violations(town, plan) == []
    assert len(plan.stops) + len(plan.unserved) == 45
    assert len(plan.stops) > 40
    assert plan.stats["parts"] == 3
    town.session.refresh(split)
    assert (split.state, split.plan_id, count_parts(town)) == ("joined", plan.id, 0)


def test_who_asked_sees_the_day_running_until_it_is_joined(town: Town) -> None:
    run_id, me = ask(town), a_principal()
    do(town, run_id)
    seen = find_run(town.session, me, run_id)
    assert (seen.state, seen.plan_id) == ("running", None)
    part = runs_of(town.session, "planning.optimise_part")[0]
    assert find_run(town.session, a_principal(territory_ids=frozenset({town.territory.id})), part.id)
    perform(town, "planning.optimise_part")
    perform(town, "planning.join_parts")
    seen = find_run(town.session, me, run_id)
    assert (seen.state, seen.plan_id) == ("done", str(proposals(town)[0].id))


def test_the_join_is_asked_for_by_the_last_part_and_once(town: Town) -> None:
    cut(town)
    parts = runs_of(town.session, "planning.optimise_part")
    for run in parts:
        assert runs_of(town.session, "planning.join_parts") == []
        do(town, run.id)
        do(town, run.id)
    assert len(runs_of(town.session, "planning.join_parts")) == 1


def test_a_part_that_is_repeated_after_its_end_changes_nothing(town: Town) -> None:
    cut(town)
    first = runs_of(town.session, "planning.optimise_part")[0]
    do(town, first.id)
    town.session.execute(JobRun.__table__.update().where(JobRun.id == first.id).values(state="ready"))
    before = town.session.scalar(select(PlanSplitPart.stats).where(PlanSplitPart.number == 0))
    town.session.commit()
    do(town, first.id)
    town.session.expire_all()
    assert town.session.get_one(JobRun, first.id).result == {"void": True}
    assert town.session.scalar(select(PlanSplitPart.stats).where(PlanSplitPart.number == 0)) == before


def test_a_newer_request_makes_older_parts_void(town: Town) -> None:
    older = cut(town)
    waiting = runs_of(town.session, "planning.optimise_part")
    do(town, waiting[0].id)
    newer = cut(town)
    town.session.refresh(older)
    assert (older.state, newer.state) == ("void", "open")
    perform(town, "planning.optimise_part")
    voids = [run.result for run in waiting[1:]]
    assert voids == [{"void": True}] * len(voids)
    perform(town, "planning.join_parts")
    [plan] = proposals(town)
    town.session.refresh(newer)
    assert newer.plan_id == plan.id
    assert find_run(town.session, a_principal(), _asked_for(town, older)).state == "cancelled"


def test_an_older_run_that_comes_late_leaves_the_newer_parts_alone(town: Town) -> None:
    """A work-horse may read an older request after the newer one was cut; the day has one open split."""
    older, newer = ask(town), ask(town)
    do(town, newer)
    do(town, older)
    run = town.session.get_one(JobRun, older)
    assert (run.state, run.result) == ("done", {"void": True})
    assert find_run(town.session, a_principal(), older).state == "cancelled"
    [split] = town.session.scalars(select(PlanSplit))
    assert (split.state, split.run_id) == ("open", newer)


def test_the_database_refuses_a_second_open_split_of_a_day(town: Town) -> None:
    split = cut(town)
    columns = {c.name: getattr(split, c.name) for c in PlanSplit.__table__.columns}
    with pytest.raises(IntegrityError, match="uq_plan_split_open"):
        town.session.execute(insert(PlanSplit).values(columns | {"id": uuid.uuid4()}))
    town.session.rollback()


def test_a_split_that_is_over_keeps_no_places(town: Town) -> None:
    void, joined = cut(town), cut(town)
    perform(town, "planning.optimise_part")
    perform(town, "planning.join_parts")
    for split in (void, joined):
        town.session.refresh(split)
    assert [(split.state, split.places) for split in (void, joined)] == [("void", b""), ("joined", b"")]


def test_a_day_in_parts_that_is_called_off_leaves_nothing(town: Town) -> None:
    """Whatever is planned already, and again when somebody calls it off once more."""
    split = cut(town)
    run_id, waiting = _asked_for(town, split), runs_of(town.session, "planning.optimise_part")
    do(town, waiting[0].id)
    told = find_run(town.session, a_principal(), run_id).progress
    assert told is not None
    assert told["seconds"] is not None
    assert told["unserved"] is None, "two parts have not told anything yet"
    for _ in range(2):
        seen = cancel_run(town.session, by=a_principal(), run_id=run_id)
        assert (seen.state, seen.plan_id) == ("cancelled", None)
        town.session.commit()
    for run in waiting[1:]:
        do(town, run.id)
        assert (run.state, run.attempt) == ("cancelled", 0)
    town.session.refresh(split)
    assert (split.state, count_parts(town), proposals(town)) == ("void", 0, [])
    assert runs_of(town.session, "planning.join_parts") == []


def test_a_part_under_way_when_its_day_is_called_off_ends_without_effect(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    split = cut(town)
    run_id, first = _asked_for(town, split), runs_of(town.session, "planning.optimise_part")[0]

    def under_way(part: object, orders: object) -> Plan:
        del part, orders
        town.session.rollback()
        cancel_run(town.session, by=a_principal(), run_id=run_id)
        town.session.commit()
        return Plan()

    monkeypatch.setattr(optimise_parts, "_laid", under_way)
    do(town, first.id)
    assert (first.state, first.result) == ("cancelled", {"void": True})


def test_a_joined_day_is_over(town: Town) -> None:
    split = cut(town)
    perform(town, "planning.optimise_part")
    perform(town, "planning.join_parts")
    with pytest.raises(RunNotCancellable):
        cancel_run(town.session, by=a_principal(), run_id=_asked_for(town, split))


def test_called_off_while_it_is_read_a_day_is_not_cut(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = ask(town)
    cut_day = optimise_parts.cut

    def late(*args: Any, **kwargs: Any) -> Any:
        town.session.rollback()
        assert cancel_run(town.session, by=a_principal(), run_id=run_id).state == "running"
        town.session.commit()
        return cut_day(*args, **kwargs)

    monkeypatch.setattr(optimise_parts, "cut", late)
    do(town, run_id)
    assert find_run(town.session, a_principal(), run_id).state == "cancelled"
    assert list(town.session.scalars(select(PlanSplit))) == []


def _asked_for(town: Town, split: PlanSplit) -> uuid.UUID:
    """The run that made a split."""
    runs = runs_of(town.session, "planning.optimise_day")
    return next(run.id for run in runs if run.result and run.result.get("split_id") == str(split.id))


def test_a_request_between_the_last_part_and_the_join_leaves_nothing_to_join(town: Town) -> None:
    cut(town)
    perform(town, "planning.optimise_part")
    ask(town)
    [join] = perform(town, "planning.join_parts")
    assert join.result == {"void": True}
    assert proposals(town) == []


def test_what_changes_while_parts_are_planned_is_in_the_proposal(town: Town) -> None:
    """A new visit is planned, a cancelled one is not, a fresh pin is kept, on the day's newest version."""
    cut(town)
    perform(town, "planning.optimise_part")
    gone, pinned = town.session.scalars(select(Visit).order_by(Visit.id).limit(2)).all()
    gone.work_order.waiting_reason, gone.work_order.waiting_since = "part", clock.now()
    fresh = town.visit(duration_minutes=30, priority=4)
    lock_visit(town.session, by=None, visit=pinned, technician_id=None, start=at(13), reason="asked for")
    town.session.commit()
    give(town, 6)
    perform(town, "planning.join_parts")
    [plan] = proposals(town)
    starts = {stop.visit_id: stop.start for stop in plan.stops}
    assert fresh.id in starts
    assert gone.id not in {*starts, *(left.visit_id for left in plan.unserved)}
    assert starts[pinned.id] == at(13)
    assert plan.base_version == town.head().version
    assert violations(town, plan) == []


def test_a_promise_that_cannot_be_kept_in_a_large_day_is_planned_late(town: Town, now: MovableClock) -> None:
    """R-309: as in a day of one piece."""
    late = town.visits(3, duration_minutes=60)
    for visit in late:
        book(town.session, by=None, visit=visit, start=at(8), end=at(9), channel="phone")
    town.session.commit()
    now.set(at(9.5))
    cut(town)
    perform(town, "planning.optimise_part")
    give(town, 6)
    perform(town, "planning.join_parts")
    [plan] = proposals(town)
    assert {visit.id for visit in late} <= {stop.visit_id for stop in plan.stops}


class Late:
    """A clock on which the time of the join is over as soon as the day has been read and laid."""

    def __init__(self, looks: int) -> None:
        self.looks = looks

    def __call__(self) -> float:
        self.looks -= 1
        return 0.0 if self.looks > 0 else 100.0


def test_a_join_keeps_to_its_seconds_and_says_how_long_each_step_took(town: Town) -> None:
    cut(town)
    perform(town, "planning.optimise_part")
    give(town, 4)
    perform(town, "planning.join_parts")
    [plan] = proposals(town)
    assert violations(town, plan) == []
    steps = [plan.stats[f"{name}_seconds"] for name in ("read", "lay", "polish", "judge")]
    assert 0 < sum(steps) <= plan.stats["seconds"] + 0.01
    assert plan.stats["polish_seconds"] < 6  # of 4, and slow machines


def test_a_join_without_time_leaves_out_polishing_and_is_still_judged_and_explained(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    town.visits(30, duration_minutes=120)
    cut(town)
    perform(town, "planning.optimise_part")
    monkeypatch.setattr(optimise_parts, "monotonic", Late(5))
    perform(town, "planning.join_parts")
    [plan] = proposals(town)
    assert violations(town, plan) == []
    assert len(plan.stops) + len(plan.unserved) == 75
    assert "polish_seconds" not in plan.stats
    assert plan.stats["judge_seconds"] >= 0
    assert plan.unserved
    assert all(left.reason and left.sentence for left in plan.unserved)
