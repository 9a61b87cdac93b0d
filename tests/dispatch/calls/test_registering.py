"""Chain step 2: a call is registered with everything that belongs to it (R-101 to R-106)."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dispatch import db, events
from dispatch.access.rules import Principal, Role
from dispatch.calls import rules
from dispatch.calls.commands import cancel, register
from dispatch.calls.model import RepairCall
from dispatch.clock import TimeWithoutZone
from dispatch.customers.model import Asset, Customer, Site
from dispatch.customers.rules import Caller, Equipment, PhoneInvalid, Place
from dispatch.errors import NotFound
from dispatch.events import Event
from dispatch.territories.rules import OutsideEveryTerritory
from dispatch.text import ChoiceUnknown, NumberOutOfRange, TextInvalid
from dispatch.travel.geocode import Address as KnownAddress
from dispatch.travel.geocode import AddressUnknown, Area
from dispatch.travel.provider import Point
from tests import builders as b
from tests.dispatch.conftest import MovableClock

OPERATOR = b.a_principal(Role.CALL_TAKER)
BOILER = Equipment(product_kind="boiler", model="Kattila 20", serial="SN-1")
HERE = Place(address="Testikatu 1", latitude=b.CENTRE[0], longitude=b.CENTRE[1])


class OneStreet:
    """An address list with a single address, as the port demands."""

    def locate(self, text: str) -> KnownAddress:
        """The only address, or a refusal with a suggestion."""
        known = KnownAddress("1", "Testikatu", "1", "00100", "Helsinki", Point(*b.CENTRE))
        if text.casefold() != "testikatu 1":
            raise AddressUnknown(f"{text} is unknown", suggestions=[known.line])
        return known

    def search(self, text: str, limit: int = 5) -> list[KnownAddress]:
        """Nothing is like it."""
        return []

    def area(self, text: str) -> Area | None:
        """Not even the town is known."""
        return None


def asked(session: Session, by: Principal = OPERATOR, **given: Any) -> RepairCall:
    """Register a call of an unknown caller by phone, a minute ago."""
    defaults: dict[str, Any] = {
        "channel": "phone",
        "requested_at": b.MORNING - timedelta(minutes=1),
        "caller": Caller(name="王小明", phone="+358501234567", language="zh"),
        "place": HERE,
        "equipment": BOILER,
    }
    if "template_code" not in given:
        defaults["template_code"] = b.a_template(session).code
    return register(session, by=by, **{**defaults, **given})


@pytest.fixture
def territory(session: Session, now: MovableClock) -> Any:
    """The square that calls come from."""
    return b.a_territory(session)


def count(session: Session, kind: type[Any]) -> int:
    """How many rows there are."""
    return session.scalar(select(func.count()).select_from(kind)) or 0


def test_an_unknown_caller_gets_a_file_a_site_and_an_asset_at_once(
    session: Session, territory: Any, recorded: list[Event]
) -> None:
    """R-103."""
    call = asked(session, description="不热", demand="today")
    customer = session.get_one(Customer, call.customer_id)
    assert (customer.name, customer.phone, customer.language) == ("王小明", "+358501234567", "zh")
    assert session.get_one(Site, call.site_id).territory_id == territory.id == call.territory_id
    assert session.get_one(Asset, call.asset_id).serial == "SN-1"
    assert (call.number[:3], call.state, call.taken_by) == ("RC-", "registered", OPERATOR.user_id)
    assert recorded == [events.CallRegistered(call_id=str(call.id))]


def test_asking_and_typing_in_are_two_moments(session: Session, territory: Any) -> None:
    """R-101: a letter of last week is registered today, and clocks run from last week."""
    call = asked(session, channel="letter", requested_at=b.at(9, days=-5))
    assert (call.requested_at, call.received_at) == (b.at(9, days=-5), b.MORNING)


def test_a_known_caller_is_found_by_phone_address_and_serial(session: Session, territory: Any) -> None:
    """R-103: one file per customer, however the number and the street are written."""
    first = asked(session)
    cancel(session, by=OPERATOR, call=first)
    again = asked(
        session,
        caller=Caller(name="Wang", phone="050 123 4567"),
        place=Place(address="TESTIKATU, 1"),
        equipment=Equipment(product_kind="boiler", model="other spelling", serial="SN-1"),
        region="FI",
    )
    assert (again.customer_id, again.site_id, again.asset_id) == (
        first.customer_id,
        first.site_id,
        first.asset_id,
    )
    assert (count(session, Customer), count(session, Site), count(session, Asset)) == (1, 1, 1)


def test_a_known_customer_moves_to_another_street(session: Session, territory: Any) -> None:
    first = asked(session)
    second = asked(
        session,
        customer_id=first.customer_id,
        place=Place(address="Other 2", latitude=60.18, longitude=24.95),
    )
    assert second.customer_id == first.customer_id
    assert second.site_id != first.site_id


def test_an_address_is_looked_up(session: Session, territory: Any) -> None:
    call = asked(session, place=Place(address="Testikatu 1"), geocoder=OneStreet())
    assert session.get_one(Site, call.site_id).latitude == b.CENTRE[0]


def test_a_second_call_for_the_same_open_work_names_the_order(session: Session, territory: Any) -> None:
    asset = b.an_asset(session, site=b.a_site(session, territory=territory))
    order = b.an_order(session, asset=asset)
    customer = order.customer_id
    named = {"customer_id": customer, "site_id": asset.site_id, "asset_id": asset.id}
    with pytest.raises(rules.DuplicateCall) as refused:
        asked(session, **named)
    assert refused.value.detail == {"work_order": order.number, "work_order_id": str(order.id)}
    assert asked(session, **named, allow_duplicate=True).asset_id == asset.id


@pytest.mark.parametrize("state", ["done", "closed", "invoiced", "cancelled"])
def test_finished_work_is_no_duplicate(session: Session, territory: Any, state: str) -> None:
    asset = b.an_asset(session, site=b.a_site(session, territory=territory))
    order = b.an_order(session, asset=asset, state=state)
    call = asked(session, customer_id=order.customer_id, site_id=asset.site_id, asset_id=asset.id)
    assert call.state == "registered"


def test_a_second_call_before_the_first_is_assessed_names_the_call(session: Session, territory: Any) -> None:
    first = asked(session)
    with pytest.raises(rules.DuplicateCall) as refused:
        asked(session)
    assert refused.value.detail["call"] == first.number


def test_elderly_and_disabled_customers_come_a_step_earlier(session: Session, territory: Any) -> None:
    """R-106."""
    call = asked(session, caller=Caller(name="Old", phone="+358501111111", needs_home_service=True))
    assert call.priority == 4


def test_the_template_prefills_the_priority_and_the_operator_may_judge(
    session: Session, territory: Any
) -> None:
    """R-203."""
    urgent = b.a_template(session, priority=5)
    assert asked(session, template_code=urgent.code).priority == 5
    assert asked(session, template_code=urgent.code, priority=2, allow_duplicate=True).priority == 2


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        ({"requested_at": b.MORNING + timedelta(seconds=1)}, rules.RequestedInFuture),
        ({"requested_at": datetime(2026, 3, 2, 7)}, TimeWithoutZone),  # noqa: DTZ001
        ({"template_code": "no_such"}, rules.TemplateUnknown),
        ({"channel": "pigeon"}, ChoiceUnknown),
        ({"priority": 6}, NumberOutOfRange),
        ({"caller": None}, rules.CallerMissing),
        ({"place": None}, rules.CallerMissing),
        ({"caller": Caller(name="x" * 10_000)}, TextInvalid),
        ({"caller": Caller(name="C", phone="12")}, PhoneInvalid),
        ({"place": Place(address="Far", latitude=10.0, longitude=10.0)}, OutsideEveryTerritory),
        ({"place": Place(address="No such street"), "geocoder": OneStreet()}, AddressUnknown),
        ({"description": "x" * 20_001}, TextInvalid),
        ({"customer_id": uuid.uuid4()}, NotFound),
        ({"site_id": uuid.uuid4()}, NotFound),
        ({"asset_id": uuid.uuid4()}, NotFound),
    ],
)
def test_bad_input_has_a_name_and_leaves_nothing(
    session: Session, territory: Any, given: dict[str, Any], refusal: type[Exception]
) -> None:
    code = given.get("template_code") or b.a_template(session).code
    with pytest.raises(refusal), session.begin_nested():
        asked(session, **{"template_code": code, **given})
    assert [count(session, kind) for kind in (RepairCall, Customer, Site, Asset)] == [0, 0, 0, 0]


def test_a_retired_template_is_refused(session: Session, territory: Any) -> None:
    with pytest.raises(rules.TemplateInactive):
        asked(session, template_code=b.a_template(session, is_active=False).code)


def test_another_customers_site_and_another_sites_asset_are_refused(session: Session, territory: Any) -> None:
    site, other = (b.a_site(session, territory=territory) for _ in range(2))
    asset = b.an_asset(session, site=other)
    with pytest.raises(rules.FileMismatch):
        asked(session, customer_id=site.customer_id, site_id=other.id)
    with pytest.raises(rules.FileMismatch):
        asked(session, customer_id=site.customer_id, site_id=site.id, asset_id=asset.id)


def test_files_of_a_foreign_territory_are_not_found(session: Session, territory: Any) -> None:
    """S1."""
    foreign = b.a_site(session)
    here = b.a_principal(Role.CALL_TAKER, territory_ids=frozenset({territory.id}))
    with pytest.raises(NotFound):
        asked(session, by=here, customer_id=foreign.customer_id)


def test_a_moment_is_kept_in_utc(session: Session, territory: Any) -> None:
    call = asked(session)
    session.expire(call)
    assert call.requested_at.tzinfo is UTC


def test_a_call_is_called_off_once(session: Session, territory: Any) -> None:
    call = asked(session)
    assert cancel(session, by=OPERATOR, call=call).state == "cancelled"
    with pytest.raises(rules.CallDecided):
        cancel(session, by=OPERATOR, call=call)


def test_two_calls_at_once_for_one_asset_are_one_call_and_a_duplicate(
    database_url: str, now: MovableClock
) -> None:
    """And an unknown caller who is registered twice at the same moment gets one file."""
    engine = db.connect(database_url, pool_size=10)
    sessions = db.sessions(engine)
    with sessions() as session:
        b.a_territory(session)
        code = b.a_template(session).code
        session.commit()
    barrier = Barrier(6)

    def take(_: int) -> str:
        with sessions() as session:
            barrier.wait(timeout=20)
            try:
                asked(session, template_code=code)
                db.commit(session)
            except rules.DuplicateCall:
                return "duplicate"
            return "registered"

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(take, range(6))) == ["duplicate"] * 5 + ["registered"]
    with sessions() as session:
        assert [count(session, kind) for kind in (RepairCall, Customer, Site, Asset)] == [1, 1, 1, 1]
    engine.dispose()
