"""Messages of the clock: each at its time, once, switchable, none about what is over (R-304, R-307)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import outbox
from dispatch.contracts.house_rules import HouseRules, change_house_rules
from dispatch.customers.model import Customer
from dispatch.messages.clocked import due_now, write_due
from dispatch.messages.model import Message
from dispatch.planning import heads
from dispatch.promises.commands import promise
from dispatch.promises.model import Promise, PromiseAlarm
from dispatch.settings import Settings
from dispatch.territories.model import Territory
from dispatch.work_orders.model import Visit
from tests.builders import (
    a_contract,
    a_customer,
    a_principal,
    a_promise,
    a_site,
    a_territory,
    a_visit,
    an_order,
    at,
)
from tests.dispatch.conftest import MovableClock
from tests.planning_world import Town, register_kinds

SETTINGS = Settings(company_name="Repairs & Co")
ME = a_principal()


@pytest.fixture
def house(session: Session, now: MovableClock) -> Iterator[Session]:
    """Jobs known, eight in the morning."""
    register_kinds()
    yield session
    outbox.register((), {})


def a_visit_of(
    session: Session, *, kind: str = "person", state: str = "unplanned", order: dict[str, Any] | None = None
) -> Visit:
    """An unplanned visit at a customer's with a mailbox."""
    customer = a_customer(session, kind=kind, email="ada@example.org")
    site = a_site(session, customer=customer, territory=a_territory(session))
    return a_visit(session, order=an_order(session, site=site, **(order or {})), state=state)


def told(session: Session, visit: Visit, hour: float, days: int = 0, *, planned: bool = True) -> Promise:
    """A window of two hours, promised now; on the plan of its day unless told otherwise."""
    window = (at(hour, days=days), at(hour + 2, days=days))
    if planned:
        town = Town(session, session.get_one(Territory, visit.work_order.territory_id))
        who = town.technician((8, 18), days=days)
        head = heads.locked(session, town.territory.id, window[0].date())
        head.working_plan_id = town.plan_of([(who, visit, window[0])], head, state="draft").id
    return promise(
        session, by=ME, visit=visit, window=window, channel="phone", slot_cost_minor=0, reason="first"
    )


def due(session: Session) -> list[str]:
    """Write what is due; return which templates there are by now."""
    write_due(session, SETTINGS)
    return sorted(session.scalars(select(Message.template)))


def test_a_visit_is_confirmed_the_day_before_and_an_hour_before_once_each(
    house: Session, now: MovableClock
) -> None:
    """R-304."""
    told(house, a_visit_of(house), 14, days=3)
    assert due(house) == []
    now.set(at(8.5, days=2))
    assert due(house) == []
    now.set(at(10, days=2))
    assert due(house) == ["confirm_day"]
    now.set(at(12.5, days=3))
    assert due(house) == ["confirm_day"]
    now.set(at(13.1, days=3))
    assert due(house) == ["confirm_day", "confirm_hour"]
    assert due(house) == ["confirm_day", "confirm_hour"]
    now.set(at(14.5, days=3))
    assert due(house) == ["confirm_day", "confirm_hour"]


def test_a_window_promised_today_is_not_confirmed_today(house: Session, now: MovableClock) -> None:
    now.set(at(10))
    told(house, a_visit_of(house), 14, days=1)
    told(house, a_visit_of(house), 10.75)
    assert due(house) == []


def test_what_is_on_no_plan_is_not_confirmed_until_it_is(house: Session, now: MovableClock) -> None:
    """R-304: a promise that the published plan left out brings nobody."""
    visit = a_visit_of(house)
    told(house, visit, 14, days=3, planned=False)
    for moment in (at(10, days=2), at(13.2, days=3)):
        now.set(moment)
        assert due(house) == []
    now.set(at(8))
    other = a_visit_of(house)
    told(house, other, 14, days=3)
    now.set(at(10, days=2))
    assert due(house) == ["confirm_day"]


@pytest.mark.parametrize("reason", ["part", "customer"])
def test_an_order_that_waits_is_not_confirmed(house: Session, now: MovableClock, reason: str) -> None:
    """R-304: planning leaves it out, so nobody comes."""
    visit = a_visit_of(house, order={"waiting_reason": reason})
    told(house, visit, 14, days=3)
    for moment in (at(10, days=2), at(13.2, days=3)):
        now.set(moment)
        assert due(house) == []


def test_who_was_told_that_nobody_comes_in_time_is_not_told_otherwise(
    house: Session, now: MovableClock
) -> None:
    """R-802."""
    visit = a_visit_of(house)
    row = told(house, visit, 14, days=3)
    house.add(
        PromiseAlarm(
            promise_id=row.id,
            visit_id=visit.id,
            territory_id=visit.work_order.territory_id,
            day=at(14, days=3).date(),
            reason="technician_ill",
            seen_at=at(8, days=3),
            told_at=at(9, days=3),
        )
    )
    house.flush()
    now.set(at(13.2, days=3))
    assert due(house) == []


@pytest.mark.parametrize("state", ["cancelled", "on_site", "done", "no_access"])
def test_what_is_over_or_under_way_is_not_confirmed(house: Session, now: MovableClock, state: str) -> None:
    visit = a_visit_of(house, state=state)
    a_promise(house, visit, window_start=at(14, days=2), window_end=at(16, days=2), promised_at=at(7))
    now.set(at(10, days=1))
    assert due(house) == []


def test_only_the_newest_promise_is_confirmed(house: Session, now: MovableClock) -> None:
    visit = a_visit_of(house)
    told(house, visit, 14, days=2)
    told(house, visit, 14, days=4)
    now.set(at(10, days=1))
    assert due(house) == []
    now.set(at(10, days=3))
    assert due(house) == ["confirm_day"]


def test_planned_work_at_a_business_is_announced_seven_days_before(house: Session, now: MovableClock) -> None:
    """R-307: announced once; a repair, or a person's home, is not."""
    told(house, a_visit_of(house, kind="business", order={"kind": "maintenance"}), 14, days=10)
    told(house, a_visit_of(house, kind="business", order={"kind": "quick_repair"}), 14, days=10)
    told(house, a_visit_of(house, kind="person", order={"kind": "maintenance"}), 14, days=10)
    now.set(at(13, days=3))
    assert due(house) == []
    now.set(at(14, days=3))
    assert due(house) == ["work_announced"]
    now.set(at(14, days=5))
    assert due(house) == ["work_announced"]


def test_an_invitation_comes_seven_to_three_days_before_service_is_due(
    house: Session, now: MovableClock
) -> None:
    """R-304."""
    today = at(8).date()
    customer = a_customer(house, email="ada@example.org")
    a_site(house, customer=customer, territory=a_territory(house))
    a_contract(
        house,
        customer=customer,
        valid_from=date(2026, 1, 1),
        valid_until=date(2027, 1, 1),
        next_inspection_due_on=today + timedelta(days=8),
    )
    assert due(house) == []
    now.set(at(8, days=1))
    assert due(house) == ["service_invitation"]
    now.set(at(8, days=4))
    assert due(house) == ["service_invitation"]


def test_invitations_can_be_switched_off_for_the_house_and_for_one_contract(
    house: Session, now: MovableClock
) -> None:
    """R-304."""
    days = {"valid_from": date(2026, 1, 1), "valid_until": date(2027, 1, 1)}
    due_on = at(8).date() + timedelta(days=5)
    territory, contracts = a_territory(house), []
    for own in ({}, {"invitations": False}):
        customer = a_customer(house, email="ada@example.org")
        a_site(house, customer=customer, territory=territory)
        contracts.append(
            a_contract(house, customer=customer, next_inspection_due_on=due_on, house_rules=own, **days)
        )
    change_house_rules(house, by=ME, changes={"invitations": False})
    assert due(house) == []
    change_house_rules(house, by=ME, changes={"invitations": None})
    assert due(house) == ["service_invitation"]
    [message] = house.scalars(select(Message))
    assert message.customer_id == contracts[0].customer_id


def test_confirmations_keep_the_hours_of_the_contract(house: Session, now: MovableClock) -> None:
    """R-304: from noon the day before, and two hours ahead instead of one."""
    visit = a_visit_of(house)
    customer_id = visit.work_order.customer_id
    own = {"day_before_hour": 12, "hour_before_minutes": 120}
    days = {"valid_from": date(2026, 1, 1), "valid_until": date(2027, 1, 1)}
    customer = house.get_one(Customer, customer_id)
    visit.work_order.contract_id = a_contract(house, customer=customer, house_rules=own, **days).id
    told(house, visit, 14, days=2)
    now.set(at(11.9, days=1))
    assert due(house) == []
    now.set(at(12, days=1))
    assert due(house) == ["confirm_day"]
    now.set(at(11.9, days=2))
    assert due(house) == ["confirm_day"]
    now.set(at(12, days=2))
    assert due(house) == ["confirm_day", "confirm_hour"]


@pytest.mark.parametrize("rule", ["day_before", "hour_before", "business_announcement"])
def test_every_message_can_be_switched_off(house: Session, now: MovableClock, rule: str) -> None:
    change_house_rules(house, by=ME, changes={rule: False})
    visit = a_visit_of(house, kind="business", order={"kind": "maintenance"})
    told(house, visit, 14, days=10)
    for moment in (at(14, days=3), at(10, days=9), at(13.2, days=10)):
        now.set(moment)
        write_due(house, SETTINGS)
    template = {
        "day_before": "confirm_day",
        "hour_before": "confirm_hour",
        "business_announcement": "work_announced",
    }
    expected = set(template.values()) - {template[rule]}
    assert set(house.scalars(select(Message.template))) == expected


MINUTES = st.integers(0, 14 * 24 * 60)


@given(promised=MINUTES, start=MINUTES, now=MINUTES)
def test_nothing_is_told_after_the_window_has_begun_or_before_the_promise(
    promised: int, start: int, now: int
) -> None:
    """Generated moments: no message is due once the visit may have begun."""
    base = at(0)

    def moment(minutes: int) -> datetime:
        return base + timedelta(minutes=minutes)

    row = Promise(promised_at=moment(promised), window_start=moment(start), window_end=moment(start + 120))
    found = due_now(row, HouseRules(), "Europe/Helsinki", moment(now), is_planned_at_business=True)
    if start <= now or now < promised:
        assert "confirm_hour" not in found
    if start <= now:
        assert found == []
    if "confirm_hour" in found:
        assert 0 < start - now <= 60
    assert len(found) == len(set(found))
