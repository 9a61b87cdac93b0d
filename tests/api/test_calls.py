"""Calls through the API: registration, read-back, estimate, assessment, and every bad input by name."""

from __future__ import annotations

from typing import Any

import pytest

from dispatch import db
from dispatch.access.rules import Role
from dispatch.calls.model import RepairCall
from dispatch.customers.model import Asset, Customer, Site
from dispatch.work_orders.model import WorkOrder
from tests.api.company import key
from tests.api.desk import INSIDE, NOWHERE, Desk, ago, code_of, day, euros, local

CALLS = "/v1/calls"


def count(*kinds: Any) -> list[int]:
    """How many rows of each kind there are."""
    with db.transaction() as session:
        return [session.query(kind).count() for kind in kinds]


def test_a_call_opens_files_and_is_read_back(desk: Desk) -> None:
    """R-103, R-104: an unknown caller gets a file at once; every fact is read back."""
    call = desk.call()
    assert call["state"] == "registered"
    assert call["number"] == "RC-000100"
    assert call["territory_id"] == desk.territory
    file = desk.read(Role.CALL_TAKER, f"{CALLS}/{call['id']}")
    assert file["read_back"]["problem_en"] == "No heat"
    assert file["read_back"]["labour"] is None
    assert set(file["background"]) >= {"history", "unfinished", "advised", "other_assets", "candidates"}
    assert not any(file["background"].values())
    assert call["background"] == file["background"]
    assert [one["id"] for one in desk.read(Role.CALL_TAKER, CALLS)["items"]] == [call["id"]]


def test_the_read_back_ends_with_window_price_and_times(desk: Desk) -> None:
    """R-104: labour, parts and travel, the promised window, repair time and hand-over time."""
    call_id = desk.promised()["call_id"]
    said = desk.read(Role.CALL_TAKER, f"{CALLS}/{call_id}")["read_back"]
    assert said["total"] == euros("80.00")
    assert said["repair_minutes"] == 60
    assert said["window"]["end"] < said["done_by"]
    assert said["order_number"].startswith("WO-")


def test_the_same_key_registers_a_call_once(desk: Desk) -> None:
    headers, body = key(), desk.call_body()
    taker = desk.of(Role.CALL_TAKER)
    first, second = (taker.post(CALLS, json=body, headers=headers) for _ in range(2))
    assert first.get_json() == second.get_json()
    assert second.headers["Idempotency-Replayed"] == "true"
    assert count(RepairCall) == [1]
    assert code_of(taker.post(CALLS, json=body)) == (400, "IDEMPOTENCY_KEY_MISSING")


def test_a_known_caller_is_named_by_id(desk: Desk) -> None:
    first = desk.call()
    known = {"customer_id": first["customer_id"], "site_id": first["site_id"], "asset_id": first["asset_id"]}
    nothing = {"caller": None, "place": None, "equipment": None}
    again = desk.post(Role.CALL_TAKER, CALLS, desk.call_body(**known, **nothing))
    assert code_of(again) == (409, "DUPLICATE_CALL")
    allowed = desk.call(**known, **nothing, allow_duplicate=True)
    assert allowed["customer_id"] == first["customer_id"]


def test_whoever_shares_the_callers_number_is_named_in_the_answer(desk: Desk) -> None:
    """R-103: the older file is taken, and not silently."""
    caller = {"name": "First", "phone": "+358501234567"}
    first = desk.call(caller=caller)
    other = desk.made(Role.CALL_TAKER, "/v1/customers", {**caller, "name": "Second"})
    place = {"address": desk.read(Role.CALL_TAKER, f"{CALLS}/{first['id']}")["read_back"]["address"]}
    again = desk.call(caller={**caller, "phone": "+358 50 123 4567"}, place={**place, **INSIDE})
    assert (again["customer_id"], again["site_id"]) == (first["customer_id"], first["site_id"])
    found = again["background"]
    assert [one["customer_id"] for one in found["candidates"]] == [other["id"]]
    assert [one["asset_id"] for one in found["other_assets"]] == [first["asset_id"]]
    listed = desk.read(Role.CALL_TAKER, "/v1/customers?phone=%2B358%2050%20123%204567")["items"]
    assert {one["id"] for one in listed} == {first["customer_id"], other["id"]}


def test_a_duplicate_names_the_open_order(desk: Desk) -> None:
    """Bad input: the same asset has an open order."""
    assessment = desk.assessment()
    call = desk.read(Role.CALL_TAKER, f"{CALLS}/{assessment['call_id']}")
    body = desk.call_body(
        customer_id=call["customer_id"],
        site_id=call["site_id"],
        asset_id=call["asset_id"],
        caller=None,
        place=None,
        equipment=None,
    )
    answer = desk.post(Role.CALL_TAKER, CALLS, body)
    assert code_of(answer) == (409, "DUPLICATE_CALL")
    assert answer.get_json()["cause"]["work_order_id"] == assessment["work_order_id"]


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"place": {"address": "Nowhere Road 1"}}, (422, "ADDRESS_UNKNOWN")),
        (
            {"place": {"address": "Far", "latitude": 9.0, "longitude": 9.0}},
            (422, "OUTSIDE_EVERY_TERRITORY"),
        ),
        ({"place": {"address": "x" * 10_000, **INSIDE}}, (422, "REQUEST_INVALID")),
        ({"caller": {"name": "x" * 10_000}}, (422, "REQUEST_INVALID")),
        ({"caller": {"name": "Ada", "phone": "12"}}, (422, "PHONE_INVALID")),
        ({"caller": {"name": "Ada", "email": "nobody"}}, (422, "EMAIL_INVALID")),
        ({"caller": None}, (422, "CALLER_MISSING")),
        ({"requested_at": "2026-03-02T08:00:00"}, (422, "TIME_WITHOUT_ZONE")),
        ({"requested_at": local(8)}, (422, "REQUESTED_IN_FUTURE")),
        ({"channel": "pigeon"}, (422, "REQUEST_INVALID")),
        ({"template": "unheard-of"}, (422, "TEMPLATE_UNKNOWN")),
        ({"priority": 6}, (422, "REQUEST_INVALID")),
        ({"customer_id": NOWHERE}, (404, "NOT_FOUND")),
        ({"state": "assessed"}, (422, "REQUEST_INVALID")),
        (
            {
                "equipment": {
                    "product_kind": "boiler",
                    "model": "B",
                    "purchased_on": "2026-02-02",
                    "accepted_on": "2026-02-01",
                }
            },
            (422, "DATE_ORDER"),
        ),
    ],
)
def test_a_bad_call_is_refused_by_name_and_nothing_is_half_written(
    desk: Desk, changes: dict[str, Any], refusal: tuple[int, str]
) -> None:
    answer = desk.post(Role.CALL_TAKER, CALLS, desk.call_body(**changes))
    assert code_of(answer) == refusal, answer.get_data(as_text=True)
    assert answer.get_json()["remedy"]
    assert count(RepairCall, Customer, Site, Asset) == [0, 0, 0, 0]


def test_malformed_json_is_named(desk: Desk) -> None:
    desk.template()
    answer = desk.of(Role.CALL_TAKER).post(
        CALLS, data=b'{"channel": "phone"', content_type="application/json", headers=key()
    )
    assert code_of(answer) == (400, "MALFORMED_JSON")
    assert count(RepairCall) == [0]


def test_an_unknown_address_comes_with_suggestions(desk: Desk) -> None:
    place = {"address": "Aleksanterinkatu 9999"}
    answer = desk.post(Role.CALL_TAKER, CALLS, desk.call_body(place=place))
    assert code_of(answer) == (422, "ADDRESS_UNKNOWN")
    assert any("Aleksanterinkatu" in found for found in answer.get_json()["cause"]["suggestions"])


def test_a_known_address_in_no_territory_is_refused(desk: Desk) -> None:
    """The address list knows Helsinki; the test company works around Monaco."""
    place = {"address": "Aleksanterinkatu 15 B"}
    answer = desk.post(Role.CALL_TAKER, CALLS, desk.call_body(place=place))
    assert code_of(answer) == (422, "OUTSIDE_EVERY_TERRITORY")


def test_the_estimate_is_prefilled_from_template_and_tariff(desk: Desk) -> None:
    """R-203, R-204: an hour of work, a pump, one call-out."""
    call = desk.call()
    address = f"{CALLS}/{call['id']}/estimate"
    assert code_of(desk.of(Role.SUPERVISOR).get(address)) == (409, "NO_TARIFF")
    desk.tariff(), desk.part()
    assert desk.read(Role.SUPERVISOR, address) == {
        "duration_minutes": 60,
        "labour": euros("60.00"),
        "parts": euros("0.00"),
        "travel": euros("20.00"),
        "total": euros("80.00"),
    }
    body = desk.template_body(parts={"PUMP": 2})
    template = desk.made(Role.SUPERVISOR, "/v1/problem-templates", body)
    other = desk.call(template=template["code"])
    told = desk.read(Role.SUPERVISOR, f"{CALLS}/{other['id']}/estimate")
    assert told["parts"] == euros("25.00")


def test_an_assessment_opens_the_order_with_its_first_visit(desk: Desk) -> None:
    """R-201, R-203, R-204."""
    assessment = desk.assessment()
    assert assessment["estimate_labour"] == euros("60.00")
    visit = desk.read(Role.DISPATCHER, f"/v1/visits/{assessment['visit_id']}")
    assert (visit["state"], visit["work_order_id"]) == ("unplanned", assessment["work_order_id"])
    address = f"{CALLS}/{assessment['call_id']}/assessment"
    assert desk.read(Role.CALL_TAKER, address) == assessment
    again = desk.post(Role.SUPERVISOR, address, {"told": desk.told()})
    assert code_of(again) == (409, "CALL_DECIDED")


def test_guidance_closes_a_call_without_a_visit(desk: Desk) -> None:
    """R-202."""
    call = desk.call()
    path = f"{CALLS}/{call['id']}/assessment"
    judged = desk.made(Role.SUPERVISOR, path, {"resolution": "guidance"})
    assert (judged["work_order_id"], judged["visit_id"]) == (None, None)
    assert desk.read(Role.SUPERVISOR, f"{CALLS}/{call['id']}")["state"] == "closed_remotely"


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"told": None}, (422, "ESTIMATE_NOT_TOLD")),
        ({"judgement": {"parts": {"NO-SUCH": 1}}}, (422, "PART_UNKNOWN")),
        ({"judgement": {"parts": {"PUMP": -1}}}, (422, "QUANTITY_INVALID")),
        ({"judgement": {"skills": {"dancing": 1}}}, (422, "SKILL_UNKNOWN")),
        ({"judgement": {"skills": {"gas": 9}}}, (422, "NUMBER_OUT_OF_RANGE")),
        ({"judgement": {"certificates": ["none"]}}, (422, "CERTIFICATE_UNKNOWN")),
        ({"judgement": {"duration_minutes": 0}}, (422, "REQUEST_INVALID")),
        ({"judgement": {"required_technician_id": NOWHERE}}, (404, "NOT_FOUND")),
        ({"judgement": {"approved_by": NOWHERE}}, (422, "REQUEST_INVALID")),
        ({"resolution": "prayer"}, (422, "REQUEST_INVALID")),
    ],
)
def test_a_bad_assessment_is_refused_by_name_and_opens_nothing(
    desk: Desk, changes: dict[str, Any], refusal: tuple[int, str]
) -> None:
    desk.part(), desk.skill()
    call = desk.call()
    path = f"{CALLS}/{call['id']}/assessment"
    answer = desk.post(Role.SUPERVISOR, path, {"told": desk.told()} | changes)
    assert code_of(answer) == refusal, answer.get_data(as_text=True)
    assert count(WorkOrder) == [0]
    assert desk.read(Role.SUPERVISOR, f"{CALLS}/{call['id']}")["state"] == "registered"


def test_a_price_in_another_currency_is_refused(desk: Desk) -> None:
    call = desk.call()
    told = desk.told() | {"labour": {"amount": "60.00", "currency": "USD"}}
    answer = desk.post(Role.SUPERVISOR, f"{CALLS}/{call['id']}/assessment", {"told": told})
    assert code_of(answer) == (422, "CURRENCY_MISMATCH")


def test_a_call_is_called_off_before_it_is_assessed(desk: Desk) -> None:
    call = desk.call()
    path = f"{CALLS}/{call['id']}/cancel"
    assert code_of(desk.of(Role.CALL_TAKER).post(path)) == (428, "IF_MATCH_MISSING")
    assert desk.change(Role.CALL_TAKER, "POST", path, {}, call["version"])["state"] == "cancelled"
    late = desk.post(Role.SUPERVISOR, f"{CALLS}/{call['id']}/assessment", {"told": desk.told()})
    assert code_of(late) == (409, "CALL_DECIDED")


def test_a_template_is_changed_by_version_and_retired(desk: Desk) -> None:
    template = desk.template()
    path = f"/v1/problem-templates/{template['code']}"
    retired = desk.change(Role.SUPERVISOR, "PATCH", path, {"is_active": False}, template["version"])
    assert retired["is_active"] is False
    active = desk.read(Role.CALL_TAKER, "/v1/problem-templates?only_active=true")
    assert active["items"] == []
    answer = desk.post(Role.CALL_TAKER, CALLS, desk.call_body())
    assert code_of(answer) == (422, "TEMPLATE_INACTIVE")
    taken = desk.post(Role.SUPERVISOR, "/v1/problem-templates", desk.template_body(code=template["code"]))
    assert code_of(taken) == (409, "TEMPLATE_CODE_TAKEN")
    unknown = desk.template_body(parts={"NO-SUCH": 1})
    assert code_of(desk.post(Role.SUPERVISOR, "/v1/problem-templates", unknown)) == (422, "PART_UNKNOWN")


def test_a_call_asked_for_long_ago_keeps_its_moment(desk: Desk) -> None:
    """R-101: the clocks run from when the customer asked."""
    asked = ago(600)
    assert desk.call(requested_at=asked)["requested_at"][:16] == asked[:16]


def test_answers_are_measured_by_channel(desk: Desk) -> None:
    """R-102: what the desk says of a telephone, and the moment of the first answer in writing."""
    asked = ago(1)
    phone = desk.call(requested_at=asked, answered_at=asked)
    mail = desk.call(channel="email")
    path = f"/v1/calls/{mail['id']}/answer"
    answered = desk.made(Role.CALL_TAKER, path, {})
    assert answered["answered_at"] is not None
    again = desk.of(Role.CALL_TAKER).post(path, json={}, headers=key())
    assert code_of(again) == (409, "CALL_ANSWERED")
    days = f"/v1/territories/{desk.territory}/days"
    found = [
        one
        for on in (day(0), day(-1))
        for one in desk.read(Role.SUPERVISOR, f"{days}/{on}/answer-clocks")["items"]
    ]
    assert {(one["number"], one["state"]) for one in found} == {
        (phone["number"], "kept"),
        (mail["number"], "kept"),
    }
    early = desk.post(Role.CALL_TAKER, "/v1/calls", desk.call_body(requested_at=ago(1), answered_at=ago(9)))
    assert code_of(early) == (422, "REQUESTED_IN_FUTURE")


def test_the_norm_of_parts_goes_from_the_template_to_its_orders(desk: Desk) -> None:
    """R-204: orders keep the norm that counted when they were opened."""
    template = desk.made(Role.SUPERVISOR, "/v1/problem-templates", desk.template_body(parts_norm_minor=1_250))
    assert template["parts_norm_minor"] == 1_250
    order_id = desk.assessment(template=template["code"])["work_order_id"]
    path = f"/v1/problem-templates/{template['code']}"
    changed = desk.change(Role.SUPERVISOR, "PATCH", path, {"parts_norm_minor": None}, template["version"])
    assert changed["parts_norm_minor"] is None
    assert desk.read(Role.DISPATCHER, f"/v1/work-orders/{order_id}")["parts_norm_minor"] == 1_250
    wrong = desk.of(Role.SUPERVISOR).patch(
        path, json={"parts_norm_minor": -1}, headers={"If-Match": f'"{changed["version"]}"'}
    )
    assert code_of(wrong) == (422, "REQUEST_INVALID")
