"""House rules, loaners, marks and peak times, as the office uses them."""

from __future__ import annotations

from dispatch.access.rules import Role
from tests.api.desk import Desk, code_of, euros, run_jobs


def test_rules_are_read_by_all_and_set_by_administrators(desk: Desk) -> None:
    before = desk.read(Role.CALL_TAKER, "/v1/house-rules")
    assert (before["own"], before["in_force"]["band_minutes"]) == ({}, 15)
    wanted = {"band_minutes": 20, "day_before": False}
    after = desk.change(Role.ADMIN, "PATCH", "/v1/house-rules", wanted, before["version"])
    assert after["own"] == wanted
    assert (after["in_force"]["band_minutes"], after["in_force"]["day_before"]) == (20, False)
    stale = desk.of(Role.ADMIN).patch("/v1/house-rules", json={}, headers={"If-Match": '"99"'})
    assert stale.status_code == 412
    refused = desk.of(Role.DISPATCHER).patch("/v1/house-rules", json={}, headers={"If-Match": '"2"'})
    assert refused.status_code == 403


def test_the_first_day_of_warranty_is_set_for_the_house_and_for_one_contract(desk: Desk) -> None:
    """R-404: a switch, and the contract's word counts for its customer."""
    rule = "warranty_counts_acceptance_day"
    before = desk.read(Role.ADMIN, "/v1/house-rules")
    assert before["in_force"][rule] is False
    desk.change(Role.ADMIN, "PATCH", "/v1/house-rules", {rule: True}, before["version"])
    assert desk.read(Role.CALL_TAKER, "/v1/house-rules")["in_force"][rule] is True
    wrong = desk.of(Role.ADMIN).patch("/v1/house-rules", json={rule: 2}, headers={"If-Match": '"2"'})
    assert wrong.status_code == 422
    body = {
        "number": "K-404",
        "customer_id": desk.call()["customer_id"],
        "valid_from": "2026-01-01",
        "valid_until": "2036-12-31",
    }
    contract = desk.made(Role.SUPERVISOR, "/v1/contracts", body)
    own = {"house_rules": {rule: False}}
    path = f"/v1/contracts/{contract['id']}"
    assert desk.change(Role.SUPERVISOR, "PATCH", path, own, contract["version"])["house_rules"] == {
        rule: False
    }


def test_a_unit_is_entered_lent_and_given_back(desk: Desk) -> None:
    """R-402."""
    path = f"/v1/territories/{desk.territory}/loaner-units"
    body = {"product_kind": "boiler", "model": "B 20", "serial": "L-1", "charge": euros("500.00")}
    unit = desk.made(Role.SUPERVISOR, path, body)
    assert (unit["state"], unit["charge"]) == ("available", euros("500.00"))
    assert code_of(desk.post(Role.SUPERVISOR, path, body)) == (409, "LOANER_SERIAL_TAKEN")
    order = desk.assessment()["work_order_id"]
    loan = desk.made(Role.DISPATCHER, f"/v1/work-orders/{order}/loans", {})
    assert (loan["state"], loan["unit_id"]) == ("reserved", unit["id"])
    again = desk.post(Role.DISPATCHER, f"/v1/work-orders/{order}/loans", {})
    assert code_of(again) == (409, "LOAN_EXISTS")
    delivery = desk.read(Role.DISPATCHER, f"/v1/work-orders/{loan['delivery_order_id']}")
    assert (delivery["kind"], len(delivery["visits"])) == ("delivery", 1)
    assert [
        row["id"] for row in desk.read(Role.DISPATCHER, f"/v1/territories/{desk.territory}/loans")["items"]
    ]
    early = desk.of(Role.DISPATCHER).post(f"/v1/loans/{loan['id']}/return")
    assert code_of(early) == (409, "LOAN_OVER")
    desk.change(
        Role.DISPATCHER,
        "POST",
        f"/v1/work-orders/{order}/cancel",
        {"reason": "they bought a new one"},
        desk.read(Role.DISPATCHER, f"/v1/work-orders/{order}")["version"],
    )
    run_jobs("loaners.")
    assert desk.read(Role.DISPATCHER, f"/v1/loans/{loan['id']}")["state"] == "cancelled"
    assert desk.read(Role.DISPATCHER, f"/v1/loaner-units/{unit['id']}")["state"] == "available"


def test_a_late_customer_is_marked_and_the_reason_written_down(desk: Desk) -> None:
    """R-305, R-504."""
    visit = desk.assessment()["visit_id"]
    path = f"/v1/visits/{visit}/marks"
    answer = desk.post(Role.DISPATCHER, path, {"kind": "late", "minutes_late": 10})
    assert code_of(answer) == (422, "NOT_LATE")
    mark = desk.made(Role.DISPATCHER, path, {"kind": "late", "minutes_late": 40})
    body = {"reason": "stood in traffic"}
    said = desk.of(Role.CALL_TAKER).put(f"/v1/customer-marks/{mark['id']}/reason", json=body)
    assert said.get_json()["reason"] == "stood in traffic"
    listed = desk.read(Role.CALL_TAKER, f"/v1/customers/{mark['customer_id']}/marks")["items"]
    assert [row["id"] for row in listed] == [mark["id"]]
    customer = desk.read(Role.CALL_TAKER, f"/v1/customers/{mark['customer_id']}")
    assert customer["no_show_marks"] == 1


def test_a_sites_peak_times_are_entered_and_checked(desk: Desk) -> None:
    """R-307."""
    order = desk.assessment()["work_order_id"]
    site = desk.read(Role.DISPATCHER, f"/v1/work-orders/{order}")["site_id"]
    found = desk.read(Role.CALL_TAKER, f"/v1/sites/{site}")
    assert (found["peak_months"], found["peak_hours"]) == ([], [])
    wanted = {"peak_months": [12, 6], "peak_hours": [[17, 20], [11, 14]]}
    after = desk.change(Role.CALL_TAKER, "PATCH", f"/v1/sites/{site}", wanted, found["version"])
    assert (after["peak_months"], after["peak_hours"]) == ([6, 12], [[11, 14], [17, 20]])
    wrong = desk.of(Role.CALL_TAKER).patch(
        f"/v1/sites/{site}", json={"peak_hours": [[14, 11]]}, headers={"If-Match": f'"{after["version"]}"'}
    )
    assert code_of(wrong) == (422, "PEAK_INVALID")
