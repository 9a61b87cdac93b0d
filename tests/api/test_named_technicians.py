"""A technician asked for by name while the call goes on, through the API (R-306)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select

from dispatch import db
from dispatch.access.rules import Role
from dispatch.messages.model import Message
from tests.api.desk import NOWHERE, Desk, code_of, day, local, run_jobs

RULE = "reservation_named_technician"


def in_two_days(desk: Desk) -> dict[str, str]:
    """A shift of the north's technician on the day after tomorrow, and a window in it: a reservation."""
    path = f"/v1/technicians/{desk.technician}/shifts"
    desk.made(Role.DISPATCHER, path, {"starts_at": local(8, 2), "ends_at": local(20, 2)})
    return {"start": local(10, 2), "end": local(12, 2)}


def switched(desk: Desk, *, on: bool) -> None:
    """The rule of the house."""
    before = desk.read(Role.ADMIN, "/v1/house-rules")
    desk.change(Role.ADMIN, "PATCH", "/v1/house-rules", {RULE: on}, before["version"])


def test_offers_holds_and_promises_take_a_name(desk: Desk) -> None:
    """R-306: from the caller's wish to the ledger, and to the visit that planning keeps."""
    window = in_two_days(desk)
    assessment = desk.assessment()
    order = desk.read(Role.DISPATCHER, f"/v1/work-orders/{assessment['work_order_id']}")
    asked: dict[str, Any] = {
        "site_id": order["site_id"],
        "work": {"duration_minutes": 60},
        "named_technician_id": desk.technician,
    }
    answer = desk.of(Role.CALL_TAKER).post(
        "/v1/booking/offers", json=asked | {"first_day": day(2), "days": 1, "limit": 50}
    )
    assert answer.status_code == 200, answer.get_data(as_text=True)
    found = answer.get_json()["windows"]
    starts = [datetime.fromisoformat(one["window"]["start"]) for one in found]
    assert datetime.fromisoformat(window["start"]) in starts
    assert {one["technician_id"] for one in found} == {desk.technician}
    held = desk.made(Role.CALL_TAKER, "/v1/booking/holds", asked | {"window": window})
    path = f"/v1/visits/{assessment['visit_id']}"
    body = {"window": window, "channel": "phone", "hold_id": held["id"]}
    told = desk.made(Role.CALL_TAKER, f"{path}/promise", body)
    assert told["named_technician_id"] == desk.technician
    assert desk.read(Role.DISPATCHER, path)["required_technician_id"] == desk.technician


@pytest.mark.parametrize("by", ["walk-in", "switch"])
def test_who_has_not_earned_a_name_is_refused_it(desk: Desk, by: str) -> None:
    """R-306: 409 with the reason, at the visit and before there is one; without a name it is booked."""
    desk.shift()
    later = in_two_days(desk)
    visit = desk.assessment()["visit_id"]
    if by == "switch":
        window = later
        switched(desk, on=False)
    else:
        before = desk.read(Role.ADMIN, "/v1/house-rules")
        lead = {"reservation_lead_hours": 48}
        desk.change(Role.ADMIN, "PATCH", "/v1/house-rules", lead, before["version"])
        window = {"start": local(10), "end": local(12)}
    expected = (409, "NAMING_OFF" if by == "switch" else "NAMING_NOT_EARNED")
    path = f"/v1/visits/{visit}/promise"
    body = {"window": window, "channel": "phone"}
    named = body | {"named_technician_id": desk.technician}
    assert code_of(desk.post(Role.CALL_TAKER, path, named)) == expected
    asked = {
        "site_id": desk.call()["site_id"],
        "work": {"duration_minutes": 60},
        "named_technician_id": desk.technician,
    }
    assert code_of(desk.post(Role.CALL_TAKER, "/v1/booking/holds", asked | {"window": window})) == expected
    shown = desk.of(Role.CALL_TAKER).get(
        f"/v1/visits/{visit}/offers?first_day={day()}&days=1&named_technician_id={desk.technician}"
    )
    if by == "switch":
        assert code_of(shown) == expected
    else:
        assert shown.get_json()["windows"] == []
        assert "NOT_A_RESERVATION" in {slot["code"] for slot in shown.get_json()["hidden"]}
    assert desk.made(Role.CALL_TAKER, path, body)["named_technician_id"] is None


def test_nobody_is_named_who_does_not_exist(desk: Desk) -> None:
    """R-306."""
    window = in_two_days(desk)
    visit = desk.assessment()["visit_id"]
    body = {"window": window, "channel": "phone", "named_technician_id": NOWHERE}
    assert code_of(desk.post(Role.CALL_TAKER, f"/v1/visits/{visit}/promise", body)) == (404, "NOT_FOUND")
    asked = {"site_id": desk.call()["site_id"], "work": {"duration_minutes": 60}}
    answer = desk.of(Role.CALL_TAKER).post(
        "/v1/booking/offers", json=asked | {"named_technician_id": NOWHERE}
    )
    assert code_of(answer) == (404, "NOT_FOUND")
    answer = desk.of(Role.CALL_TAKER).get(f"/v1/visits/{visit}/offers?named_technician_id={NOWHERE}")
    assert code_of(answer) == (404, "NOT_FOUND")


def test_a_dispatcher_gives_the_name_up_and_the_customer_is_told(desk: Desk) -> None:
    """R-306: the window stays; a call taker does not decide it, and nobody does it twice."""
    window = in_two_days(desk)
    assessment = desk.assessment()
    path = f"/v1/visits/{assessment['visit_id']}"
    body = {"window": window, "channel": "phone", "named_technician_id": desk.technician}
    desk.made(Role.CALL_TAKER, f"{path}/promise", body)
    before = desk.read(Role.DISPATCHER, path)
    refused = desk.of(Role.CALL_TAKER).post(
        f"{path}/release-technician",
        json={"reason": "technician_ill"},
        headers={"If-Match": f'"{before["version"]}"'},
    )
    assert refused.status_code == 403
    needs = desk.of(Role.DISPATCHER).put(
        f"{path}/needs", json={"duration_minutes": 90}, headers={"If-Match": f'"{before["version"]}"'}
    )
    assert code_of(needs) == (409, "NAME_IS_PROMISED")
    why = {"reason": "technician_ill"}
    after = desk.change(Role.DISPATCHER, "POST", f"{path}/release-technician", why, before["version"])
    assert (after["required_technician_id"], after["window"]) == (None, before["window"])
    again = desk.of(Role.DISPATCHER).post(
        f"{path}/release-technician", json=why, headers={"If-Match": f'"{after["version"]}"'}
    )
    assert code_of(again) == (409, "NOBODY_NAMED")
    run_jobs("messages.write")
    with db.transaction() as session:
        told = session.scalars(select(Message.template).order_by(Message.written_at, Message.id)).all()
    assert told.count("technician_released") == 1
