"""The generator of the demo day: the same for the same seed, and inside the written distributions."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import phonenumbers
import pytest

from dispatch.settings import Settings
from dispatch.simulation.clientele import is_in_warranty
from dispatch.simulation.day import generate_day
from dispatch.simulation.day_types import GeneratedDay
from dispatch.simulation.names import GENERATED
from dispatch.simulation.workforce import can_do, local
from dispatch.travel import build_geocoder
from dispatch.travel.table import TableTravel

DAY = date(2026, 3, 17)
SEEDS = (1, 2, 3, 7, 2026)


@pytest.fixture(scope="module", params=SEEDS)
def generated(request: pytest.FixtureRequest) -> GeneratedDay:
    return generate_day(request.param, DAY)


def test_the_same_seed_gives_the_same_day_and_another_seed_another() -> None:
    assert generate_day(1, DAY).canonical() == generate_day(1, DAY).canonical()
    prints = {generate_day(seed, DAY).fingerprint() for seed in SEEDS}
    prints.add(generate_day(1, DAY + timedelta(days=1)).fingerprint())
    assert len(prints) == len(SEEDS) + 1


@pytest.mark.parametrize("hash_seed", ["0", "4711"])
def test_another_process_generates_the_same_day(hash_seed: str) -> None:
    program = (
        "from datetime import date; from dispatch.simulation.day import generate_day; "
        f"print(generate_day(5, date({DAY.year}, {DAY.month}, {DAY.day})).fingerprint())"
    )
    printed = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONHASHSEED": hash_seed, "TZ": "Asia/Shanghai"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout.strip()
    assert printed == generate_day(5, DAY).fingerprint()


def test_more_technicians_change_no_customer() -> None:
    small, large = generate_day(1, DAY), generate_day(1, DAY, technicians=20)
    assert small.technicians == large.technicians[:16]
    assert [c.name for c in small.customers] == [c.name for c in large.customers]


def test_the_day_has_its_calls_emergencies_and_technicians(generated: GeneratedDay) -> None:
    assert len(generated.calls) == 130
    assert sum(call.is_emergency for call in generated.calls) == 10
    assert 120 <= sum(call.case != "guidance" for call in generated.calls) <= 130
    assert Counter(t.shift for t in generated.technicians) == {"8-16": 10, "11-19": 4, "14-22": 2}


def test_calls_come_the_day_before_and_through_the_day(generated: GeneratedDay) -> None:
    """R-101: every moment is aware, and typed in after it was asked for."""
    midnight = local(DAY, 0)
    before = [call for call in generated.calls if call.requested_at < midnight]
    assert 70 <= len(before) <= 73
    evening = before[-1]
    for call in generated.calls:
        assert call.requested_at.tzinfo is UTC
        assert call.requested_at <= call.received_at <= call.requested_at + timedelta(minutes=40)
        hour = call.requested_at.astimezone(ZoneInfo("Europe/Helsinki")).hour
        hours = range(20, 21) if call is evening else range(8, 20) if call in before else range(7, 18)
        assert hour in hours
    moments = [call.requested_at for call in generated.calls]
    assert moments == sorted(moments)


def test_emergencies_are_urgent_and_some_have_the_hour_of_a_contract(generated: GeneratedDay) -> None:
    """R-401: response within 60 minutes of the request."""
    fast = {c.customer for c in generated.contracts if c.response_minutes == 60}
    emergencies = [call for call in generated.calls if call.is_emergency]
    assert {call.priority for call in emergencies} == {5}
    assert all(call.requested_at >= local(DAY, 480) for call in emergencies)
    assert local(DAY, 12 * 60) in {call.requested_at for call in emergencies}
    hours = [c for c in emergencies if c.preferred_windows[0].end - c.requested_at == timedelta(hours=1)]
    assert len(hours) >= 3
    assert all(call.customer in fast for call in hours)
    assert max(call.priority for call in generated.calls if not call.is_emergency) <= 4


def test_one_call_of_the_evening_before_has_a_limit_that_is_over_in_the_morning(
    generated: GeneratedDay,
) -> None:
    """R-402: twelve hours, and whoever called is there in the afternoon; then the fault is solved."""
    bound = {c.customer: c.resolution_minutes for c in generated.contracts}
    evening = [c for c in generated.calls if c.requested_at < local(DAY, 0)][-1]
    assert (evening.case, bound[evening.customer], evening.is_emergency) == ("contract", 720, False)
    assert local(DAY, 480) < evening.requested_at + timedelta(hours=12) < local(DAY, 540)
    assert min(window.start for window in evening.preferred_windows) == local(DAY, 14 * 60)
    assert (evening.course.is_solved, evening.course.is_customer_absent) == (True, False)


def test_two_calls_repeat_a_recent_repair_and_one_an_old_one(generated: GeneratedDay) -> None:
    """R-508: same asset and fault within 30 days; another technician can do it."""
    orders = {order.number: order for order in generated.earlier_orders}
    templates = {template.code: template for template in generated.templates}
    repeats = [call for call in generated.calls if call.earlier_order]
    assert sorted(call.case for call in repeats) == ["old_repeat", "repeat", "repeat"]
    for call in repeats:
        order = orders[call.earlier_order or ""]
        age = call.requested_at - order.completed_at
        assert (order.asset, order.template) == (call.asset, call.template)
        assert (age <= timedelta(days=30)) == (call.case == "repeat")
        able = {t.number for t in generated.technicians if can_do(t, templates[call.template], DAY)}
        assert order.technician in able
        assert len(able) >= 2


def test_warranty_contract_and_paid_cases_all_occur(generated: GeneratedDay) -> None:
    """R-404, R-405: what is in warranty is younger than three years since acceptance."""
    cases = Counter(call.case for call in generated.calls)
    assert cases["warranty"] >= 15
    assert cases["contract"] >= 10
    assert cases["paid"] >= 40
    assert cases["guidance"] >= 1
    assets = {asset.number: asset for asset in generated.assets}
    assert all(is_in_warranty(assets[c.asset], DAY) for c in generated.calls if c.case == "warranty")
    assert not any(is_in_warranty(assets[c.asset], DAY) for c in generated.calls if c.case == "paid")
    assert all(a.purchased_on <= a.accepted_on < DAY for a in generated.assets)


def test_every_reference_leads_somewhere_and_no_asset_is_called_for_twice(generated: GeneratedDay) -> None:
    customers = {c.number for c in generated.customers}
    sites = {s.number: s for s in generated.sites}
    assets = {a.number: a for a in generated.assets}
    templates = {t.code: t for t in generated.templates}
    for call in generated.calls:
        assert call.customer in customers
        assert sites[call.site].customer == call.customer
        assert assets[call.asset].site == call.site
        assert assets[call.asset].product_kind == templates[call.template].product_kind
    assert max(Counter(call.asset for call in generated.calls).values()) == 1
    assert {contract.customer for contract in generated.contracts} <= customers


def test_every_problem_can_be_done_by_somebody_and_one_certificate_has_expired(
    generated: GeneratedDay,
) -> None:
    """R-501: certificates count only while valid on the day."""
    skills = {skill.code for skill in generated.skills}
    parts = {part.sku for part in generated.parts}
    for template in generated.templates:
        able = [t for t in generated.technicians if can_do(t, template, DAY)]
        assert len(able) >= 2, template.code
        assert any(all(t.van_stock.get(sku, 0) >= n for sku, n in template.parts.items()) for t in able)
        assert set(template.skills) <= skills
        assert set(template.parts) <= parts
    expired = [t for t in generated.technicians if any(c.valid_until < DAY for c in t.certificates)]
    assert [t.number for t in expired] == ["T-10"]


def test_there_are_ten_templates_or_more_in_both_languages(generated: GeneratedDay) -> None:
    """R-203: a template prefills skills, parts, duration, priority and norm."""
    assert len(generated.templates) >= 10
    for template in generated.templates:
        assert template.title_en.isascii()
        assert not template.title_zh.isascii()
        assert 30 <= template.duration_minutes <= 60
        assert 1 <= template.priority <= 4
        assert template.crew_size == (2 if template.code == "WM-BEARING" else 1)
        assert template.fault_class in ("product", "service", "use")
        assert (template.fault_class == "use") == bool(template.guidance_en and template.guidance_zh)


def test_nobody_can_be_reached_by_accident(generated: GeneratedDay) -> None:
    """R-903: phones of a range kept for fiction, mailboxes of a domain nobody owns, both well formed."""
    assert len({c.phone for c in generated.customers}) == len(generated.customers)
    for customer in generated.customers:
        assert customer.phone.startswith("+3319900")
        assert phonenumbers.is_valid_number(phonenumbers.parse(customer.phone))
        assert customer.email.endswith("@example.org")
        assert customer.email.isascii()
        assert customer.notes == GENERATED
        assert customer.language in ("zh", "en")
        assert customer.tier in ("A", "B", "C")
    assert {c.language for c in generated.customers} == {"zh", "en"}
    assert any(c.needs_home_service for c in generated.customers)


def test_every_address_is_found_again_and_lies_inside_the_boundary(generated: GeneratedDay) -> None:
    gazetteer = build_geocoder(Settings())
    (south, west), _, (north, east), _ = generated.boundary
    for address in [s.address for s in generated.sites] + [t.home for t in generated.technicians]:
        assert gazetteer.locate(address.line).id == address.id
        assert south < address.point.lat < north
        assert west < address.point.lon < east
    assert len({site.address.id for site in generated.sites}) == len(generated.sites)
    assert (TableTravel().rows_of([site.address.point for site in generated.sites]) >= 0).all()


def test_wishes_are_two_hour_windows_that_can_still_be_kept(generated: GeneratedDay) -> None:
    for call in generated.calls:
        assert 1 <= len(call.preferred_windows) <= 3
        for window in call.preferred_windows:
            if not call.is_emergency:
                assert window.end - window.start == timedelta(hours=2)
                assert window.start >= call.received_at + timedelta(minutes=60)
                assert local(DAY, 480) <= window.start < window.end <= local(DAY, 1200)
        assert len(set(call.preferred_windows)) == len(call.preferred_windows)


def test_what_really_happens_stays_near_the_template(generated: GeneratedDay) -> None:
    durations = {template.code: template.duration_minutes for template in generated.templates}
    factors = [call.course.work_minutes / durations[call.template] for call in generated.calls]
    assert 0.93 < sum(factors) / len(factors) < 1.07
    assert 0.45 <= min(factors) < max(factors) <= 2.05
    for call in generated.calls:
        assert 0.7 <= call.course.travel_factor <= 2.0
        assert call.course.departure_delay_minutes >= 0
        assert 1 <= call.course.rating <= 5
        assert call.course.payment_method in ("cash", "card", "qr", "transfer")


def test_the_load_is_worth_optimising_and_can_be_carried(generated: GeneratedDay) -> None:
    """Work, parking and access fill 70 to 82 % of the shifts; drives add about 5 %."""
    sites = {site.number: site for site in generated.sites}
    durations = {template.code: template.duration_minutes for template in generated.templates}
    minutes = sum(
        durations[c.template] + sites[c.site].parking_minutes + sites[c.site].access_minutes
        for c in generated.calls
        if c.case != "guidance"
    )
    shifts = sum((t.shift_ends_at - t.shift_starts_at).total_seconds() / 60 for t in generated.technicians)
    assert 0.70 <= minutes / shifts <= 0.82


@pytest.mark.parametrize("day", [date(2026, 3, 29), date(2026, 10, 25)])
def test_a_day_of_a_clock_change_has_shifts_at_the_right_wall_clock(day: date) -> None:
    for technician in generate_day(1, day).technicians:
        start = technician.shift_starts_at.astimezone(ZoneInfo("Europe/Helsinki"))
        assert start.hour == int(technician.shift.split("-")[0])
        assert technician.shift_ends_at - technician.shift_starts_at == timedelta(hours=8)


def test_other_sizes_work(generated: GeneratedDay) -> None:
    small = generate_day(generated.seed, DAY, calls=12, technicians=3)
    assert (len(small.calls), len(small.technicians)) == (12, 3)
    large = generate_day(generated.seed, DAY, calls=700, technicians=90)
    assert (len(large.calls), len(large.technicians)) == (700, 90)
    assert isinstance(large.calls[0].requested_at, datetime)
