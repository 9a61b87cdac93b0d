"""Who books a day ahead may ask for a technician by name; the window counts more than the name (R-306)."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest

from dispatch.access.rules import Principal, Role
from dispatch.contracts.house_rules import change_house_rules, house_rules
from dispatch.customers.model import Customer
from dispatch.errors import Invalid, Stale
from dispatch.events import Event, TechnicianReleased
from dispatch.messages.commands import write
from dispatch.messages.model import Message
from dispatch.planning.commands import book, hold, move_for_customer, offer, offer_wanted
from dispatch.planning.rules import OfferPolicy, SlotGone
from dispatch.planning.wanting import Wanted
from dispatch.promises import naming
from dispatch.promises.model import Promise
from dispatch.promises.rules import (
    NameIsPromised,
    NamingNotEarned,
    NamingOff,
    NobodyNamed,
    OtherTechnicianDecided,
    VisitNotPromisable,
)
from dispatch.settings import Settings
from dispatch.technicians.model import Technician
from dispatch.work_orders.model import Visit
from dispatch.work_orders.rules import Needs
from optimizer.engines.base import Budget
from optimizer.solve import solve
from tests.builders import DAY, a_contract, a_principal, a_promise, a_shift, a_site, an_absence, at
from tests.dispatch.conftest import MovableClock
from tests.planning_world import Town

ALL = OfferPolicy(least_chance=0.0)
TOMORROW = DAY + timedelta(days=1)
TAKER = a_principal(Role.CALL_TAKER)
SWITCH = "reservation_named_technician"


def two(town: Town) -> tuple[Technician, Technician]:
    """Somebody who lives next to the customer, and who is asked for; both today and tomorrow."""
    town.territory.emergency_reserve_percent = 0
    near = town.technician((8, 16), home_latitude=60.17, home_longitude=24.94)
    named = town.technician((8, 16), home_latitude=60.21, home_longitude=25.02, name="Bo")
    for who in (near, named):
        hours = {"starts_at": at(8, days=1), "ends_at": at(16, days=1)}
        a_shift(town.session, who, break_minutes=0, break_earliest=None, break_latest=None, **hours)
    return near, named


def wanted(town: Town, named: Technician | None) -> Wanted:
    """An hour's work at a place without any visit."""
    site = a_site(town.session, territory=town.territory, latitude=60.17, longitude=24.94)
    return Wanted(site, Needs(duration_minutes=60, required_technician_id=named.id if named else None), 3)


def promised(town: Town, visit: Visit, hour: int, days: int = 1, **how: Any) -> Promise:
    """Promise two hours by telephone."""
    start, end = at(hour, days=days), at(hour + 2, days=days)
    return book(town.session, by=TAKER, visit=visit, start=start, end=end, channel="phone", **how)


def by_contract(town: Town, visit: Visit, *, on: bool) -> None:
    """A contract that lets its customer name technicians, or not."""
    customer = town.session.get_one(Customer, visit.work_order.customer_id)
    own = {SWITCH: on}
    visit.work_order.contract_id = a_contract(town.session, customer=customer, house_rules=own).id
    town.session.flush()


def test_only_windows_of_the_technician_named_are_offered_and_only_a_day_ahead(town: Town) -> None:
    """R-301, R-306: today's windows are hidden with their reason, tomorrow's are those of the one named."""
    near, named = two(town)
    found = offer_wanted(town.session, wanted(town, named), days=2, policy=ALL)
    assert {window.technician_id for window in found.windows} == {named.id}
    assert {window.day for window in found.windows} == {TOMORROW}
    assert {slot.day for slot in found.hidden if slot.code == "NOT_A_RESERVATION"} == {DAY}
    others = offer_wanted(town.session, wanted(town, None), days=2, policy=ALL)
    assert {window.day for window in others.windows} == {DAY, TOMORROW}
    assert near.id in {window.technician_id for window in others.windows}


def test_a_visit_that_is_there_asks_for_a_name_without_being_changed(town: Town) -> None:
    """R-306: offers write nothing; the crew's leader is who is named."""
    _, named = two(town)
    for crew_size in (1, 2):
        visit = town.visit(crew_size=crew_size)
        found = offer(town.session, visit, named_technician_id=named.id, days=2, policy=ALL)
        assert {window.technician_id for window in found.windows} == {named.id}
        assert {window.day for window in found.windows} == {TOMORROW}
        assert visit.required_technician_id is None


def test_the_boundary_is_the_lead_of_a_reservation(town: Town, now: MovableClock) -> None:
    """R-301, R-306: at 24 hours to the second a name is earned, a second later it is not."""
    _, named = two(town)
    visit = town.visit()
    now.set(at(10) + timedelta(seconds=1))
    with pytest.raises(NamingNotEarned):
        promised(town, visit, 10, named_technician_id=named.id)
    assert visit.required_technician_id is None
    now.set(at(10))
    told = promised(town, visit, 10, named_technician_id=named.id)
    assert told.is_reservation
    assert (told.named_technician_id, visit.required_technician_id) == (named.id, named.id)


def test_the_plan_keeps_who_was_named_though_somebody_else_is_nearer(town: Town) -> None:
    """R-306."""
    _, named = two(town)
    visit = town.visit()
    promised(town, visit, 10, named_technician_id=named.id)
    assert served(town) == {str(visit.id): str(named.id)}
    [stop] = town.in_force(TOMORROW).stops  # type: ignore[union-attr]
    assert stop.technician_id == named.id


def served(town: Town) -> dict[str, str]:
    """Visit to technician, as the engine plans tomorrow anew."""
    plan = solve(town.built(on=TOMORROW).problem, Budget(seconds=0.2), seed=1).plan
    return {stop.visit_id: route.technician_id for route in plan.routes for stop in route.stops}


@pytest.mark.parametrize("by", ["the house", "the contract"])
def test_switched_off_nobody_is_asked_for_by_name(town: Town, by: str) -> None:
    """R-306: refused by name at every door, also for one contract alone."""
    _, named = two(town)
    visit = town.visit()
    if by == "the house":
        change_house_rules(town.session, by=a_principal(Role.ADMIN), changes={SWITCH: False})
        asked = wanted(town, named)
        with pytest.raises(NamingOff):
            offer_wanted(town.session, asked, policy=ALL)
        with pytest.raises(NamingOff):
            held(town, asked, TAKER)
    else:
        by_contract(town, visit, on=False)
    with pytest.raises(NamingOff):
        offer(town.session, visit, named_technician_id=named.id, policy=ALL)
    with pytest.raises(NamingOff):
        promised(town, visit, 10, named_technician_id=named.id)
    assert promised(town, visit, 10).named_technician_id is None


def test_a_contract_may_let_its_customer_name_somebody_where_the_house_does_not(town: Town) -> None:
    """R-306."""
    _, named = two(town)
    visit = town.visit()
    change_house_rules(town.session, by=a_principal(Role.ADMIN), changes={SWITCH: False})
    by_contract(town, visit, on=True)
    assert promised(town, visit, 10, named_technician_id=named.id).named_technician_id == named.id
    assert house_rules(town.session).reservation_named_technician is False


def held(town: Town, asked: Wanted, by: Principal, days: int = 1) -> uuid.UUID:
    """Hold ten to twelve."""
    start, end = at(10, days=days), at(12, days=days)
    return hold(town.session, by=by, wanted=asked, start=start, end=end, minutes=5).id


def test_a_window_held_for_somebody_by_name_is_promised_so(town: Town) -> None:
    """R-306: and held for a reservation alone."""
    _, named = two(town)
    asked = wanted(town, named)
    with pytest.raises(NamingNotEarned):
        held(town, asked, TAKER, days=0)
    kept = held(town, asked, TAKER)
    visit = town.visit()
    visit.work_order.site_id = asked.site.id
    told = promised(town, visit, 10, hold_id=kept)
    assert (told.named_technician_id, visit.required_technician_id) == (named.id, named.id)


def test_whom_the_office_decided_on_no_caller_changes(town: Town) -> None:
    """R-306: what a visit needs is the office's word."""
    near, named = two(town)
    visit = town.visit(required_technician_id=near.id)
    with pytest.raises(OtherTechnicianDecided):
        offer(town.session, visit, named_technician_id=named.id, policy=ALL)
    with pytest.raises(OtherTechnicianDecided):
        promised(town, visit, 10, named_technician_id=named.id)
    assert promised(town, visit, 10, named_technician_id=near.id).named_technician_id == near.id


def test_a_full_day_of_the_one_named_is_refused_with_that_ones_windows(town: Town) -> None:
    """R-303, R-306."""
    _, named = two(town)
    for _ in range(2):  # begun at ten and two minutes before twelve
        promised(town, town.visit(duration_minutes=118), 10, named_technician_id=named.id)
    with pytest.raises(SlotGone) as refused:
        promised(town, town.visit(duration_minutes=118), 10, named_technician_id=named.id)
    assert refused.value.detail["fresh"]


def test_another_window_keeps_the_name(town: Town) -> None:
    """R-306, R-309: who moves by the link gets windows of the one named, and the new promise names them."""
    _, named = two(town)
    visit = town.visit()
    promised(town, visit, 10, named_technician_id=named.id)
    again = move_for_customer(
        town.session,
        visit=visit,
        start=at(14, days=1),
        end=at(16, days=1),
        notice=timedelta(hours=2),
        policy=ALL,
    )
    assert (again.ordinal, again.named_technician_id) == (2, named.id)


def test_the_customer_may_ask_for_somebody_else_than_before(town: Town) -> None:
    """R-306: a wish of before is no decision of the office."""
    near, named = two(town)
    visit = town.visit()
    promised(town, visit, 10, named_technician_id=named.id)
    again = promised(town, visit, 12, named_technician_id=near.id)
    assert (again.ordinal, again.named_technician_id) == (2, near.id)
    assert visit.required_technician_id == near.id


def test_a_name_that_was_earned_when_the_window_was_held_is_promised(town: Town, now: MovableClock) -> None:
    """R-301, R-306: the call took three minutes, the window is 23 h 59 min ahead now."""
    _, named = two(town)
    now.set(at(10) - timedelta(minutes=2))
    asked = wanted(town, named)
    kept = held(town, asked, TAKER)
    now.set(at(10) + timedelta(minutes=1))
    visit = town.visit()
    visit.work_order.site_id = asked.site.id
    assert promised(town, visit, 10, hold_id=kept).named_technician_id == named.id


def test_needs_are_not_changed_against_a_promised_name(town: Town) -> None:
    """R-306: the name is given up first, so that the customer is told."""
    near, named = two(town)
    visit = town.visit()
    promised(town, visit, 10, named_technician_id=named.id)
    naming.require_kept(town.session, visit, named.id)
    for other in (None, near.id):
        with pytest.raises(NameIsPromised):
            naming.require_kept(town.session, visit, other)
    naming.release(town.session, by=a_principal(), visit=visit, reason="other")
    naming.require_kept(town.session, visit, None)


def test_who_falls_ill_leaves_the_visit_out_until_the_name_is_given_up(town: Town) -> None:
    """R-306, R-309: the window counts more than the name, and stays as it was promised."""
    near, named = two(town)
    visit = town.visit()
    told = promised(town, visit, 10, named_technician_id=named.id)
    an_absence(town.session, named, starts_at=at(0, days=1), ends_at=at(24, days=1))
    assert served(town) == {}
    naming.release(town.session, by=a_principal(), visit=visit, reason="technician_ill")
    assert served(town) == {str(visit.id): str(near.id)}
    assert (visit.window_start, visit.window_end) == (told.window_start, told.window_end)
    assert told.named_technician_id == named.id  # the ledger never changes
    assert naming.named_still(town.session, visit) is None
    assert promised(town, visit, 12).named_technician_id is None


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_customer_is_told_who_comes_and_who_does_not(
    town: Town, language: str, recorded: list[Event]
) -> None:
    """R-306, R-801: by name when it is promised, and with the reason and the window when it is given up."""
    _, named = two(town)
    visit = town.visit()
    customer = town.session.get_one(Customer, visit.work_order.customer_id)
    customer.language, customer.email = language, "ada@example.org"
    told = promised(town, visit, 10, named_technician_id=named.id)
    words = {"en": "As you asked, Bo comes.", "zh": "按您的要求，由技术员 Bo 上门。"}
    ids = {"visit_id": str(visit.id), "promise_id": str(told.id)}
    assert words[language] in body_of(town, "VisitPromised", ids)
    naming.release(town.session, by=a_principal(), visit=visit, reason="technician_ill")
    [event] = [event for event in recorded if isinstance(event, TechnicianReleased)]
    body = body_of(town, "TechnicianReleased", event.payload())
    reason = {"en": "our technician fell ill", "zh": "技术员临时生病"}
    assert "Bo" in body
    assert reason[language] in body
    assert {"en": "10:00", "zh": "10:00"}[language] in body
    assert "As you asked" not in body


def body_of(town: Town, event: str, ids: dict[str, str]) -> str:
    """What a message says."""
    message_id = write(town.session, event=event, ids=ids, settings=Settings())
    assert message_id is not None
    return town.session.get_one(Message, message_id).body


def test_without_a_name_no_message_speaks_of_one(town: Town) -> None:
    """R-306."""
    two(town)
    visit = town.visit()
    told = promised(town, visit, 10)
    body = body_of(town, "VisitPromised", {"visit_id": str(visit.id), "promise_id": str(told.id)})
    assert "As you asked" not in body
    with pytest.raises(NobodyNamed):
        naming.release(town.session, by=a_principal(), visit=visit, reason="technician_ill")


def test_a_name_is_given_up_once_and_before_anybody_sets_out(town: Town) -> None:
    """R-306."""
    _, named = two(town)
    visit = town.visit()
    promised(town, visit, 10, named_technician_id=named.id)
    me = a_principal()
    with pytest.raises(Invalid):
        naming.release(town.session, by=me, visit=visit, reason="we felt like it")
    with pytest.raises(Stale):
        naming.release(town.session, by=me, visit=visit, reason="other", expected_version=visit.version + 1)
    under_way = town.visit(technician=named, state="travelling", required_technician_id=named.id)
    a_promise(town.session, under_way, named_technician_id=named.id)
    with pytest.raises(VisitNotPromisable):
        naming.release(town.session, by=me, visit=under_way, reason="other")
    naming.release(town.session, by=me, visit=visit, reason="other")
    with pytest.raises(NobodyNamed):
        naming.release(town.session, by=me, visit=visit, reason="other")
