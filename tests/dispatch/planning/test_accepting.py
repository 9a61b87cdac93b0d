"""Proposals taken over row by row, published by policy, and asked for when the day goes wrong."""

from __future__ import annotations

import random
import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from dispatch import outbox
from dispatch.planning import auto_publishing, spreads
from dispatch.planning.commands import accept_rows, book, publish, request_optimise
from dispatch.planning.differences import differences
from dispatch.planning.model import DayPlan
from dispatch.planning.rules import (
    AutoPublish,
    PlanNotPublishable,
    PlanStale,
    RowNotAcceptable,
    RowUnknown,
)
from dispatch.technicians.commands import add_absence
from dispatch.technicians.model import Technician
from dispatch.work_orders.model import Visit
from tests.builders import DAY, a_part, a_principal, at, van_stock
from tests.dispatch.conftest import MovableClock
from tests.dispatch.planning.test_differences import proposal, start_of
from tests.planning_world import Town, a_published_day, runs_of, violations

ME = a_principal()


@pytest.fixture(autouse=True)
def forgotten() -> None:
    """Nothing was measured before."""
    spreads.forget()


def a_day(town: Town, *hours: int) -> tuple[Technician, Technician, list[Visit]]:
    """Two technicians at two places; visits of half an hour near the first, published."""
    return a_published_day(town, *hours, minutes=30)


def accept(town: Town, plan: DayPlan, *visits: Visit) -> dict[uuid.UUID, tuple[uuid.UUID, datetime]]:
    """Take over the rows of these visits; return who then serves what from when on."""
    ids = [visit.id for visit in visits]
    version = town.head().version
    accept_rows(town.session, by=ME, plan=plan, visit_ids=ids, expected_version=version)
    now = town.in_force()
    assert now is not None
    assert (now.state, now.reason) == ("published", "accepted_rows")
    return {stop.visit_id: (stop.technician_id, stop.start) for stop in now.stops}


def test_one_row_is_taken_over_and_the_rest_stays(town: Town) -> None:
    first, second, [one, two, three] = a_day(town, 8, 10, 14)
    before = {visit.id: (first.id, start_of(visit)) for visit in (one, two, three)}
    plan = proposal(
        town,
        (one, second, at(9)),
        (two, second, at(10.5)),
        (three, first, start_of(three)),
    )
    after = accept(town, plan, two)
    assert after[two.id][0] == second.id
    assert after[one.id][0] == after[three.id][0] == first.id
    assert after[one.id][1] == before[one.id][1]
    published = town.in_force()
    assert published is not None
    assert violations(town, published) == []
    assert differences(town.session, plan).rows != []
    with pytest.raises(PlanStale):
        accept_rows(town.session, by=ME, plan=plan, visit_ids=[one.id], expected_version=town.head().version)


def test_all_rows_taken_over_are_the_proposal(town: Town) -> None:
    _, second, visits = a_day(town, 8, 10)
    plan = proposal(town, (visits[0], second, at(9)), (visits[1], second, at(11)))
    after = accept(town, plan, *visits)
    assert {technician for technician, _ in after.values()} == {second.id}


def test_a_row_without_room_among_what_stays_is_refused_and_nothing_changes(town: Town) -> None:
    first, second, [one] = a_day(town, 8)
    other = town.visit(60.13, 24.85, duration_minutes=115)
    book(town.session, by=None, visit=other, start=at(8), end=at(8.25), channel="phone")
    current = town.in_force()
    assert current is not None
    publish(town.session, by=None, plan=current, expected_version=town.head().version)
    assert {stop.visit_id: stop.technician_id for stop in current.stops}[other.id] == second.id
    one.window_end = at(8.75)
    town.session.flush()
    plan = proposal(town, (one, second, at(8.5)), (other, first, at(8.2)))
    version = town.head().version
    with pytest.raises(RowNotAcceptable) as refusal:
        accept(town, plan, one)
    assert one.number in str(refusal.value)
    assert (town.head().version, town.in_force()) == (version, current)


@pytest.mark.parametrize("ids", [[], [uuid.UUID(int=3)]])
def test_rows_that_are_none_are_refused(town: Town, ids: list[uuid.UUID]) -> None:
    first, _, [one] = a_day(town, 8)
    plan = proposal(town, (one, first, start_of(one)))
    with pytest.raises(RowUnknown):
        accept_rows(town.session, by=ME, plan=plan, visit_ids=ids, expected_version=town.head().version)


def test_a_dropped_row_leaves_the_day_with_its_reason(town: Town) -> None:
    first, _, [one, two] = a_day(town, 8, 10)
    plan = proposal(town, (two, first, start_of(two)), left_out=one)
    after = accept(town, plan, one)
    assert set(after) == {two.id}
    now = town.in_force()
    assert now is not None
    assert [(left.visit_id, left.sentence) for left in now.unserved] == [(one.id, "nobody holds it")]


@pytest.mark.parametrize("seed", range(6))
def test_any_choice_of_rows_gives_a_plan_that_the_checker_accepts_or_a_refusal(town: Town, seed: int) -> None:
    """Generated: whatever rows somebody takes, nobody is in two places and nothing else moves to others."""
    chance = random.Random(seed)
    first, second, visits = a_day(town, *(8 + 2 * (n % 4) for n in range(7)))
    rows = []
    for visit in visits:
        who = chance.choice([first, second])
        rows.append((visit, who, start_of(visit) + timedelta(minutes=chance.randint(0, 30))))
    plan = proposal_of(town, rows)
    changed = [row.visit_id for row in differences(town.session, plan).rows]
    taken = [visit for visit in visits if visit.id in changed and chance.random() < 0.6]
    if not taken:
        pytest.skip("nothing was drawn")
    try:
        after = accept(town, plan, *taken)
    except RowNotAcceptable:
        return
    now = town.in_force()
    assert now is not None
    assert violations(town, now) == []
    for visit, who, _ in rows:
        assert after[visit.id][0] == (who.id if visit in taken else first.id)


def proposal_of(town: Town, rows: list[tuple[Visit, Technician, datetime]]) -> DayPlan:
    """A proposal with these rows, positions by start."""
    ordered = sorted(((who, visit, start) for visit, who, start in rows), key=lambda row: row[2])
    plan = town.plan_of(ordered, town.head(), state="proposed")
    plan.reason = "optimise"
    return plan


def test_accepting_one_row_never_leaves_others_of_somebody_off_duty_behind(town: Town) -> None:
    first, second, [one, two] = a_day(town, 8, 10)
    add_absence(town.session, by=None, technician=first, starts_at=at(6), ends_at=at(20), reason="ill")
    plan = proposal(town, (one, second, at(9)), (two, second, at(11)))
    with pytest.raises(RowNotAcceptable) as refusal:
        accept(town, plan, one)
    assert refusal.value.detail["visits"] == [str(two.id)]
    after = accept(town, plan, one, two)
    assert {who for who, _ in after.values()} == {second.id}


def test_a_row_that_breaks_a_rule_among_what_stays_is_refused(town: Town) -> None:
    """Each van holds one part, and both visits need it: swapping them works, taking one row does not."""
    first, second, [one, two] = a_day(town, 8, 10)
    part = a_part(town.session)
    for who in (first, second):
        van_stock(town.session, who, part, 1)
    move = proposal(town, (one, first, start_of(one)), (two, second, at(11)))
    accept(town, move, two)
    one.parts = two.parts = {part.sku: 1}
    town.session.flush()
    swap = proposal(town, (two, first, at(10.5)), (one, second, at(8.6)))
    with pytest.raises(RowNotAcceptable, match="PARTS"):
        accept(town, swap, one)


# By policy ---------------------------------------------------------------------------------------


def policy(**changes: Any) -> dict[str, Any]:
    """A territory's policy."""
    return {"reasons": ["optimise"], "told_most": 5, "technicians_most": 5} | changes


@pytest.mark.parametrize(
    ("given", "objection"),
    [
        ({}, None),
        (policy(reasons=["absence"]), "for a person"),
        (policy(told_most=0), "told anew"),
        (policy(technicians_most=0), "change technician"),
    ],
)
def test_what_a_territory_does_not_allow_is_left_to_a_person(
    town: Town, given: dict[str, Any], objection: str | None
) -> None:
    town.territory.auto_publish = given
    _, second, [one] = a_day(town, 8)
    plan = proposal(town, (one, second, at(9)))
    done = auto_publishing.consider(town.session, plan)
    assert plan.state == "proposed"
    assert (objection is None) == (not done)
    if objection is not None:
        assert objection in done["not_published"]


def test_what_a_territory_allows_is_published_by_itself(town: Town) -> None:
    town.territory.auto_publish = policy(told_most=1, technicians_most=1)
    _, second, [one] = a_day(town, 8)
    plan = proposal(town, (one, second, at(9)))
    assert auto_publishing.consider(town.session, plan) == {"published": "by policy"}
    assert (plan.state, one.technician_id) == ("published", second.id)


def test_a_promise_is_never_broken_by_itself_and_a_stale_proposal_never_published(town: Town) -> None:
    town.territory.auto_publish = policy()
    first, _, [one] = a_day(town, 8)
    late = proposal(town, (one, first, at(11)))
    assert "promise" in auto_publishing.consider(town.session, late)["not_published"]
    stale = proposal(town, (one, first, at(9)))
    stale.base_version -= 1
    assert "moved on" in auto_publishing.consider(town.session, stale)["not_published"]
    assert {late.state, stale.state} == {"proposed"}


def test_a_refused_publication_leaves_the_proposal(town: Town) -> None:
    town.territory.auto_publish = policy()
    _, second, [one] = a_day(town, 8)
    plan = proposal(town, (one, second, at(20)))
    one.window_start, one.window_end = at(19), at(21)
    town.session.flush()
    assert "not on duty" in auto_publishing.consider(town.session, plan)["not_published"]
    assert plan.state == "proposed"


def test_the_first_publication_of_a_day_is_for_a_person(town: Town) -> None:
    town.territory.auto_publish = policy()
    town.territory.emergency_reserve_percent = 0
    who = town.technician((8, 18), break_minutes=0)
    visit = town.visit(duration_minutes=30)
    book(town.session, by=None, visit=visit, start=at(9), end=at(11), channel="phone")
    plan = proposal(town, (visit, who, at(9)))
    assert "first publication" in auto_publishing.consider(town.session, plan)["not_published"]
    assert plan.state == "proposed"


def test_whoever_hears_of_a_visit_for_the_first_time_counts(town: Town) -> None:
    town.territory.auto_publish = policy(told_most=0)
    first, _, [one] = a_day(town, 8)
    new = town.visit(60.2, 24.99, duration_minutes=30)
    book(town.session, by=None, visit=new, start=at(12), end=at(14), channel="phone")
    plan = proposal(town, (one, first, start_of(one)), (new, first, at(12.5)))
    assert "told anew" in auto_publishing.consider(town.session, plan)["not_published"]


def test_a_visit_that_has_begun_with_somebody_else_meanwhile_is_not_published(town: Town) -> None:
    first, second, [one, two] = a_day(town, 8, 10)
    plan = proposal(town, (one, second, at(9)), (two, second, at(11)))
    one.state, one.travelling_at = "travelling", at(8)
    town.session.flush()
    with pytest.raises(PlanNotPublishable, match="begun"):
        publish(town.session, by=None, plan=plan, expected_version=town.head().version)
    assert one.technician_id == first.id


def test_the_stored_policy_of_a_territory_without_one_allows_nothing() -> None:
    assert AutoPublish.of(None).objection("optimise", []) is not None
    assert AutoPublish.of({}).objection("emergency", []) is not None


# When the day goes wrong -------------------------------------------------------------------------


def perform(session: Session, kind: str) -> list[dict[str, Any]]:
    """Perform every run of a kind that waits; return the results."""
    session.commit()
    found = []
    for run in runs_of(session, kind):
        outbox.perform(str(run.id))
        session.expire_all()
        assert run.state == "done", run.error
        found.append(dict(run.result or {}))
    return found


def test_an_absence_asks_for_a_plan_that_a_policy_may_publish(lasting_town: Town) -> None:
    """R-503: who is ill at ten is replaced without anybody having to ask."""
    town = lasting_town
    town.territory.auto_publish = policy(reasons=["absence"])
    first, second, visits = a_day(town, 10, 14)
    add_absence(town.session, by=None, technician=first, starts_at=at(9), ends_at=at(20), reason="ill")
    assert perform(town.session, "planning.repair_absence") == [{"days": [DAY.isoformat()]}]
    [done] = perform(town.session, "planning.optimise_day")
    assert done["published"] == "by policy"
    assert {town.session.get_one(Visit, visit.id).technician_id for visit in visits} == {second.id}


def test_an_absence_of_somebody_whom_no_plan_sends_asks_for_nothing(lasting_town: Town) -> None:
    town = lasting_town
    _, second, _ = a_day(town, 10)
    add_absence(town.session, by=None, technician=second, starts_at=at(9), ends_at=at(20), reason="ill")
    assert perform(town.session, "planning.repair_absence") == [{"days": []}]
    assert runs_of(town.session, "planning.optimise_day") == []


def test_without_a_policy_the_run_says_nothing_of_publishing(lasting_town: Town) -> None:
    town = lasting_town
    a_day(town, 10)
    request_optimise(town.session, by=None, territory_id=town.territory.id, day=DAY, seconds=0.2)
    [done] = perform(town.session, "planning.optimise_day")
    assert set(done) == {"plan_id", "unserved"}


def test_a_night_shift_is_repaired_after_midnight(lasting_town: Town, now: MovableClock) -> None:
    town = lasting_town
    town.territory.emergency_reserve_percent = 0
    who = town.technician((22, 30), break_minutes=0)
    town.technician((22, 30), break_minutes=0)
    visit = town.visit(duration_minutes=120, required_technician_id=who.id)
    book(town.session, by=None, visit=visit, start=at(23), end=at(23.9), channel="phone")
    now.set(at(24.1))
    add_absence(town.session, by=None, technician=who, starts_at=at(24.2), ends_at=at(31), reason="ill")
    assert perform(town.session, "planning.repair_absence") == [{"days": [DAY.isoformat()]}]
