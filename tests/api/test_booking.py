"""Windows asked for and held while a call goes on, through the API."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from dispatch import db
from dispatch.access.rules import Role
from dispatch.customers.model import Customer
from dispatch.territories.model import Territory
from dispatch.work_orders.model import Visit
from tests.api.company import NORTH, key
from tests.api.desk import NOWHERE, Desk, code_of, day, local


def asked(desk: Desk, **changes: Any) -> dict[str, Any]:
    """A place of a registered call, for an hour of work tomorrow."""
    return {"site_id": desk.call()["site_id"], "work": {"duration_minutes": 60}, **changes}


def offers(desk: Desk, **changes: Any) -> dict[str, Any]:
    """Offers for tomorrow."""
    body = asked(desk, first_day=day(), days=1, **changes)
    answer = desk.of(Role.CALL_TAKER).post("/v1/booking/offers", json=body)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    shown: dict[str, Any] = answer.get_json()
    return shown


def test_a_call_taker_sees_windows_with_price_chance_and_load(desk: Desk) -> None:
    """R-303: before anything is assessed."""
    desk.shift()
    found = offers(desk)
    assert found["windows"]
    for window in found["windows"]:
        assert sum(window["price"].values()) == window["cost_minor"]
        assert 0 <= window["chance"] <= 1
        assert 0 <= window["load"] <= 1
    assert {slot["code"] for slot in found["hidden"]} <= {"CAPACITY", "PAST", "SHIFT"}


def test_a_template_says_what_the_work_needs(desk: Desk) -> None:
    """R-203."""
    desk.shift()
    call = desk.call()
    body = {"site_id": call["site_id"], "template": call["template"], "first_day": day(), "days": 1}
    answer = desk.of(Role.CALL_TAKER).post("/v1/booking/offers", json=body)
    assert answer.status_code == 200
    assert answer.get_json()["windows"] or answer.get_json()["refusals"]


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"work": None}, (422, "WORK_UNKNOWN")),
        ({"template": "any"}, (422, "WORK_UNKNOWN")),
        ({"work": None, "template": "no-such"}, (422, "TEMPLATE_UNKNOWN")),
        ({"site_id": NOWHERE}, (404, "NOT_FOUND")),
        ({"asset_id": NOWHERE}, (404, "NOT_FOUND")),
        ({"work": {"duration_minutes": 0}}, (422, "REQUEST_INVALID")),
        ({"work": {"duration_minutes": 60, "skills": {"unheard-of": 1}}}, (422, "SKILL_UNKNOWN")),
        ({"requested_at": local(9, days=2)}, (422, "REQUESTED_IN_FUTURE")),
    ],
)
def test_what_cannot_be_asked_is_refused_by_name(
    desk: Desk, changes: dict[str, Any], refusal: tuple[int, str]
) -> None:
    body = asked(desk) | changes
    assert code_of(desk.of(Role.CALL_TAKER).post("/v1/booking/offers", json=body)) == refusal


def test_a_window_is_held_read_and_given_back(desk: Desk) -> None:
    """Decision 18."""
    desk.shift()
    found = offers(desk)["windows"][0]["window"]
    held = desk.made(Role.CALL_TAKER, "/v1/booking/holds", asked(desk, window=found))
    assert held["window"] == found
    assert held["expires_at"] > held["held_at"]
    assert desk.read(Role.CALL_TAKER, f"/v1/booking/holds/{held['id']}") == held
    assert desk.read(Role.DISPATCHER, f"/v1/booking/holds/{held['id']}") == held
    path = f"/v1/booking/holds/{held['id']}/release"
    first = desk.of(Role.CALL_TAKER).post(path, json={}, headers=key())
    assert first.status_code == 200, first.get_data(as_text=True)
    again = desk.of(Role.CALL_TAKER).post(path, json={}, headers=key())
    assert again.get_json()["released_at"] == first.get_json()["released_at"]


def test_a_held_window_becomes_the_promise(desk: Desk) -> None:
    """R-309."""
    desk.shift()
    assessment = desk.assessment()
    order = desk.read(Role.DISPATCHER, f"/v1/work-orders/{assessment['work_order_id']}")
    body = {"site_id": order["site_id"], "work": {"duration_minutes": 60}}
    window = {"start": local(10), "end": local(12)}
    held = desk.made(Role.CALL_TAKER, "/v1/booking/holds", body | {"window": window})
    promise = {"window": window, "channel": "phone", "hold_id": held["id"]}
    path = f"/v1/visits/{assessment['visit_id']}/promise"
    desk.made(Role.CALL_TAKER, path, promise)
    kept = desk.read(Role.CALL_TAKER, f"/v1/booking/holds/{held['id']}")
    assert kept["visit_id"] == assessment["visit_id"]
    assert code_of(desk.post(Role.CALL_TAKER, path, promise)) == (409, "HOLD_TAKEN")


def test_the_reserve_of_a_territory_is_a_setting(desk: Desk) -> None:
    """R-308."""
    path = f"/v1/territories/{desk.territory}"
    before = desk.read(Role.ADMIN, path)
    assert before["emergency_reserve_percent"] == 15
    body = {"emergency_reserve_percent": 20, "emergency_reserve_days": {"1": 30, "2026-12-24": 0}}
    after = desk.change(Role.ADMIN, "PATCH", path, body, before["version"])
    assert {name: after[name] for name in body} == body


def kept_for_emergencies(desk: Desk, visit_id: str) -> None:
    """R-308: half of a twelve hours' day is kept, and the visit takes more than the other half."""
    with db.transaction() as session:
        session.get_one(Territory, desk.company.territories[NORTH]).emergency_reserve_percent = 50
        session.get_one(Visit, uuid.UUID(visit_id)).duration_minutes = 400


def planned_at_a_business(desk: Desk, visit_id: str) -> None:
    """R-307: it is to be announced a week ahead."""
    with db.transaction() as session:
        order = session.get_one(Visit, uuid.UUID(visit_id)).work_order
        order.kind = "maintenance"
        session.get_one(Customer, order.customer_id).kind = "business"


@pytest.mark.parametrize("why", [kept_for_emergencies, planned_at_a_business])
def test_what_is_not_offered_a_dispatcher_promises_and_a_call_taker_does_not(desk: Desk, why: Any) -> None:
    """R-307, R-308."""
    desk.shift()
    visit_id = desk.assessment()["visit_id"]
    why(desk, visit_id)
    shown = desk.read(Role.CALL_TAKER, f"/v1/visits/{visit_id}/offers?first_day={day()}&days=1")
    assert shown["windows"] == []
    path = f"/v1/visits/{visit_id}/promise"
    body = {"window": {"start": local(10), "end": local(12)}, "channel": "phone"}
    refused = desk.post(Role.CALL_TAKER, path, body)
    assert code_of(refused) == (409, "SLOT_GONE")
    assert refused.get_json()["detail"] in {slot["sentence"] for slot in shown["hidden"]}
    desk.made(Role.DISPATCHER, path, body)


def test_a_hold_covers_what_it_was_taken_for_and_no_more(desk: Desk) -> None:
    """R-308: an hour that was held does not open the reserve for seven."""
    desk.shift()
    assessment = desk.assessment()
    visit_id = assessment["visit_id"]
    order = desk.read(Role.DISPATCHER, f"/v1/work-orders/{assessment['work_order_id']}")
    window = {"start": local(10), "end": local(12)}
    body = {"site_id": order["site_id"], "work": {"duration_minutes": 60}, "window": window}
    held = desk.made(Role.CALL_TAKER, "/v1/booking/holds", body)
    kept_for_emergencies(desk, visit_id)
    promise = {"window": window, "channel": "phone", "hold_id": held["id"]}
    assert code_of(desk.post(Role.CALL_TAKER, f"/v1/visits/{visit_id}/promise", promise)) == (
        409,
        "SLOT_GONE",
    )
    assert desk.read(Role.CALL_TAKER, f"/v1/booking/holds/{held['id']}")["visit_id"] is None
    with db.transaction() as session:
        session.get_one(Visit, uuid.UUID(visit_id)).duration_minutes = 60
    fill(desk)
    desk.made(Role.CALL_TAKER, f"/v1/visits/{visit_id}/promise", promise)


def fill(desk: Desk) -> None:
    """A dispatcher gives others what was left of tomorrow's half."""
    visit_id = desk.assessment()["visit_id"]
    with db.transaction() as session:
        session.get_one(Visit, uuid.UUID(visit_id)).duration_minutes = 330
    body = {"window": {"start": local(13), "end": local(15)}, "channel": "phone"}
    desk.made(Role.DISPATCHER, f"/v1/visits/{visit_id}/promise", body)
