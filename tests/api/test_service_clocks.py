"""Business calendars and service clocks, through the API."""

from __future__ import annotations

from typing import Any

import pytest

from dispatch.access.rules import Role
from tests.api.company import key
from tests.api.desk import Desk, code_of

WEEK = {
    "code": "WEEK",
    "name": "Weekdays",
    "hours": [{"weekday": day, "opens": 480, "closes": 1020} for day in range(1, 6)],
    "country": "CN",
    "days_off": ["2026-03-03"],
}


def test_a_calendar_is_made_changed_and_used_by_a_contract(desk: Desk) -> None:
    """R-401: a contract that runs in working hours."""
    made = desk.made(Role.SUPERVISOR, "/v1/service-calendars", WEEK)
    assert (made["country"], made["days_off"], made["days_worked"]) == ("CN", ["2026-03-03"], [])
    path = f"/v1/service-calendars/{made['id']}"
    changed = desk.change(Role.SUPERVISOR, "PATCH", path, {"days_worked": ["2026-03-07"]}, made["version"])
    assert changed["days_worked"] == ["2026-03-07"]
    assert desk.read(Role.DISPATCHER, "/v1/service-calendars")["items"] == [changed]
    body = {
        "number": "K-1",
        "customer_id": desk.call()["customer_id"],
        "valid_from": "2026-01-01",
        "valid_until": "2027-12-31",
        "response_minutes": 240,
        "calendar_id": made["id"],
        "pauses_for": ["part", "customer"],
    }
    contract = desk.made(Role.SUPERVISOR, "/v1/contracts", body)
    assert (contract["calendar_id"], contract["pauses_for"]) == (made["id"], ["part", "customer"])


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"country": "XX"}, (422, "CONTRACT_INVALID")),
        ({"subdivision": "nowhere"}, (422, "CONTRACT_INVALID")),
        ({"hours": []}, (422, "CONTRACT_INVALID")),
        ({"hours": [{"weekday": 1, "opens": 600, "closes": 600}]}, (422, "CONTRACT_INVALID")),
        (
            {
                "hours": [
                    {"weekday": 7, "opens": 1320, "closes": 1800},
                    {"weekday": 1, "opens": 300, "closes": 700},
                ]
            },
            (422, "CONTRACT_INVALID"),
        ),
        ({"hours": [{"weekday": 9, "opens": 600, "closes": 700}]}, (422, "REQUEST_INVALID")),
    ],
)
def test_a_calendar_nobody_can_keep_is_refused(
    desk: Desk, changes: dict[str, Any], refusal: tuple[int, str]
) -> None:
    assert code_of(desk.post(Role.SUPERVISOR, "/v1/service-calendars", {**WEEK, **changes})) == refusal


def test_a_code_is_taken_once(desk: Desk) -> None:
    desk.made(Role.SUPERVISOR, "/v1/service-calendars", WEEK)
    again = desk.of(Role.SUPERVISOR).post("/v1/service-calendars", json=WEEK, headers=key())
    assert code_of(again) == (409, "CALENDAR_CODE_TAKEN")


def test_clocks_of_an_order_and_of_a_territory(desk: Desk) -> None:
    call = desk.call()
    body = {
        "number": "K-2",
        "customer_id": call["customer_id"],
        "valid_from": "2026-01-01",
        "valid_until": "2027-12-31",
        "response_minutes": 600,
        "resolution_minutes": 1200,
    }
    desk.made(Role.SUPERVISOR, "/v1/contracts", body)
    path = f"/v1/calls/{call['id']}/assessment"
    order_id = desk.made(Role.SUPERVISOR, path, {"told": desk.told()})["work_order_id"]
    found = desk.read(Role.DISPATCHER, f"/v1/work-orders/{order_id}/service-clocks")["items"]
    assert [(one["kind"], one["state"]) for one in found] == [
        ("response", "running"),
        ("resolution", "running"),
    ]
    of_all = desk.read(Role.DISPATCHER, f"/v1/territories/{desk.territory}/service-clocks")["items"]
    assert [one["kind"] for one in of_all] == ["response", "resolution"]
    assert desk.read(Role.DISPATCHER, f"/v1/territories/{desk.territory}/service-steps")["items"] == []
