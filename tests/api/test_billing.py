"""Settlements, invoices, payments and tariffs through the API."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from dispatch import db
from dispatch.access.rules import Role
from dispatch.billing.crediting import take_back
from tests.api.company import key
from tests.api.desk import NOWHERE, Desk, ago, code_of, euros, run_jobs


def test_a_verified_visit_becomes_an_invoice_with_a_paper_that_never_changes(desk: Desk) -> None:
    """R-601, R-602: lines with payers, a number, and the same bytes whoever asks."""
    assessment = desk.verified()
    assert run_jobs("billing.settle") == 1
    [settlement] = desk.read(Role.FINANCE, "/v1/settlements?state=approved")["items"]
    assert {(line["kind"], line["payer"]) for line in settlement["lines"]} == {
        ("labour", "customer"),
        ("travel", "customer"),
    }
    address = f"/v1/invoices?work_order_id={assessment['work_order_id']}"
    run_jobs("billing.issue_invoice")
    [invoice] = desk.read(Role.FINANCE, address)["items"]
    assert invoice["number"].endswith("-000001")
    assert invoice["due"] == invoice["gross"] == euros("60.00")
    paper = f"/v1/invoices/{invoice['id']}/paper.pdf"
    assert code_of(desk.of(Role.FINANCE).get(paper)) == (404, "INVOICE_NOT_RENDERED")
    run_jobs("billing.render_invoice")
    answer = desk.of(Role.FINANCE).get(paper)
    assert answer.data.startswith(b"%PDF")
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{invoice["number"]}.pdf"'
    assert desk.of(Role.SUPERVISOR).get(paper).data == answer.data
    again = desk.of(Role.FINANCE).get(paper, headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_a_payment_settles_its_invoice_and_gets_a_receipt_number(desk: Desk) -> None:
    invoice = desk.invoiced()
    address = f"/v1/work-orders/{invoice['work_order_id']}/payments"
    body = {"method": "transfer", "amount": invoice["due"], "received_at": ago(0), "reference": "R1"}
    headers = key()
    first = desk.of(Role.FINANCE).post(address, json=body, headers=headers)
    repeated = desk.of(Role.FINANCE).post(address, json=body, headers=headers)
    assert (first.status_code, repeated.get_json()) == (201, first.get_json())
    assert first.get_json()["receipt_number"] == "RCT-000001"
    assert desk.read(Role.FINANCE, f"/v1/invoices/{invoice['id']}")["due"] == euros("0.00")
    assert len(desk.read(Role.FINANCE, "/v1/payments")["items"]) == 1
    assert len(desk.read(Role.FINANCE, address)["items"]) == 1


def test_a_technician_collects_in_the_own_name_alone(desk: Desk) -> None:
    order = desk.worked()["work_order_id"]
    body = {"method": "cash", "amount": euros("10.00"), "received_at": ago(0), "technician_id": NOWHERE}
    payment = desk.made(Role.TECHNICIAN, f"/v1/work-orders/{order}/payments", body)
    assert payment["technician_id"] == desk.technician


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"amount": {"amount": "5.00", "currency": "USD"}}, (422, "CURRENCY_MISMATCH")),
        ({"amount": euros("-5.00")}, (422, "PAYMENT_INVALID")),
        ({"amount": euros("5.001")}, (422, "REQUEST_INVALID")),
        ({"method": "shells"}, (422, "REQUEST_INVALID")),
        ({"received_at": "2026-03-02T08:00:00"}, (422, "TIME_WITHOUT_ZONE")),
        ({"technician_id": NOWHERE}, (404, "NOT_FOUND")),
        ({"receipt_number": "RCT-1"}, (422, "REQUEST_INVALID")),
    ],
)
def test_a_bad_payment_is_refused_by_name_and_nothing_is_written(
    desk: Desk, changes: dict[str, Any], refusal: tuple[int, str]
) -> None:
    order = desk.assessment()["work_order_id"]
    body = {"method": "cash", "amount": euros("5.00"), "received_at": ago(0)} | changes
    assert code_of(desk.post(Role.FINANCE, f"/v1/work-orders/{order}/payments", body)) == refusal
    assert desk.read(Role.FINANCE, "/v1/payments")["items"] == []


def test_a_settlement_far_above_the_estimate_waits_for_a_person(desk: Desk) -> None:
    """R-204: more than a tenth beyond what was told, without an approval."""
    desk.tariff()
    told = desk.told() | {"labour": euros("1.00"), "travel": euros("1.00")}
    desk.told = lambda: told  # type: ignore[method-assign]
    desk.verified()
    run_jobs("billing.")
    [settlement] = desk.read(Role.SUPERVISOR, "/v1/settlements?state=review")["items"]
    assert settlement["review_reason"].startswith("R-204")
    path = f"/v1/settlements/{settlement['id']}/approve"
    stale = desk.of(Role.SUPERVISOR).post(path, json={}, headers={"If-Match": '"9"'})
    assert code_of(stale) == (412, "STALE")
    approved = desk.change(Role.SUPERVISOR, "POST", path, {}, settlement["version"])
    assert approved["state"] == "approved"
    again = desk.of(Role.SUPERVISOR).post(path, json={}, headers={"If-Match": f'"{approved["version"]}"'})
    assert code_of(again) == (409, "SETTLEMENT_NOT_IN_REVIEW")


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"travel_fee": {"amount": "1.00", "currency": "USD"}}, (422, "CURRENCY_MISMATCH")),
        ({"labour_per_hour": euros("-1.00")}, (422, "PRICE_INVALID")),
        ({"tax_rate": "1.5"}, (422, "AMOUNT_INVALID")),
        ({"tax_rate": 0.2}, (422, "REQUEST_INVALID")),
        ({"code": "has blanks"}, (422, "TEXT_INVALID")),
    ],
)
def test_a_bad_tariff_is_refused_by_name(
    desk: Desk, changes: dict[str, Any], refusal: tuple[int, str]
) -> None:
    body = {
        "code": "T2",
        "valid_from": "2020-01-02",
        "labour_per_hour": euros("60.00"),
        "travel_fee": euros("20.00"),
        "tax_rate": "0.20",
    }
    assert code_of(desk.post(Role.FINANCE, "/v1/tariffs", body | changes)) == refusal
    assert desk.read(Role.FINANCE, "/v1/tariffs")["items"] == []


def test_a_tariff_is_added_once(desk: Desk) -> None:
    tariff = desk.tariff()
    assert tariff["tax_rate"] == "0.2"
    body = {
        name: tariff[name] for name in ("code", "valid_from", "labour_per_hour", "travel_fee", "tax_rate")
    }
    assert code_of(desk.post(Role.FINANCE, "/v1/tariffs", body)) == (409, "ALREADY_EXISTS")


def test_the_terms_of_a_tariff_are_the_companys_own(desk: Desk) -> None:
    """R-204 and R-404: what the rule book says is a default."""
    usual = desk.tariff()
    money = {name: usual[name] for name in ("labour_per_hour", "travel_fee", "tax_rate")}
    terms = {
        "minimum_minutes": 0,
        "increment_minutes": 1,
        "warranty_days": 730,
        "estimate_tolerance_percent": 5,
    }
    later = {"code": "NEXT", "valid_from": "2026-04-01", **money, **terms}
    shown = desk.made(Role.FINANCE, "/v1/tariffs", later)
    assert {name: shown[name] for name in terms} == terms
    assert (usual["warranty_days"], usual["estimate_tolerance_percent"]) == (1095, 10)


def test_a_credit_note_is_read_with_its_paper_and_its_invoice_is_owed_no_more(desk: Desk) -> None:
    """R-602."""
    invoice = desk.invoiced()
    with db.transaction() as session:
        take_back(session, settlement_id=uuid.UUID(invoice["settlement_id"]), reason="our fault")
    address = f"/v1/credit-notes?work_order_id={invoice['work_order_id']}"
    [note] = desk.read(Role.FINANCE, address)["items"]
    assert (note["gross"], note["invoice_id"]) == (invoice["gross"], invoice["id"])
    assert desk.read(Role.FINANCE, f"/v1/credit-notes/{note['id']}") == note
    after = desk.read(Role.FINANCE, f"/v1/invoices/{invoice['id']}")
    assert (after["credited"], after["due"]) == (invoice["gross"], euros("0.00"))
    paper = f"/v1/credit-notes/{note['id']}/paper.pdf"
    assert code_of(desk.of(Role.FINANCE).get(paper)) == (404, "INVOICE_NOT_RENDERED")
    run_jobs("billing.render_credit_note")
    assert desk.of(Role.FINANCE).get(paper).data.startswith(b"%PDF")
    assert desk.of(Role.TECHNICIAN).get(address).status_code == 403
