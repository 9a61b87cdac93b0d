"""Customer files, sites and assets (R-103, R-106, R-404, R-405)."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from dispatch.access.rules import Role
from dispatch.customers import commands, queries, rules
from dispatch.customers.rules import Caller, Equipment, Place
from dispatch.errors import NotFound, Stale
from dispatch.text import ChoiceUnknown, FieldUnknown, NumberOutOfRange, TextInvalid
from tests import builders as b
from tests.dispatch.conftest import MovableClock

EVERYWHERE = b.a_principal(Role.CALL_TAKER)


@pytest.mark.parametrize(
    ("text", "region", "expected"),
    [
        ("+358 50 123 4567", None, "+358501234567"),
        ("050 123 4567", "FI", "+358501234567"),
        ("138 1234 5678", "CN", "+8613812345678"),
        ("+86 (138) 1234-5678", None, "+8613812345678"),
    ],
)
def test_a_phone_number_has_one_form(text: str, region: str | None, expected: str) -> None:
    assert rules.phone_e164(text, region) == expected


@pytest.mark.parametrize("text", ["", "hello", "12", "050 123 4567", "+999 1", "+" * 10_000])
def test_what_cannot_be_called_is_no_phone_number(text: str) -> None:
    with pytest.raises(rules.PhoneInvalid):
        rules.phone_e164(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "a@",
        "@b.c",
        "a@b",
        "a b@c.d",
        "a@b.c\nBcc: x@y.z",
        "a@b@c.d",
        "ä@b.c",
        "a@.c",
        "a@b.",
        "x" * 251 + "@b.c",
        "a,b@c.d",
    ],
)
def test_what_could_harm_an_envelope_is_no_mail_address(text: str) -> None:
    with pytest.raises(rules.EmailInvalid):
        rules.checked_email(text)


@given(st.text(max_size=40))
def test_no_accepted_mail_address_can_add_a_header(text: str) -> None:
    try:
        accepted = rules.checked_email(text)
    except rules.EmailInvalid:
        return
    assert accepted.isprintable()
    assert " " not in accepted


def test_a_file_keeps_who_and_how_to_reach_them(session: Session, now: MovableClock) -> None:
    """R-103 and R-106."""
    caller = Caller(
        name=" 王小明 ", phone="050 123 4567", email="w@example.org", language="zh", needs_home_service=True
    )
    customer = commands.create_customer(session, by=None, caller=caller, region="FI", tier="A")
    assert (customer.name, customer.phone, customer.tier) == ("王小明", "+358501234567", "A")
    assert (customer.needs_home_service, customer.created_at) == (True, b.MORNING)
    changed = commands.update_customer(
        session, by=None, customer=customer, changes={"phone": None, "notes": "dog"}, expected_version=1
    )
    assert (changed.phone, changed.notes, changed.version) == (None, "dog", 2)


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"name": ""}, TextInvalid),
        ({"name": "x" * 10_000}, TextInvalid),
        ({"tier": "Z"}, ChoiceUnknown),
        ({"id": "x"}, FieldUnknown),
        ({"no_show_marks": 3}, FieldUnknown),
        ({"name": "fine", "email": "not fine"}, rules.EmailInvalid),
    ],
)
def test_a_refused_change_leaves_the_file_as_it_was(
    session: Session, now: MovableClock, changes: dict[str, object], refusal: type[Exception]
) -> None:
    customer = b.a_customer(session)
    with pytest.raises(refusal):
        commands.update_customer(session, by=None, customer=customer, changes=changes)
    with pytest.raises(Stale):
        commands.update_customer(session, by=None, customer=customer, changes={}, expected_version=9)
    session.flush()
    assert (customer.name, customer.version) == ("Customer", 1)


def test_a_duplicate_is_found_by_phone_oldest_first(session: Session, now: MovableClock) -> None:
    first = b.a_customer(session, phone="+358501234567")
    now.set(b.at(9))
    second = b.a_customer(session, phone="+358501234567")
    assert queries.customers_with_phone(session, EVERYWHERE, "0501234567", "FI") == [first, second]


def test_a_site_needs_a_position_within_a_territory(session: Session, now: MovableClock) -> None:
    customer, territory = b.a_customer(session), b.a_territory(session)
    place = Place(address="Testikatu 1", latitude=b.CENTRE[0], longitude=b.CENTRE[1], parking_minutes=5)
    site = commands.add_site(session, by=None, customer=customer, place=place)
    assert (site.territory_id, site.parking_minutes) == (territory.id, 5)
    with pytest.raises(commands.PositionMissing):
        commands.add_site(session, by=None, customer=customer, place=Place(address="Testikatu 2"))
    with pytest.raises(NumberOutOfRange):
        commands.update_site(session, by=None, site=site, changes={"access_minutes": 241})
    commands.update_site(session, by=None, site=site, changes={"access_notes": "Code 12"})
    assert site.access_notes == "Code 12"


@pytest.mark.parametrize(
    ("purchased", "accepted", "until"),
    [
        (date(2026, 2, 2), date(2026, 2, 1), None),
        (date(2026, 2, 2), None, date(2026, 2, 1)),
        (None, date(2026, 2, 2), date(2026, 2, 1)),
    ],
)
def test_days_that_decide_who_pays_do_not_contradict_each_other(
    session: Session, now: MovableClock, purchased: date | None, accepted: date | None, until: date | None
) -> None:
    """R-404 and R-405."""
    equipment = Equipment(
        product_kind="boiler",
        model="K",
        purchased_on=purchased,
        accepted_on=accepted,
        maker_warranty_until=until,
    )
    with pytest.raises(rules.DateOrder):
        commands.add_asset(session, by=None, site=b.a_site(session), equipment=equipment)


def test_an_asset_is_recognised_by_serial_then_by_model(session: Session, now: MovableClock) -> None:
    site = b.a_site(session)
    known = b.an_asset(session, site=site, serial="S1", model="K")
    like = queries.asset_like
    assert like(session, site.id, Equipment(product_kind="boiler", model="other", serial=" S1 ")) is known
    assert like(session, site.id, Equipment(product_kind="boiler", model="K", serial="S2")) is None
    assert like(session, site.id, Equipment(product_kind="boiler", model=" k ")) is known
    b.an_asset(session, site=site, serial=None, model="K")
    assert like(session, site.id, Equipment(product_kind="boiler", model="K")) is None, "two could be meant"
    commands.update_asset(session, by=None, asset=known, changes={"serial": "S9"})
    assert known.serial == "S9"


@pytest.mark.parametrize("role", list(Role))
def test_a_file_is_seen_through_its_sites(session: Session, now: MovableClock, role: Role) -> None:
    """S1: of a customer with two sites, a person sees the file and the sites of the own territory."""
    customer = b.a_customer(session)
    here, there = b.a_site(session, customer=customer), b.a_site(session, customer=customer)
    asset, hidden = b.an_asset(session, site=here), b.an_asset(session, site=there)
    foreign = b.a_site(session)
    who = b.a_technician(session).id if role is Role.TECHNICIAN else None
    me = b.a_principal(role, territory_ids=frozenset({here.territory_id}), technician_id=who)
    with pytest.raises(NotFound):
        queries.find_customer(session, me, foreign.customer_id)
    with pytest.raises(NotFound):
        queries.find_asset(session, me, hidden.id)
    if role is Role.TECHNICIAN:
        with pytest.raises(NotFound):
            queries.find_customer(session, me, customer.id)
        assert queries.list_customers(session, me).items == ()
        assert queries.sites_of(session, me, customer.id) == []
        return
    assert queries.find_customer(session, me, customer.id) is customer
    assert queries.sites_of(session, me, customer.id) == [here]
    assert queries.assets_of(session, me, here.id) == [asset]
    assert queries.list_customers(session, me).items == (customer,)


@pytest.mark.parametrize("search", ["50%", "_", "\\", "'; drop table customer"])
def test_a_search_word_is_a_word_and_no_pattern(session: Session, now: MovableClock, search: str) -> None:
    """S12."""
    plain, odd = b.a_customer(session, name="Plain"), b.a_customer(session, name=f"a{search}b")
    found = queries.list_customers(session, EVERYWHERE, search=search).items
    assert odd in found
    assert plain not in found
