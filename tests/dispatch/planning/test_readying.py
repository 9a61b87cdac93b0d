"""The evening before: parts, technician and van of every visit are looked at (R-304, R-501, R-511)."""

from __future__ import annotations

import random
from datetime import date
from typing import Any

import pytest
from sqlalchemy.orm import Session

from dispatch.contracts.house_rules import change_house_rules
from dispatch.parts.model import Part, VanStock
from dispatch.planning import heads, readying
from dispatch.planning.readying import ABSENT, CERTIFICATE, OFF_DUTY, PART, TOOL, VAN
from dispatch.promises import reminding
from dispatch.technicians.model import Technician
from dispatch.tools.model import Tool
from dispatch.work_orders.model import Visit
from tests.builders import DAY, a_part, a_principal, a_shift, an_absence, at, van_stock
from tests.dispatch.conftest import MovableClock
from tests.planning_world import Town

TOMORROW = date(2026, 3, 3)


def somebody(town: Town, **fields: Any) -> Technician:
    """On duty tomorrow from eight to sixteen."""
    return town.technician((8, 16), days=1, break_minutes=0, **fields)


def published(town: Town, *stops: tuple[Technician, Visit, float]) -> None:
    """Publish tomorrow: who serves what from which local hour on."""
    head = heads.locked(town.session, town.territory.id, TOMORROW)
    plan = town.plan_of(
        [(who, visit, at(hour, days=1)) for who, visit, hour in stops], head, state="published"
    )
    head.published_plan_id = plan.id
    for who, visit, hour in stops:
        visit.technician_id, visit.planned_start = who.id, at(hour, days=1)
        visit.planned_end = at(hour + 1, days=1)
    town.session.flush()


def gaps(town: Town) -> set[tuple[str, str, int]]:
    """What is open now, after another look."""
    return {
        (row.code, row.subject, row.missing)
        for row in readying.look(town.session, town.territory.id, TOMORROW)
    }


def alerts(town: Town) -> list[str]:
    """What the dispatchers are reminded of."""
    found = reminding.open_reminders(town.session, town.territory.id)
    return [reminder.role for reminder in found if reminder.kind == "readiness"]


def test_a_day_that_is_ready_has_no_gap_and_nobody_is_reminded(town: Town) -> None:
    """R-304."""
    part = a_part(town.session)
    who = somebody(town, certificates={"gas": TOMORROW})
    van_stock(town.session, who, part, 2)
    published(town, (who, town.visit(parts={part.sku: 2}, certificates=["gas"]), 9))
    assert gaps(town) == set()
    assert alerts(town) == []


def test_a_van_is_counted_off_in_the_order_of_the_plan(town: Town) -> None:
    """R-511: three pieces, one of them for a visit of today; the last of tomorrow's goes without."""
    part = a_part(town.session)
    who = somebody(town)
    a_shift(town.session, who)
    van_stock(town.session, who, part, 3)
    town.visit(
        parts={part.sku: 1}, technician=who, state="published", planned_start=at(15), planned_end=at(16)
    )
    first, second = (town.visit(parts={part.sku: 2}) for _ in range(2))
    published(town, (who, first, 9), (who, second, 11))
    rows = readying.look(town.session, town.territory.id, TOMORROW)
    assert [(row.visit_id, row.code, row.subject, row.missing) for row in rows] == [
        (second.id, PART, part.sku, 2)
    ]
    assert alerts(town) == ["dispatcher"]


@pytest.mark.parametrize("code", [ABSENT, OFF_DUTY, CERTIFICATE, VAN])
def test_what_is_wrong_with_people_is_named_and_ends_when_it_is_mended(
    town: Town, now: MovableClock, code: str
) -> None:
    """R-304, R-501."""
    who = town.technician((8, 16), days=2 if code == OFF_DUTY else 1, certificates={"gas": TOMORROW})
    visit = town.visit(certificates=["gas"])
    published(town, (who, visit, 9))
    session: Session = town.session
    if code == ABSENT:
        absence = an_absence(session, who, starts_at=at(7, days=1), ends_at=at(10, days=1))
    elif code == CERTIFICATE:
        who.certificates[0].valid_until = DAY
    elif code == VAN:
        who.has_van = False
    session.flush()
    assert {each[0] for each in gaps(town)} == {code}
    [row] = readying.gaps_on(session, town.territory.id, TOMORROW)
    assert (row.visit_id, row.technician_id, row.ended_at) == (visit.id, who.id, None)
    now.set(at(19))
    if code == ABSENT:
        session.delete(absence)
    elif code == OFF_DUTY:
        a_shift(session, who, starts_at=at(8, days=1), ends_at=at(16, days=1), break_minutes=0)
    elif code == CERTIFICATE:
        who.certificates[0].valid_until = TOMORROW
    else:
        who.has_van = True
    session.flush()
    assert gaps(town) == set()
    assert (row.ended_at, alerts(town)) == (at(19), [])


def test_a_visit_that_begins_or_leaves_the_plan_lacks_nothing_any_more(town: Town) -> None:
    """R-304."""
    who = somebody(town, has_van=False)
    one, other = town.visit(), town.visit()
    published(town, (who, one, 9), (who, other, 11))
    assert len(gaps(town)) == 1
    published(town, (who, one, 9))
    rows = readying.gaps_on(town.session, town.territory.id, TOMORROW)
    readying.look(town.session, town.territory.id, TOMORROW)
    assert {row.visit_id for row in rows if row.ended_at is None} == {one.id}


def test_dispatchers_are_reminded_once_of_a_day_and_again_of_what_breaks_anew(town: Town) -> None:
    """R-304: one alert a day; when something breaks after all was mended, the same one is open again."""
    who = somebody(town, has_van=False)
    published(town, (who, town.visit(), 9))
    gaps(town), gaps(town)
    assert alerts(town) == ["dispatcher"]
    who.has_van = True
    town.session.flush()
    gaps(town)
    assert alerts(town) == []
    who.has_van = False
    town.session.flush()
    gaps(town)
    assert alerts(town) == ["dispatcher"]


@pytest.mark.parametrize(
    ("hour", "rules", "is_seen"),
    [
        (16.9, {}, False),
        (17, {}, True),
        (17, {"readiness_hour": 18}, False),
        (18, {"readiness": False}, False),
    ],
)
def test_tomorrow_is_looked_at_from_the_hour_of_the_house(
    town: Town, now: MovableClock, hour: float, rules: dict[str, Any], *, is_seen: bool
) -> None:
    """R-304: local time; each rule is a setting."""
    change_house_rules(town.session, by=a_principal(), changes=rules)
    published(town, (somebody(town, has_van=False), town.visit(), 9))
    now.set(at(hour))
    assert len(readying.make_ready(town.session, town.territory.id)) == int(is_seen)


def test_on_the_day_itself_gaps_only_end(town: Town, now: MovableClock) -> None:
    """R-304: what breaks on the day is the living day's; what was lacking is ended when it is mended."""
    who, late = somebody(town, has_van=False), somebody(town)
    published(town, (who, town.visit(), 9), (late, town.visit(), 10))
    assert len(gaps(town)) == 1
    now.set(at(7, days=1))
    late.has_van = False
    town.session.flush()
    assert len(readying.make_ready(town.session, town.territory.id)) == 1
    who.has_van = True
    town.session.flush()
    assert readying.make_ready(town.session, town.territory.id) == []
    assert alerts(town) == []


def test_without_a_published_plan_there_is_nothing_to_make_ready(town: Town) -> None:
    """R-304."""
    town.visit(parts={a_part(town.session).sku: 1})
    assert gaps(town) == set()


@pytest.mark.parametrize("seed", range(10))
def test_generated_vans_run_short_exactly_where_a_count_by_hand_says(town: Town, seed: int) -> None:
    """R-511: pieces asked for beyond what is on the van, van by van and part by part, reckoned anew."""
    chance = random.Random(seed)
    crew = [somebody(town) for _ in range(3)]
    parts = [a_part(town.session) for _ in range(3)]
    stock: dict[tuple[Any, str], int] = {}
    for who in crew:
        for part in parts:
            if chance.random() < 0.8:
                stock[who.id, part.sku] = chance.randint(-1, 4)
                town.session.add(
                    VanStock(technician_id=who.id, part_id=part.id, quantity=stock[who.id, part.sku])
                )
    stops = []
    wanted: dict[tuple[Any, str], int] = {}
    for who in crew:
        for number in range(chance.randint(1, 4)):
            needs = {part.sku: chance.randint(1, 2) for part in parts if chance.random() < 0.5}
            stops.append((who, town.visit(parts=needs), 8 + 1.5 * number))
            for sku, count in needs.items():
                wanted[who.id, sku] = wanted.get((who.id, sku), 0) + count
    published(town, *stops)
    short: dict[tuple[Any, str], int] = {}
    for row in readying.look(town.session, town.territory.id, TOMORROW):
        assert row.code == PART
        short[row.technician_id, row.subject] = short.get((row.technician_id, row.subject), 0) + row.missing
    expected = {key: count - max(0, stock.get(key, 0)) for key, count in wanted.items()}
    assert short == {key: count for key, count in expected.items() if count > 0}
    assert {part.sku for part in town.session.query(Part)} >= {sku for _, sku in short}


def test_a_tool_that_may_not_be_used_is_told_once_the_evening_before(town: Town) -> None:
    """R-304, R-511: at its keeper's first visit; what lies in the store lacks nobody."""
    who = somebody(town)
    for serial, keeper in (("M-1", who), ("M-2", None)):
        town.session.add(
            Tool(
                territory_id=town.territory.id,
                serial=serial,
                name_en="Gauge",
                name_zh="表",
                calibrated_until=DAY,
                keeper_id=keeper.id if keeper else None,
            )
        )
    first, second = town.visit(), town.visit()
    published(town, (who, first, 9), (who, second, 11))
    [row] = readying.look(town.session, town.territory.id, TOMORROW)
    assert (row.visit_id, row.code, row.subject) == (first.id, TOOL, "M-1")
