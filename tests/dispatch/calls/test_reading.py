"""What is read back, what the operator should know, and the templates behind it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from dispatch.access.rules import Role
from dispatch.calls import queries, rules
from dispatch.calls.background import background
from dispatch.calls.commands import assess, create_template, update_template
from dispatch.calls.rules import Told
from dispatch.customers import queries as customers
from dispatch.customers.model import Customer
from dispatch.errors import Invalid, NotFound
from dispatch.money import Money
from dispatch.promises.commands import promise
from dispatch.technicians.rules import SkillUnknown
from dispatch.territories.model import Territory
from dispatch.text import FieldUnknown
from dispatch.work_orders.model import WorkOrder
from dispatch.work_orders.rules import Needs
from tests import builders as b
from tests.dispatch.conftest import MovableClock

SUPERVISOR = b.a_principal(Role.SUPERVISOR)


def test_the_call_ends_with_a_read_back_of_everything(session: Session, now: MovableClock) -> None:
    """R-104: facts, window, price by kind, repair time and when it will be done."""
    asset = b.an_asset(session)
    call = b.a_call(session, site=session.get_one(b.Site, asset.site_id), asset=asset)
    before = queries.read_back(session, SUPERVISOR, call.id)
    assert (before.order_number, before.total, before.window_start, before.done_by) == (
        None,
        None,
        None,
        None,
    )
    told = Told(labour=Money(6000, "EUR"), travel=Money(2000, "EUR"), told_at=b.MORNING, is_accepted=True)
    found = assess(session, by=SUPERVISOR, call=call, told=told, company_currency="EUR")
    order = session.get_one(WorkOrder, found.work_order_id)
    promise(
        session, by=SUPERVISOR, visit=order.visits[0], window=(b.at(14), b.at(16)), channel="phone",
        slot_cost_minor=0, reason="first",
    )  # fmt: skip
    back = queries.read_back(session, SUPERVISOR, call.id)
    assert (back.order_number, back.address) == (order.number, session.get_one(b.Site, call.site_id).address)
    assert (back.window_start, back.window_end) == (b.at(14), b.at(16))
    assert (back.repair_minutes, back.done_by) == (60, b.at(16) + timedelta(minutes=60))
    assert (back.labour, back.parts, back.travel, back.total) == (
        Money(6000, "EUR"), Money(0, "EUR"), Money(2000, "EUR"), Money(8000, "EUR"),
    )  # fmt: skip
    assert (back.problem_zh, back.guidance_en) == ("不热", "Turn the thermostat up.")


def test_the_operator_sees_unfinished_and_advised_work(session: Session, now: MovableClock) -> None:
    """R-103."""
    asset = b.an_asset(session)
    site = session.get_one(b.Site, asset.site_id)
    old = b.a_visit(session, order=b.an_order(session, asset=asset, state="closed"), state="closed")
    b.findings(session, old, advised=["Flue is rusty", "Valve drips"])
    unfinished = b.a_visit(session, order=b.an_order(session, asset=asset))
    known = background(session, SUPERVISOR, b.a_call(session, site=site, asset=asset))
    assert [past.id for past in known.unfinished] == [unfinished.work_order_id]
    assert known.advised == ["Flue is rusty", "Valve drips"]
    assert len(known.history) == 2
    assert (known.other_assets, known.other_unfinished, known.candidates) == ([], [], [])


def test_the_operator_sees_what_waits_at_the_customers_other_assets(
    session: Session, now: MovableClock
) -> None:
    """R-103: unfinished and advised work of the same customer, at each asset and where none is named."""
    asset = b.an_asset(session)
    site = session.get_one(b.Site, asset.site_id)
    customer = session.get_one(Customer, site.customer_id)
    second = b.a_site(session, customer=customer, territory=session.get_one(Territory, site.territory_id))
    pump, fan = b.an_asset(session, site=site, model="Pump 3"), b.an_asset(session, site=second, model="Fan")
    old = b.a_visit(session, order=b.an_order(session, asset=pump, state="closed"), state="closed")
    b.findings(session, old, advised=["Seal leaks"])
    at_fan = b.an_order(session, asset=fan)
    b.a_visit(session, order=at_fan)
    unnamed = b.an_order(session, site=second)
    b.a_visit(session, order=unnamed)
    b.a_visit(session, order=b.an_order(session, asset=b.an_asset(session)))  # of somebody else
    known = background(session, SUPERVISOR, b.a_call(session, site=site, asset=asset))
    seen = {each.asset_id: each for each in known.other_assets}
    assert set(seen) == {pump.id, fan.id}
    assert (seen[pump.id].unfinished, seen[pump.id].advised) == ([], ["Seal leaks"])
    assert [past.id for past in seen[fan.id].unfinished] == [at_fan.id]
    assert seen[fan.id].address == second.address
    assert [past.id for past in known.other_unfinished] == [unnamed.id]
    assert (known.history, known.unfinished, known.advised) == ([], [], [])
    here = b.a_principal(Role.CALL_TAKER, territory_ids=frozenset({b.a_territory(session).id}))
    assert background(session, here, b.a_call(session, site=site)).other_assets == []


def test_a_call_without_any_asset_still_shows_what_the_customer_has(
    session: Session, now: MovableClock
) -> None:
    """R-103."""
    asset = b.an_asset(session)
    order = b.an_order(session, asset=asset)
    b.a_visit(session, order=order)
    call = b.a_call(session, site=session.get_one(b.Site, asset.site_id))
    known = background(session, SUPERVISOR, call)
    assert [(each.asset_id, len(each.unfinished)) for each in known.other_assets] == [(asset.id, 1)]


def test_other_files_with_the_callers_number_are_shown(session: Session, now: MovableClock) -> None:
    """R-103: the older file is taken, the others are named with their places, the oldest first."""
    site = b.a_site(session)
    customer = session.get_one(Customer, site.customer_id)
    later = b.a_customer(session, name="Shop", phone=customer.phone, kind="business",
                         created_at=b.MORNING + timedelta(days=1))  # fmt: skip
    older = b.a_customer(session, name="Aunt", phone=customer.phone, created_at=b.MORNING)
    place = b.a_site(session, customer=later, territory=session.get_one(Territory, site.territory_id))
    b.a_customer(session)
    found = background(session, SUPERVISOR, b.a_call(session, site=site)).candidates
    assert [(one.name, list(one.addresses)) for one in found] == [("Aunt", []), ("Shop", [place.address])]
    listed = customers.list_customers(session, SUPERVISOR, phone=f" {customer.phone} ").items
    assert {one.id for one in listed} == {later.id, older.id, customer.id}


@pytest.mark.parametrize("role", list(Role))
def test_calls_are_seen_by_the_office_of_their_territory(
    session: Session, now: MovableClock, role: Role
) -> None:
    """S1: technicians see visits, never calls."""
    call, foreign = b.a_call(session), b.a_call(session)
    who = b.a_technician(session).id if role is Role.TECHNICIAN else None
    here = b.a_principal(role, territory_ids=frozenset({call.territory_id}), technician_id=who)
    with pytest.raises(NotFound):
        queries.find_call(session, here, foreign.id)
    if role is Role.TECHNICIAN:
        with pytest.raises(NotFound):
            queries.find_call(session, here, call.id)
        return
    assert queries.find_call(session, here, call.id) is call
    assert queries.list_calls(session, here).items == (call,)
    with pytest.raises(NotFound):
        queries.assessment_of(session, here, call.id)


def test_a_template_names_only_what_exists(session: Session) -> None:
    """R-203."""
    given = {
        "by": None, "code": "pump", "title_en": "Pump", "title_zh": "泵", "product_kind": "boiler",
        "fault_class": "product", "kind": "quick_repair", "fault_code": "PUMP", "labour_norm_minutes": 45,
    }  # fmt: skip
    needs = Needs(duration_minutes=45, skills={"gas": 1})
    with pytest.raises(SkillUnknown):
        create_template(session, **given, needs=needs)
    b.a_skill(session, "gas")
    template = create_template(session, **given, needs=needs)
    with pytest.raises(rules.TemplateCodeTaken):
        create_template(session, **given, needs=needs)
    update_template(
        session, by=None, template=template, changes={"is_active": False, "guidance_en": " Wait. "}
    )
    assert (template.is_active, template.guidance_en) == (False, "Wait.")
    assert queries.list_templates(session) == []
    assert [found.code for found in queries.list_templates(session, only_active=False)] == ["pump"]
    with pytest.raises(FieldUnknown):
        update_template(session, by=None, template=template, changes={"code": "x"})


def test_the_norm_of_parts_is_a_price_or_unknown(session: Session) -> None:
    """R-204: nobody has said, nothing at all, or so much."""
    template = b.a_template(session)
    assert template.parts_norm_minor is None
    for norm in (0, 12_50, None):
        update_template(session, by=None, template=template, changes={"parts_norm_minor": norm})
        assert template.parts_norm_minor == norm
    for wrong in (-1, 2_000_000_001):
        with pytest.raises(Invalid):
            update_template(session, by=None, template=template, changes={"parts_norm_minor": wrong})
