"""Windows asked for and held while a call goes on, through the API."""

from __future__ import annotations

from typing import Any

import pytest

from dispatch.access.rules import Role
from tests.api.company import key
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
    body = {"emergency_reserve_percent": 20}
    assert desk.change(Role.ADMIN, "PATCH", path, body, before["version"])["emergency_reserve_percent"] == 20
