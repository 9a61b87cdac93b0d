"""Positions from the phone (R-903, docs/reference/sync.md)."""

from __future__ import annotations

import json
import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from dispatch import clock, db
from dispatch.contracts.house_rules import change_house_rules
from dispatch.customers.model import Site
from dispatch.performance.commands import write_daily_log
from dispatch.performance.model import DailyLog
from dispatch.sync import protocol, upkeep
from dispatch.work_orders.model import Visit
from tests import builders
from tests.builders import DAY, at, frozen_clock
from tests.dispatch.sync.field import Field, paid, results


@pytest.fixture
def on_duty(field: Field) -> Field:
    """A technician with a shift from eight to sixteen; it is noon."""
    with db.transaction() as session:
        builders.a_shift(session, session.get_one(builders.Technician, field.technician_id))
    clock.set_source(lambda: at(12))
    return field


def fix(moment: datetime, **more: Any) -> dict[str, Any]:
    """A position as the phone tells it."""
    return {"at": moment.isoformat(), "latitude": "60.17123", "longitude": "24.94123"} | more


def kept(field: Field) -> list[datetime]:
    """The moments of the stored positions."""
    rows = field.ask("select at from position where technician_id = :id order by at", id=field.technician_id)
    return [moment for (moment,) in rows]


def test_position_clause_1_only_what_was_measured_on_duty_is_kept(on_duty: Field) -> None:
    """R-903: the rest is dropped by name and never stored."""
    broken = [{"at": "?", "latitude": "60", "longitude": "24"}, fix(at(9), latitude="north"), {"x": 1}]
    fixes = [fix(at(7)), fix(at(9), accuracy_metres=12), fix(at(13)), *broken]
    [receipt] = on_duty.push(on_duty.op(protocol.POSITIONS, fixes=fixes))
    assert receipt["result"] == "applied"
    assert receipt["effect"] == {"kept": 1, "dropped": {"OFF_DUTY": 1, "IN_FUTURE": 1, "UNREADABLE": 3}}
    assert kept(on_duty) == [at(9)]


def test_position_clause_1_a_break_on_the_phone_hides_what_follows(on_duty: Field) -> None:
    rest = on_duty.op(protocol.BREAK_START)
    told = on_duty.op(protocol.POSITIONS, fixes=[fix(at(11)), fix(at(12))])
    assert on_duty.push(rest, told)[1]["effect"] == {"kept": 1, "dropped": {"ON_BREAK": 1}}


def test_position_clause_2_the_operation_does_not_hold_what_was_measured(on_duty: Field) -> None:
    """R-903: neither when it is decided at once, nor after it waited; delivered again it has no effect."""
    early = on_duty.op(protocol.POSITIONS, fixes=[fix(at(9))])
    late = on_duty.op(protocol.POSITIONS, fixes=[fix(at(10))])
    assert results(on_duty.push(late)) == ["held:gap"]
    assert results(on_duty.push(early, late)) == ["applied", "applied"]
    assert [on_duty.stored(op).body["payload"] for op in (early, late)] == [{}, {}]
    assert kept(on_duty) == [at(9), at(10)]
    assert results(on_duty.push(early)) == ["applied"]
    wrong = on_duty.op(protocol.POSITIONS, places=[fix(at(9))])
    assert results(on_duty.push(wrong)) == ["rejected:FIELD_UNKNOWN"]
    assert on_duty.stored(wrong).body["payload"] == {}


def test_position_clause_2_times_are_corrected_like_the_operations(on_duty: Field) -> None:
    operation = on_duty.op(protocol.POSITIONS, fixes=[fix(at(10))])
    wrong = timedelta(minutes=30)
    operation |= {"occurred_at": (at(12) - wrong).isoformat()}
    assert results(on_duty.push(operation)) == ["applied"]
    assert kept(on_duty) == [at(10) + wrong]


def test_position_clause_3_positions_block_nothing_and_come_last(on_duty: Field) -> None:
    visit = on_duty.visit()
    told = on_duty.op(protocol.POSITIONS, fixes="no list")
    more = on_duty.op(protocol.PAYMENT, visit, **paid("5.00"))
    assert results(on_duty.push(told, more)) == ["rejected:OPERATION_INVALID", "applied"]


def test_position_clause_4_switching_off_needs_a_reason_and_lasts(on_duty: Field) -> None:
    """R-903: the technician's own switch."""
    off = on_duty.op(protocol.SWITCH_POSITIONS, is_on=False)
    assert results(on_duty.push(off)) == ["rejected:OPERATION_INVALID"]
    off = on_duty.op(protocol.SWITCH_POSITIONS, is_on=False, reason="doctor")
    told = on_duty.op(protocol.POSITIONS, fixes=[fix(at(11)), fix(at(12))])
    receipts = on_duty.push(off, told)
    assert [one["effect"] for one in receipts] == [
        {"is_on": False},
        {"kept": 1, "dropped": {"SWITCHED_OFF": 1}},
    ]
    on = on_duty.op(protocol.SWITCH_POSITIONS, is_on=True)
    again = on_duty.op(protocol.SWITCH_POSITIONS, is_on=True)
    receipts = on_duty.push(on, again)
    assert [one["effect"] for one in receipts] == [{"is_on": True}, {"is_on": True, "unchanged": True}]


def test_positions_under_an_identity_used_before_are_kept_nowhere(on_duty: Field) -> None:
    """R-903: what is refused is kept for the desk, positions excepted."""
    told = on_duty.op(protocol.POSITIONS, fixes=[fix(at(9))])
    on_duty.push(told)
    assert results(on_duty.push(told | {"payload": {"fixes": [fix(at(10))]}})) == ["rejected:id_reuse"]
    bodies = on_duty.ask(
        "select body->'payload' from sync_operation where device_id = :id", id=on_duty.by.device_id
    )
    assert bodies == [({},), ({},)]
    assert kept(on_duty) == [at(9)]


SITE, AWAY = ("60.17000", "24.94000"), ("60.18000", "24.94000")
"""Where builders put their sites, and eleven hundred metres north of it."""


def arrived(
    field: Field, place: tuple[str, str], **more: Any
) -> tuple[uuid.UUID, dict[str, Any], dict[str, Any]]:
    """A visit, an arrival with a position, and its receipt."""
    visit = field.visit()
    where = {"latitude": place[0], "longitude": place[1]} | more
    operation = field.op(protocol.ARRIVE, visit, position=where)
    [receipt] = field.push(operation)
    return visit, operation, receipt


def cases(field: Field, visit: uuid.UUID) -> list[tuple[str, Any]]:
    """Kind and detail of the open cases of a visit."""
    question = "select kind, detail from review_case where visit_id = :id and decided_at is null"
    return [(kind, detail) for kind, detail in field.ask(question, id=visit)]


def test_position_clause_5_an_arrival_far_from_the_site_is_flagged_with_the_distance(on_duty: Field) -> None:
    """Reliability 3: a flag and no refusal; the position itself is in no operation and in no case."""
    visit, operation, receipt = arrived(on_duty, AWAY, accuracy_metres=20)
    assert (receipt["result"], "effect" in receipt) == ("applied_conflict", False)
    assert on_duty.state(visit) == "on_site"
    [(kind, detail)] = cases(on_duty, visit)
    assert (kind, detail["distance_metres"]) == ("far_from_site", 1100)
    assert detail["facts"][0]["payload"] == on_duty.stored(operation).body["payload"] == {}
    assert kept(on_duty) == [at(12)]


def test_position_clause_5_the_distance_goes_with_the_positions_of_its_age(on_duty: Field) -> None:
    """R-903: after ninety days the case tells that it was far, and no longer how far."""
    visit, _, _ = arrived(on_duty, AWAY)
    for days, is_told in ((89, True), (91, False)):
        clock.set_source(frozen_clock(at(12, days=days)))
        with db.transaction() as session:
            upkeep.forget_distances(session, keep_days=90)
        [(kind, detail)] = cases(on_duty, visit)
        assert (kind, "distance_metres" in detail) == ("far_from_site", is_told)
        assert detail["facts"][0]["type"] == protocol.ARRIVE


def test_the_daily_log_tells_nothing_of_where_somebody_was(on_duty: Field) -> None:
    """R-903: neither position nor distance, whether the house uses positions for the appraisal or not."""
    arrived(on_duty, AWAY)
    texts = []
    for is_used in (False, True):
        with db.transaction() as session:
            change_house_rules(session, by=on_duty.desk, changes={"location_appraisal": is_used})
            write_daily_log(session, day=DAY)
            statement = select(DailyLog).where(
                DailyLog.day == DAY, DailyLog.scope_id == str(on_duty.technician_id)
            )
            log = session.scalars(statement).one()
            sums = {"work_seconds", "travel_seconds", "break_seconds", "money_minor"}
            assert set(log.facts) == sums | {"visits", "breaks", "answers"}
            [row] = log.facts["visits"]
            assert set(row) == {
                "sheet",
                "is_solved",
                "work_seconds",
                "arrived_at",
                "started_at",
                "finished_at",
            }
            texts.append((log.facts_sha256, json.dumps(log.facts)))
    with db.transaction() as session:
        change_house_rules(session, by=on_duty.desk, changes={"location_appraisal": None})
    assert texts[0] == texts[1]


def test_position_clause_5_near_enough_or_not_accurate_enough_says_nothing(on_duty: Field) -> None:
    for place, more in ((SITE, {}), (AWAY, {"accuracy_metres": 900})):
        visit, _, receipt = arrived(on_duty, place, **more)
        assert (receipt["result"], cases(on_duty, visit)) == ("applied", [])


def test_position_clause_5_switched_off_or_off_duty_nothing_is_kept_or_judged(on_duty: Field) -> None:
    """R-903: the switch is the technician's own; the arrival counts all the same."""
    on_duty.push(on_duty.op(protocol.SWITCH_POSITIONS, is_on=False, reason="private"))
    visit, operation, receipt = arrived(on_duty, AWAY)
    assert (receipt["result"], cases(on_duty, visit), kept(on_duty)) == ("applied", [], [])
    assert on_duty.stored(operation).body["payload"] == {}


@pytest.mark.parametrize(
    "where", ["here", {"latitude": "north"}, {"latitude": "91", "longitude": "0"}, {"x": 1}]
)
def test_position_clause_5_what_cannot_be_read_refuses_no_arrival(on_duty: Field, where: Any) -> None:
    visit = on_duty.visit()
    [receipt] = on_duty.push(on_duty.op(protocol.ARRIVE, visit, position=where))
    assert (receipt["result"], on_duty.state(visit)) == ("applied", "on_site")


def test_position_clause_5_the_house_may_look_farther_or_not_at_all(on_duty: Field) -> None:
    with db.transaction() as session:
        change_house_rules(session, by=on_duty.desk, changes={"arrival_metres": 0})
    visit, _, receipt = arrived(on_duty, AWAY)
    with db.transaction() as session:
        change_house_rules(session, by=on_duty.desk, changes={"arrival_metres": None})
    assert (receipt["result"], cases(on_duty, visit)) == ("applied", [])


def test_position_clause_5_a_site_put_down_approximately_judges_nobody(on_duty: Field) -> None:
    visit = on_duty.visit()
    with db.transaction() as session:
        order = session.get_one(Visit, visit).work_order
        session.get_one(Site, order.site_id).position_quality = "street"
    where = {"latitude": AWAY[0], "longitude": AWAY[1]}
    [receipt] = on_duty.push(on_duty.op(protocol.ARRIVE, visit, position=where))
    assert receipt["result"] == "applied"


def test_position_clause_5_it_waits_like_its_operation_and_is_forgotten_with_it(on_duty: Field) -> None:
    """Held for a gap, the arrival is judged when it is decided; then its position is gone."""
    visit = on_duty.visit()
    travel = on_duty.op(protocol.TRAVEL, visit)
    arrive = on_duty.op(protocol.ARRIVE, visit, position={"latitude": AWAY[0], "longitude": AWAY[1]})
    assert results(on_duty.push(arrive)) == ["held:gap"]
    assert results(on_duty.push(travel, arrive)) == ["applied", "applied_conflict"]
    assert on_duty.stored(arrive).body["payload"] == {}
