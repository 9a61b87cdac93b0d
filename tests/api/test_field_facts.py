"""Breaks and facts that were taken back, as the desk reads them of visits, orders and days."""

from __future__ import annotations

from datetime import timedelta

from dispatch import clock
from dispatch.simulation.phone import PhoneClient
from dispatch.sync import protocol
from tests.api.company import Client, Company
from tests.api.in_the_field import a_visit, results


def test_breaks_stand_on_the_visits_time_line_and_on_the_day(
    company: Company, phone: PhoneClient, dispatcher: Client
) -> None:
    """R-509: those between setting out and the end at the visit, all of them at the technician's day."""
    visit_id = a_visit(company)
    phone.pull()
    now = clock.now()
    for minutes, kind in [
        (90, protocol.BREAK_START),
        (80, protocol.BREAK_END),
        (60, protocol.TRAVEL),
        (50, protocol.ARRIVE),
        (45, protocol.START),
        (30, protocol.BREAK_START),
        (20, protocol.BREAK_END),
        (5, protocol.BREAK_START),
    ]:
        about = None if kind.startswith("break") else visit_id
        phone.record(kind, visit_id=about, at=now - timedelta(minutes=minutes))
    phone.push()
    assert set(results(phone)) == {"applied"}
    file = dispatcher.get(f"/v1/visits/{visit_id}").json
    [first, last] = file["breaks"]
    assert first["ended_at"] is not None
    assert last["ended_at"] is None
    assert 10 * 60 + 5 * 60 <= file["break_seconds"] < 10 * 60 + 6 * 60 + 60
    days = f"first_day={now.date() - timedelta(days=1)}&last_day={now.date() + timedelta(days=1)}"
    roster = dispatcher.get(f"/v1/technicians/{file['technician_id']}/roster?{days}").json
    assert roster["breaks"][-2:] == [first, last]
    assert len(roster["breaks"]) == 3


def test_what_was_taken_back_is_told_with_when_why_and_by_whom(
    company: Company, phone: PhoneClient, dispatcher: Client
) -> None:
    """R-204: the approval stays on the order, marked; a photograph stays on the list of files."""
    visit_id = a_visit(company)
    phone.pull()
    agreed = phone.record(
        protocol.APPROVAL,
        visit_id=visit_id,
        payload={"amount": "80.00", "currency": "EUR", "approved_by_name": "C", "method": "phone"},
    )
    phone.attach(visit_id, b"%PDF-1.4 x", "application/pdf", purpose="before")
    [kept] = [one for one in phone.store.operations() if one.body["type"] == protocol.DECLARE]
    sha256 = kept.body["payload"]["sha256"]
    phone.record(protocol.APPROVAL_VOID, visit_id=visit_id, payload={"of": agreed, "reason": "another order"})
    phone.record(protocol.FILE_VOID, visit_id=visit_id, payload={"sha256": sha256, "reason": "blurred"})
    phone.push()
    assert results(phone) == ["applied"] * 4
    assert phone.store.files_to_send() == []
    file = dispatcher.get(f"/v1/visits/{visit_id}").json
    told = [(one["subject"], one["what"], one["reason"]) for one in file["withdrawals"]]
    assert told == [("approval", "80.00 EUR", "another order"), ("file", sha256, "blurred")]
    assert all(one["withdrawn_by_name"] for one in file["withdrawals"])
    [approval] = dispatcher.get(f"/v1/work-orders/{file['work_order_id']}").json["approvals"]
    assert (approval["id"], approval["withdrawn_reason"]) == (
        file["withdrawals"][0]["subject_id"],
        "another order",
    )
    [listed] = dispatcher.get(f"/v1/visits/{visit_id}/files").json["items"]
    assert listed["withdrawn_at"] is not None
