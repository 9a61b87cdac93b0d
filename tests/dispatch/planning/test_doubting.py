"""Locks against rules are kept, and plans say what they stand against."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from dispatch import outbox
from dispatch.doctor.plans import doubtful_plans
from dispatch.outbox import JobRun
from dispatch.planning import doubting, scenarios
from dispatch.planning.commands import book, lock_visit, publish, request_optimise
from dispatch.planning.model import DayPlan
from dispatch.work_orders.model import Visit
from optimizer.constraints import CONSTRAINTS
from tests.builders import DAY, a_part, a_principal, at
from tests.dispatch.conftest import MovableClock
from tests.planning_world import Town


@pytest.fixture
def town(lasting_town: Town) -> Town:
    """A town whose rows the jobs see."""
    return lasting_town


def planned(town: Town) -> DayPlan:
    """The day's proposal."""
    session = town.session
    run_id = request_optimise(session, by=None, territory_id=town.territory.id, day=DAY, seconds=0.25)
    session.commit()
    outbox.perform(str(run_id))
    session.expire_all()
    run = session.get_one(JobRun, run_id)
    assert run.state == "done", run.error
    return session.get_one(DayPlan, (run.result or {})["plan_id"])


def told(plan: DayPlan) -> list[tuple[Any, ...]]:
    """Code, rule and visit of every doubt."""
    return [(row["code"], row["rule"], row["visit_id"]) for row in plan.doubts]


def pinned(session: Session, visit: Visit, who: Any, start: float | None = None) -> None:
    """A dispatcher's lock."""
    lock_visit(session, by=None, visit=visit, technician_id=who.id, start=at(start) if start else None)


def test_every_rule_has_its_words_in_both_languages() -> None:
    assert set(doubting.RULES) == {rule.CODE for rule in CONSTRAINTS}
    for english, chinese in (*doubting.RULES.values(), *doubting.SENTENCES.values()):
        assert english.isascii()
        assert not chinese.replace("{who}", "").isascii()


def test_a_day_whose_locks_keep_to_the_rules_is_beyond_doubt(town: Town) -> None:
    who, visit = town.technician(), town.visit()
    pinned(town.session, visit, who, 10)
    assert planned(town).doubts == []


def test_a_longer_shift_a_missing_skill_and_a_part_on_no_van_are_named(town: Town) -> None:
    ada, part = town.technician(skills={"gas": 1}), a_part(town.session)
    evening, expert = town.visit(), town.visit(skills={"gas": 3})
    piece = town.visit(parts={part.sku: 2})
    pinned(town.session, evening, ada, 18)
    pinned(town.session, expert, ada)
    pinned(town.session, piece, ada)
    plan = planned(town)
    assert {stop.visit_id for stop in plan.stops} == {evening.id, expert.id, piece.id}
    assert sorted(told(plan), key=str) == sorted(
        [
            ("LOCK_AGAINST_RULE", "SHIFT", str(evening.id)),
            ("LOCK_AGAINST_RULE", "PARTS", str(piece.id)),
            ("LOCK_AGAINST_RULE", "SKILL", str(expert.id)),
        ],
        key=str,
    )
    [parts] = [row for row in plan.doubts if row["rule"] == "PARTS"]
    assert parts["technician_id"] == str(ada.id)
    assert f"2 {part.sku}" in parts["cause"]
    assert parts["sentence_en"] == f"kept as decided, though the van of {ada.name} lacks parts for it"


def test_a_break_laid_aside_is_named(town: Town) -> None:
    ada = town.technician(break_minutes=30, break_earliest=at(12), break_latest=at(12.5))
    long = town.visit(duration_minutes=240)
    pinned(town.session, long, ada, 11)
    assert told(planned(town)) == [("LOCK_AGAINST_RULE", "BREAK", str(long.id))]


def test_two_locks_at_one_time_are_named_by_their_numbers(town: Town) -> None:
    ada = town.technician()
    first, second = town.visits(2, duration_minutes=60)
    pinned(town.session, first, ada, 10)
    pinned(town.session, second, ada, 10.5)
    plan = planned(town)
    [clash] = [row for row in plan.doubts if row["code"] == "LOCKS_CLASH"]
    assert clash["visit_id"] == str(second.id)
    assert clash["technician_id"] == str(ada.id)
    for name in (ada.name, first.number, second.number):
        assert name in clash["cause"]


def test_what_has_begun_is_beyond_doubt_though_two_visits_overlap(town: Town, now: MovableClock) -> None:
    now.set(at(9.5))
    ada = town.technician()
    for hour in (9, 9.25):
        town.visit(
            technician=ada, state="done", arrived_at=at(hour), started_at=at(hour), finished_at=at(9.5)
        )
    late = town.visit()
    pinned(town.session, late, ada, 10)
    plan = planned(town)
    assert len(plan.stops) == 3
    assert plan.doubts == []


def test_a_crew_larger_than_the_day_is_named(town: Town) -> None:
    town.technician()
    lead = town.visit(crew_size=2)
    mate = Visit(
        work_order=lead.work_order, attempt=1, seat=1, leader_id=lead.id, crew_size=2, state="unplanned",
        duration_minutes=60,
    )  # fmt: skip
    town.session.add(mate)
    town.session.flush()
    [doubt] = planned(town).doubts
    assert (doubt["code"], doubt["visit_id"]) == ("TEAM_TOO_LARGE", str(lead.id))


def test_what_is_published_and_begins_soon_is_named_when_it_stands_against_a_rule(
    town: Town, now: MovableClock
) -> None:
    town.territory.freeze_minutes = 120
    ada = town.technician(break_minutes=0, certificates={"f_gas": DAY})
    visit = town.visit(certificates=["f_gas"])
    book(town.session, by=None, visit=visit, start=at(8), end=at(10), channel="phone")
    plan = town.in_force()
    assert plan is not None
    publish(town.session, by=None, plan=plan, expected_version=town.head().version)
    ada.certificates[0].valid_until = DAY - timedelta(days=1)
    again = planned(town)
    assert told(again) == [("LOCK_AGAINST_RULE", "CERTIFICATE", str(visit.id))]


def test_a_draft_says_it_after_the_next_booking(town: Town) -> None:
    town.technician()
    ada = town.technician(break_minutes=0)
    evening, other = town.visit(), town.visit()
    book(town.session, by=None, visit=evening, start=at(14), end=at(16), channel="phone")
    assert (town.in_force() or DayPlan()).doubts == []
    pinned(town.session, evening, ada, 18)
    book(town.session, by=None, visit=other, start=at(10), end=at(12), channel="phone")
    plan = town.in_force()
    assert plan is not None
    assert ("LOCK_OUTSIDE_WINDOW", None, str(evening.id)) in told(plan)


def test_the_doctor_names_days_whose_plan_in_force_is_in_doubt(town: Town, now: MovableClock) -> None:
    ada, visit = town.technician(), town.visit()
    pinned(town.session, visit, ada, 18)
    plan = planned(town)
    assert list(doubtful_plans(town.session)) == []
    publish(town.session, by=None, plan=plan, expected_version=town.head().version)
    [finding] = doubtful_plans(town.session)
    assert (finding.level, finding.code) == ("warning", "PLAN_DOUBTFUL")
    assert str(DAY) in finding.message
    assert f"{ada.name} works beyond shift and overtime" in finding.message
    now.set(at(9, days=1))
    assert list(doubtful_plans(town.session)) == []


def test_a_scenario_says_what_its_plan_keeps_against_a_rule(town: Town) -> None:
    """Somebody who sets out late for a lock works longer."""
    ada, visit = town.technician((8, 16), break_minutes=0), town.visit(duration_minutes=300)
    pinned(town.session, visit, ada)
    row = scenarios.request_scenario(
        town.session,
        by=a_principal(),
        territory=town.territory,
        day=DAY,
        title="late",
        assumptions={"delays": [{"technician_id": ada.id, "minutes": 240}]},
        seconds=0.25,
    )
    town.session.commit()
    outbox.perform(str(row.run_id))
    town.session.expire_all()
    plan = town.session.get_one(DayPlan, row.plan_id)
    assert told(plan) == [("LOCK_AGAINST_RULE", "SHIFT", str(visit.id))]
    assert ada.name in plan.doubts[0]["sentence_en"]
