"""Hand-ins, messages and daily logs through the API."""

from __future__ import annotations

from typing import Any

import pytest

from dispatch.access.rules import Role
from tests.api.desk import Desk, ago, code_of, day, euros, run_jobs


def hand_in_body(desk: Desk, **changes: Any) -> dict[str, Any]:
    """Everything that is expected today, and no money."""
    path = f"/v1/technicians/{desk.technician}/hand-ins/expected?day={day(0)}"
    due = desk.read(Role.DISPATCHER, path)
    money = [
        {"method": method, "amount": euros(f"{minor / 100:.2f}")}
        for method, minor in due["money_minor"].items()
    ]
    return {"day": day(0), "sheets": due["sheets"], "money": money} | changes


def test_a_day_is_handed_in_with_sheets_and_money(desk: Desk) -> None:
    """R-603: money counted against money collected; the difference is booked to the keeper."""
    order = desk.worked()["work_order_id"]
    payment = {"method": "cash", "amount": euros("50.00"), "received_at": ago(0)}
    desk.made(Role.TECHNICIAN, f"/v1/work-orders/{order}/payments", payment)
    body = hand_in_body(desk, money=[{"method": "cash", "amount": euros("45.00")}], note="5 short")
    path = f"/v1/technicians/{desk.technician}/hand-ins"
    made = desk.made(Role.DISPATCHER, path, body)
    assert made["sheets_missing"] == []
    assert made["money"] == [
        {
            "method": "cash",
            "currency": "EUR",
            "expected_minor": 5000,
            "counted_minor": 4500,
            "difference_minor": -500,
            "vouchers_minor": 0,
        }
    ]
    assert (made["state"], made["receipt"]["money"][0]["reason"]) == ("received", "")
    assert desk.read(Role.TECHNICIAN, f"/v1/hand-ins?day={day(0)}")["items"] == [made]
    assert code_of(desk.post(Role.DISPATCHER, path, body)) == (409, "ALREADY_HANDED_IN")
    for language in ("en", "zh"):
        sheet = desk.of(Role.TECHNICIAN).get(f"/v1/hand-ins/{made['id']}/sheet.pdf?language={language}")
        assert sheet.data.startswith(b"%PDF-")


def test_a_missing_sheet_needs_a_reason(desk: Desk) -> None:
    """R-603: every sheet is there or explained."""
    desk.worked()
    path = f"/v1/technicians/{desk.technician}/hand-ins"
    body = hand_in_body(desk)
    [sheet] = body["sheets"]
    silent = desk.post(Role.DISPATCHER, path, body | {"sheets": []})
    assert code_of(silent) == (422, "SHEETS_INCOMPLETE")
    assert silent.get_json()["cause"]["sheets"] == [sheet]
    made = desk.made(Role.DISPATCHER, path, body | {"sheets": [], "reasons": {sheet: "lost"}})
    assert made["sheets_missing"] == [{"sheet": sheet, "reason": "lost"}]


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        (
            {"money": [{"method": "cash", "amount": {"amount": "1.00", "currency": "USD"}}]},
            "CURRENCY_MISMATCH",
        ),
        ({"money": [{"method": "cash", "amount": euros("-1.00")}]}, "COUNT_INVALID"),
        ({"stock": {"PUMP": -1}}, "COUNT_INVALID"),
        ({"day": "yesterday"}, "REQUEST_INVALID"),
        ({"received_by": "me"}, "REQUEST_INVALID"),
        ({"note": "x" * 10_000}, "REQUEST_INVALID"),
    ],
)
def test_a_bad_hand_in_is_refused_by_name(desk: Desk, changes: dict[str, Any], refusal: str) -> None:
    desk.part()
    path = f"/v1/technicians/{desk.technician}/hand-ins"
    body = {"day": day(0), "sheets": []} | changes
    assert code_of(desk.post(Role.DISPATCHER, path, body)) == (422, refusal)
    assert desk.read(Role.DISPATCHER, "/v1/hand-ins")["items"] == []


SIGNED = {"name": "Ada", "path": "M0 0L9 9"}


def a_payment(desk: Desk, amount: str) -> None:
    """Cash taken today."""
    order = desk.worked()["work_order_id"]
    payment = {"method": "cash", "amount": euros(amount), "received_at": ago(0)}
    desk.made(Role.TECHNICIAN, f"/v1/work-orders/{order}/payments", payment)


def test_both_sign_at_the_counter_and_the_difference_is_the_keepers(desk: Desk) -> None:
    """R-603: booked to the technician's account, settled by finance."""
    a_payment(desk, "50.00")
    account = f"/v1/technicians/{desk.technician}/keeper-account"
    owed = desk.read(Role.TECHNICIAN, f"/v1/technicians/{desk.technician}/hand-ins/owed")["items"]
    assert [(row["day"], row["money_minor"], row["is_supplement"]) for row in owed] == [
        (day(0), {"cash": 5000}, False)
    ]
    assert desk.read(Role.FINANCE, f"/v1/territories/{desk.territory}/hand-ins/owed")["items"] == owed
    body = hand_in_body(
        desk,
        money=[{"method": "cash", "amount": euros("42.50")}],
        difference_reasons={"cash": "5 short"},
        vouchers=[{"number": "P-1", "kind": "parking", "amount": euros("2.50")}],
        signature_path="M0 0L5 5",
        technician_signature=SIGNED,
    )
    made = desk.made(Role.FINANCE, f"/v1/technicians/{desk.technician}/hand-ins", body)
    assert (made["state"], [word["kind"] for word in made["words"]]) == ("closed", ["accepted"])
    assert made["vouchers"] == [{"number": "P-1", "kind": "parking", "amount_minor": 250}]
    [balance] = desk.read(Role.TECHNICIAN, account)["items"]
    figures = [balance[f"{name}_minor"] for name in ("collected", "handed_in", "voucher", "custody", "owed")]
    assert figures == [5000, 4250, 250, 0, 500]
    settlement = {"method": "cash", "amount": euros("5.00"), "how": "withheld", "reason": "May pay"}
    desk.made(Role.FINANCE, f"{account}/settlements", settlement)
    assert code_of(desk.post(Role.FINANCE, f"{account}/settlements", settlement)) == (
        422,
        "SETTLEMENT_INVALID",
    )
    kinds = [row["kind"] for row in desk.read(Role.SUPERVISOR, f"{account}/entries")["items"]]
    assert kinds == ["settled", "difference", "voucher", "handed_in"]
    for language in ("en", "zh"):
        sheet = desk.of(Role.TECHNICIAN).get(f"/v1/hand-ins/{made['id']}/sheet.pdf?language={language}")
        assert sheet.data.startswith(b"%PDF-")


def test_a_count_without_the_technicians_word_is_decided_by_a_supervisor(desk: Desk) -> None:
    """R-603: never by who counted."""
    a_payment(desk, "50.00")
    body = hand_in_body(desk, money=[{"method": "cash", "amount": euros("45.00")}])
    path = f"/v1/technicians/{desk.technician}/hand-ins"
    assert code_of(desk.post(Role.DISPATCHER, path, body)) == (422, "DIFFERENCE_UNEXPLAINED")
    made = desk.made(Role.DISPATCHER, path, body | {"note": "5 short"})
    again = desk.post(Role.DISPATCHER, f"/v1/hand-ins/{made['id']}/receipt", {})
    assert code_of(again) == (409, "DAY_CLOSED")
    decision = {"stands": "technician", "reason": "found in the van"}
    client = desk.of(Role.SUPERVISOR)
    address = f"/v1/hand-ins/{made['id']}/decision"
    assert client.post(address, json=decision).status_code == 428
    found = client.post(address, json=decision, headers={"If-Match": f'"{made["version"]}"'})
    assert found.status_code == 200
    assert (found.get_json()["state"], found.get_json()["words"][0]["stands"]) == ("closed", "technician")


def test_nobody_receives_the_own_hand_in(desk: Desk) -> None:
    answer = desk.post(
        Role.TECHNICIAN, f"/v1/technicians/{desk.technician}/hand-ins", {"day": day(0), "sheets": []}
    )
    assert code_of(answer) == (403, "ROLE_FORBIDDEN")


def test_the_daily_log_is_written_on_demand(desk: Desk) -> None:
    """R-701, R-704: numerator and denominator; a value that cannot be measured is null."""
    desk.worked()
    run = desk.made(Role.SUPERVISOR, "/v1/daily-logs", {"day": day(0)}, status=202)
    assert run["state"] == "ready"
    assert run_jobs("performance.") == 1
    days = f"first_day={day(0)}&last_day={day(0)}"
    logs = desk.read(Role.SUPERVISOR, f"/v1/daily-logs?{days}&scope=territory")["items"]
    assert [log["scope_id"] for log in logs] == [desk.territory]
    figures = {one["name"]: one for one in logs[0]["indicators"]}
    assert all((one["value"] is None) == (one["denominator"] == "0") for one in figures.values())
    own = desk.read(Role.TECHNICIAN, f"/v1/daily-logs?{days}")["items"]
    assert {(log["scope"], log["scope_id"]) for log in own} <= {("technician", desk.technician)}
    everything = desk.client_for(Role.ADMIN).get(f"/v1/daily-logs?{days}&scope=company").get_json()
    assert len(everything["items"]) == 1


@pytest.mark.parametrize(
    "query",
    ["", "first_day=2026-03-02", "first_day=2026-03-02&last_day=2026-03-01", "first_day=x&last_day=y"],
)
def test_a_bad_range_of_days_is_refused(desk: Desk, query: str) -> None:
    assert desk.of(Role.FINANCE).get(f"/v1/daily-logs?{query}").status_code == 422


def test_messages_to_a_customer_are_read_by_order(desk: Desk) -> None:
    """R-801: the customer hears of every stage, and the office can read what was said."""
    order = desk.promised()["work_order_id"]
    run_jobs("messages.")
    found = desk.read(Role.CALL_TAKER, f"/v1/messages?work_order_id={order}")["items"]
    assert found
    assert {message["work_order_id"] for message in found} == {order}
    assert all(message["subject"] and message["body"] for message in found)
    assert code_of(desk.of(Role.TECHNICIAN).get("/v1/messages")) == (403, "ROLE_FORBIDDEN")
