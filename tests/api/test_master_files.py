"""Territories, customers, technicians, parts and contracts through the API."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

import pytest

from dispatch import db
from dispatch.access.rules import Role
from dispatch.parts.model import Part
from dispatch.technicians.model import Technician
from tests.api.company import NORTH, SOUTH
from tests.api.desk import INSIDE, NOWHERE, ZONE, Desk, code_of, day, euros, local
from tests.builders import van_stock

RING = [[10.0, 10.0], [10.0, 11.0], [11.0, 11.0]]
LONG = "x" * 10_000


def territory_body(**changes: Any) -> dict[str, Any]:
    """A triangle."""
    return {"code": "tri", "name": "Triangle", "timezone": "Europe/Helsinki", "boundary": RING} | changes


def customer(desk: Desk, **changes: Any) -> dict[str, Any]:
    """A customer's file."""
    return desk.made(Role.CALL_TAKER, "/v1/customers", {"name": "Ada", "phone": "+358 9 1234567"} | changes)


def test_a_territory_is_drawn_and_redrawn(desk: Desk) -> None:
    admin = desk.client_for(Role.ADMIN)
    desk._clients[Role.ADMIN] = admin
    made = desk.made(Role.ADMIN, "/v1/territories", territory_body())
    path = f"/v1/territories/{made['id']}"
    changed = desk.change(Role.ADMIN, "PATCH", path, {"name": "Three"}, made["version"])
    assert (changed["name"], changed["boundary"]) == ("Three", RING)
    stale = admin.patch(path, json={"name": "Four"}, headers={"If-Match": f'"{made["version"]}"'})
    assert code_of(stale) == (412, "STALE")
    again = desk.post(Role.ADMIN, "/v1/territories", territory_body())
    assert code_of(again) == (409, "TERRITORY_CODE_TAKEN")
    north = desk.read(Role.DISPATCHER, "/v1/territories")["items"]
    assert [one["id"] for one in north] == [desk.territory]


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"boundary": [[0, 0], [1, 1], [2, 2]]}, "BOUNDARY_INVALID"),
        ({"boundary": [[0, 0], [1, 1]]}, "BOUNDARY_INVALID"),
        ({"boundary": [[0, 0], [1, 1], [100, 2]]}, "REQUEST_INVALID"),
        ({"boundary": [[0, 0, 0]]}, "REQUEST_INVALID"),
        ({"timezone": "Mars/Base"}, "ZONE_UNKNOWN"),
        ({"name": LONG}, "REQUEST_INVALID"),
        ({"version": 3}, "REQUEST_INVALID"),
    ],
)
def test_a_bad_territory_is_refused_by_name(desk: Desk, changes: dict[str, Any], refusal: str) -> None:
    answer = desk.post(Role.ADMIN, "/v1/territories", territory_body(**changes))
    assert code_of(answer) == (422, refusal)


def test_a_file_with_site_and_asset_is_opened_changed_and_searched(desk: Desk) -> None:
    """R-103, R-106: the file, the need of home service, the place and the equipment."""
    file = customer(desk, needs_home_service=True)
    assert file["phone"] == "+35891234567"
    path = f"/v1/customers/{file['id']}"
    assert desk.change(Role.CALL_TAKER, "PATCH", path, {"tier": "A"}, file["version"])["tier"] == "A"
    assert desk.read(Role.FINANCE, "/v1/customers?search=1234567")["items"][0]["id"] == file["id"]
    assert desk.read(Role.FINANCE, "/v1/customers?search=nobody")["items"] == []
    place = {"address": "Test street 1", **INSIDE, "parking_minutes": 5}
    site = desk.made(Role.CALL_TAKER, f"{path}/sites", place)
    assert (site["territory_id"], site["position"]) == (desk.territory, INSIDE)
    body = {"access_notes": "ring twice"}
    changed = desk.change(Role.CALL_TAKER, "PATCH", f"/v1/sites/{site['id']}", body, site["version"])
    assert changed["access_notes"] == "ring twice"
    assert len(desk.read(Role.FINANCE, f"{path}/sites")["items"]) == 1
    equipment = {"product_kind": "boiler", "model": "B 20", "accepted_on": "2026-01-02"}
    asset = desk.made(Role.CALL_TAKER, f"/v1/sites/{site['id']}/assets", equipment)
    at = f"/v1/assets/{asset['id']}"
    assert desk.change(Role.CALL_TAKER, "PATCH", at, {"serial": "S1"}, asset["version"])["serial"] == "S1"
    assert desk.read(Role.FINANCE, f"{at}/history") == {"orders": [], "unfinished": [], "advised": []}
    assert len(desk.read(Role.FINANCE, f"/v1/sites/{site['id']}/assets")["items"]) == 1


def test_the_history_of_an_asset_tells_what_was_done_and_only_advised(desk: Desk) -> None:
    """R-103, R-505."""
    order = desk.read(Role.SUPERVISOR, f"/v1/work-orders/{desk.worked()['work_order_id']}")
    history = desk.read(Role.CALL_TAKER, f"/v1/assets/{order['asset_id']}/history")
    assert [past["action"] for past in history["orders"]] == ["Cleaned"]
    assert history["advised"] == ["New valve"]


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"name": LONG}, "REQUEST_INVALID"),
        ({"name": " "}, "REQUEST_INVALID"),
        ({"phone": "call me"}, "PHONE_INVALID"),
        ({"email": "a@b"}, "EMAIL_INVALID"),
        ({"tier": "Z"}, "REQUEST_INVALID"),
        ({"no_show_marks": 0}, "REQUEST_INVALID"),
    ],
)
def test_a_bad_file_is_refused_by_name(desk: Desk, changes: dict[str, Any], refusal: str) -> None:
    answer = desk.post(Role.CALL_TAKER, "/v1/customers", {"name": "Ada"} | changes)
    assert code_of(answer) == (422, refusal)
    assert desk.read(Role.CALL_TAKER, "/v1/customers")["items"] == []


@pytest.mark.parametrize(
    ("place", "refusal"),
    [
        ({"address": "Nowhere Road 7"}, "ADDRESS_UNKNOWN"),
        ({"address": "Far", "latitude": 0.0, "longitude": 0.0}, "OUTSIDE_EVERY_TERRITORY"),
        ({"address": "A", "latitude": 91.0, "longitude": 0.0}, "REQUEST_INVALID"),
        ({"address": "A", **INSIDE, "parking_minutes": -1}, "REQUEST_INVALID"),
    ],
)
def test_a_bad_site_is_refused_by_name(desk: Desk, place: dict[str, Any], refusal: str) -> None:
    path = f"/v1/customers/{customer(desk)['id']}/sites"
    assert code_of(desk.post(Role.CALL_TAKER, path, place)) == (422, refusal)
    assert desk.read(Role.CALL_TAKER, path)["items"] == []


def test_a_technician_is_taken_on_skilled_certified_and_put_on_duty(desk: Desk) -> None:
    """R-409, R-501."""
    desk.skill()
    body = {
        "number": "T-77",
        "name": "Ben",
        "territory_id": desk.territory,
        "home": INSIDE,
        "skills": {"gas": 2},
    }
    made = desk.made(Role.DISPATCHER, "/v1/technicians", body)
    assert (made["home"], made["skills"]) == (INSIDE, {"gas": 2})
    path = f"/v1/technicians/{made['id']}"
    skilled = desk.change(Role.DISPATCHER, "PUT", f"{path}/skills", {"skills": {"gas": 5}}, made["version"])
    assert skilled["skills"] == {"gas": 5}
    assert skilled["version"] > made["version"]
    paper = {"code": "gas-a", "number": "1", "valid_from": "2026-01-01", "valid_until": "2026-12-31"}
    desk.made(Role.DISPATCHER, f"{path}/certificates", paper)
    assert code_of(desk.post(Role.DISPATCHER, f"{path}/certificates", paper)) == (409, "NUMBER_TAKEN")
    duty = {"starts_at": local(8), "ends_at": local(16)}
    rest = {"minutes": 30, "earliest": local(11), "latest": local(13)}
    shift = desk.made(Role.DISPATCHER, f"{path}/shifts", duty | {"break": rest})
    assert shift["break_minutes"] == 30
    away = desk.made(Role.DISPATCHER, f"{path}/absences", duty | {"reason": "ill"})
    roster = desk.read(Role.DISPATCHER, f"{path}/roster?first_day={day()}&last_day={day()}")
    assert ([one["id"] for one in roster["shifts"]], roster["absences"]) == ([shift["id"]], [away])
    dispatcher = desk.of(Role.DISPATCHER)
    for kind, made in (("absences", away), ("shifts", shift)):
        address, seen = f"/v1/{kind}/{made['id']}", {"If-Match": f'"{made["version"]}"'}
        assert code_of(dispatcher.delete(address)) == (428, "IF_MATCH_MISSING")
        assert code_of(dispatcher.delete(address, headers={"If-Match": '"999"'})) == (412, "STALE")
        assert dispatcher.delete(address, headers=seen).status_code == 204
        assert code_of(dispatcher.delete(address, headers=seen)) == (404, "NOT_FOUND")
    version = desk.read(Role.DISPATCHER, path)["version"]
    retired = desk.change(Role.DISPATCHER, "PATCH", path, {"is_active": False}, version)
    assert retired["is_active"] is False
    assert len(desk.read(Role.TECHNICIAN, "/v1/technicians")["items"]) == 1


@pytest.mark.parametrize(
    ("path", "body", "refusal"),
    [
        ("shifts", {"starts_at": local(16), "ends_at": local(8)}, (422, "SHIFT_INVALID")),
        ("shifts", {"starts_at": "2026-03-02T08:00:00", "ends_at": local(8)}, (422, "TIME_WITHOUT_ZONE")),
        (
            "shifts",
            {
                "starts_at": local(8),
                "ends_at": local(10),
                "break": {"minutes": 30, "earliest": local(12), "latest": local(13)},
            },
            (422, "SHIFT_INVALID"),
        ),
        ("absences", {"starts_at": local(9), "ends_at": local(8), "reason": "x"}, (422, "ABSENCE_INVALID")),
        ("absences", {"starts_at": local(8), "ends_at": local(9), "reason": LONG}, (422, "REQUEST_INVALID")),
        (
            "certificates",
            {"code": "g", "number": "1", "valid_from": "2026-02-02", "valid_until": "2026-02-01"},
            (422, "CERTIFICATE_INVALID"),
        ),
        ("van", {"sku": "NO-SUCH", "quantity": 1, "source": "D1"}, (422, "PART_UNKNOWN")),
        ("van", {"sku": "PUMP", "quantity": -1, "source": "D1"}, (422, "QUANTITY_INVALID")),
        ("van", {"sku": "PUMP", "quantity": 1.5, "source": "D1"}, (422, "REQUEST_INVALID")),
    ],
)
def test_bad_facts_of_a_technician_are_refused_by_name(
    desk: Desk, path: str, body: dict[str, Any], refusal: tuple[int, str]
) -> None:
    desk.part()
    technician = f"/v1/technicians/{desk.technician}"
    assert code_of(desk.post(Role.DISPATCHER, f"{technician}/{path}", body)) == refusal
    roster = desk.read(Role.DISPATCHER, f"{technician}/roster?first_day={day()}&last_day={day()}")
    assert roster == {"shifts": [], "absences": [], "breaks": []}
    assert desk.read(Role.DISPATCHER, f"{technician}/van")["items"] == []


def test_an_unknown_skill_and_a_second_shift_are_refused(desk: Desk) -> None:
    desk.shift()
    path = f"/v1/technicians/{desk.technician}"
    second = {"starts_at": local(10), "ends_at": local(12)}
    assert code_of(desk.post(Role.DISPATCHER, f"{path}/shifts", second)) == (409, "SHIFT_OVERLAPS")
    version = desk.read(Role.DISPATCHER, path)["version"]
    answer = desk.of(Role.DISPATCHER).put(
        f"{path}/skills", json={"skills": {"dancing": 1}}, headers={"If-Match": f'"{version}"'}
    )
    assert code_of(answer) == (422, "SKILL_UNKNOWN")
    assert answer.get_json()["cause"]["skills"] == ["dancing"]


def test_a_delivery_is_loaded_once(desk: Desk) -> None:
    """R-511: one keeper, every movement once."""
    desk.part()
    path = f"/v1/technicians/{desk.technician}/van"
    body = {"sku": "PUMP", "quantity": 3, "source": "D1", "lot": "L1"}
    assert desk.made(Role.DISPATCHER, path, body) == {"quantity": 3, "is_repeated": False}
    assert desk.made(Role.DISPATCHER, path, body) == {"quantity": 3, "is_repeated": True}
    [held] = desk.read(Role.TECHNICIAN, path)["items"]
    assert (held["sku"], held["quantity"]) == ("PUMP", 3)


def test_an_expired_certificate_keeps_a_technician_away(desk: Desk) -> None:
    """R-501, bad input: nobody is offered or sent whose certificate is not valid on the day."""
    desk.shift()
    paper = {"code": "gas-a", "number": "1", "valid_from": "2020-01-01", "valid_until": "2020-12-31"}
    desk.made(Role.DISPATCHER, f"/v1/technicians/{desk.technician}/certificates", paper)
    call = desk.call()
    body = {"told": desk.told(), "judgement": {"certificates": ["gas-a"]}}
    visit = desk.made(Role.SUPERVISOR, f"/v1/calls/{call['id']}/assessment", body)["visit_id"]
    offers = desk.read(Role.CALL_TAKER, f"/v1/visits/{visit}/offers?first_day={day()}&days=1")
    assert offers["windows"] == []
    assert {refusal["code"] for refusal in offers["refusals"]} == {"CERTIFICATE"}


def test_a_part_is_listed_and_repriced(desk: Desk) -> None:
    part = desk.part()
    path = f"/v1/parts/{part['id']}"
    changed = desk.change(Role.FINANCE, "PATCH", path, {"price": euros("13.00")}, part["version"])
    assert changed["price"] == euros("13.00")
    other = {"price": {"amount": "13.00", "currency": "USD"}}
    wrong = desk.of(Role.FINANCE).patch(path, json=other, headers={"If-Match": f'"{changed["version"]}"'})
    assert code_of(wrong) == (422, "CURRENCY_MISMATCH")
    body = {"sku": "PUMP", "name_en": "Pump", "name_zh": "水泵", "price": euros("1.00")}
    assert code_of(desk.post(Role.FINANCE, "/v1/parts", body)) == (409, "PART_NUMBER_TAKEN")
    negative = body | {"sku": "P2", "price": euros("-1.00")}
    assert code_of(desk.post(Role.FINANCE, "/v1/parts", negative)) == (422, "PRICE_INVALID")
    unheard = body | {"sku": "P2", "price": {"amount": "1.00", "currency": "XTS"}}
    assert desk.post(Role.FINANCE, "/v1/parts", unheard).status_code == 422
    assert len(desk.read(Role.TECHNICIAN, "/v1/parts")["items"]) == 1


def test_a_contract_is_made_for_an_asset_of_its_customer(desk: Desk) -> None:
    """R-401, R-402, R-406."""
    call = desk.call()
    body = {
        "number": "K-1",
        "customer_id": call["customer_id"],
        "asset_id": call["asset_id"],
        "valid_from": "2026-01-01",
        "valid_until": "2030-12-31",
        "response_minutes": 60,
        "resolution_minutes": 720,
        "inspection_every_months": 3,
    }
    made = desk.made(Role.FINANCE, "/v1/contracts", body)
    assert made["next_inspection_due_on"] == "2026-04-01"
    path = f"/v1/contracts/{made['id']}"
    changed = desk.change(Role.FINANCE, "PATCH", path, {"covers_parts": True}, made["version"])
    assert changed["covers_parts"] is True
    assert code_of(desk.post(Role.FINANCE, "/v1/contracts", body)) == (409, "CONTRACT_NUMBER_TAKEN")
    listed = desk.read(Role.CALL_TAKER, f"/v1/contracts?customer_id={call['customer_id']}")["items"]
    assert [one["id"] for one in listed] == [made["id"]]
    for changes, refusal in (
        ({"valid_until": "2025-01-01"}, (422, "CONTRACT_INVALID")),
        ({"response_minutes": 0}, (422, "REQUEST_INVALID")),
        ({"asset_id": NOWHERE}, (404, "NOT_FOUND")),
        ({"asset_id": desk.call()["asset_id"]}, (404, "NOT_FOUND")),
        ({"customer_id": NOWHERE}, (404, "NOT_FOUND")),
    ):
        answer = desk.post(Role.FINANCE, "/v1/contracts", body | {"number": "K-2"} | changes)
        assert code_of(answer) == refusal, changes


def test_a_pattern_puts_a_technician_on_duty_for_days(desk: Desk) -> None:
    """R-409: local hours on each day, all days or none, at most 31, by the desk alone."""
    path = f"/v1/technicians/{desk.technician}/shift-patterns"
    body = {"pattern": "11-19", "first_day": day(1), "last_day": day(3), "break_minutes": 45}
    made = desk.made(Role.DISPATCHER, path, body)["items"]
    begins = [datetime.fromisoformat(one["starts_at"]).astimezone(ZONE) for one in made]
    assert [(begin.date().isoformat(), begin.hour) for begin in begins] == [
        (day(ahead), 11) for ahead in (1, 2, 3)
    ]
    assert {one["break_minutes"] for one in made} == {45}
    overlapping = body | {"first_day": day(0)}
    assert code_of(desk.post(Role.DISPATCHER, path, overlapping)) == (409, "SHIFT_OVERLAPS")
    days = f"first_day={day(0)}&last_day={day(9)}"
    roster = desk.read(Role.DISPATCHER, f"/v1/technicians/{desk.technician}/roster?{days}")
    assert len(roster["shifts"]) == 3
    for changes, code in (
        ({"pattern": "0-24"}, "REQUEST_INVALID"),
        ({"first_day": day(5), "last_day": day(36)}, "RANGE_TOO_LONG"),
        ({"first_day": day(5), "last_day": day(4)}, "RANGE_TOO_LONG"),
    ):
        assert code_of(desk.post(Role.DISPATCHER, path, body | changes)) == (422, code)
    for role in (Role.TECHNICIAN, Role.CALL_TAKER, Role.FINANCE):
        assert code_of(desk.post(role, path, body)) == (403, "ROLE_FORBIDDEN")


def test_an_inspection_that_is_due_is_listed_until_it_was_done(desk: Desk) -> None:
    """R-406."""
    body = {
        "number": "K-1",
        "customer_id": customer(desk)["id"],
        "valid_from": "2026-01-01",
        "valid_until": "2030-12-31",
        "inspection_every_months": 3,
    }
    desk.call()
    made = desk.made(Role.FINANCE, "/v1/contracts", body)
    due = "/v1/contracts/inspections-due?until="
    admin = desk.client_for(Role.ADMIN)
    listed = admin.get(due + "2026-04-01").get_json()["items"]
    assert [one["number"] for one in listed] == ["K-1"]
    path = f"/v1/contracts/{made['id']}/inspections"
    done = admin.post(path, json={"on": "2026-04-05"}, headers={"If-Match": f'"{made["version"]}"'})
    assert done.get_json()["next_inspection_due_on"] == "2026-07-05"
    assert done.headers["ETag"] != f'"{made["version"]}"'
    assert admin.get(due + "2026-07-04").get_json()["items"] == []
    stale = admin.post(path, json={"on": "2026-04-06"}, headers={"If-Match": f'"{made["version"]}"'})
    assert code_of(stale) == (412, "STALE")
    for role in (Role.TECHNICIAN, Role.CALL_TAKER):
        assert code_of(desk.post(role, path, {"on": "2026-04-06"})) == (403, "ROLE_FORBIDDEN")
    assert code_of(desk.of(Role.TECHNICIAN).get(due + "2026-07-04")) == (403, "ROLE_FORBIDDEN")


def test_a_van_below_zero_is_listed_for_its_keeper_and_the_office(desk: Desk) -> None:
    """R-511: what was used beyond the books is for the keeper to explain; others see nothing of it."""
    part = desk.part()
    with db.transaction() as session:
        for where, quantity in ((NORTH, -2), (SOUTH, -1)):
            technician = session.get_one(Technician, desk.company.technicians[where])
            van_stock(session, technician, session.get_one(Part, uuid.UUID(part["id"])), quantity)
    for role in (Role.DISPATCHER, Role.TECHNICIAN):
        [short] = desk.read(role, "/v1/vans/below-zero")["items"]
        assert (short["technician_id"], short["sku"], short["quantity"]) == (desk.technician, "PUMP", -2)
    assert code_of(desk.company.anybody().get("/v1/vans/below-zero"))[0] == 401
