"""What a day still lacks and what the office is reminded of, as the office sees it (R-304, R-802)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from dispatch import db, outbox, scheduling
from dispatch.access.rules import Role
from dispatch.promises.model import PromiseAlarm
from tests.api.desk import Desk, ago, day, run_jobs
from tests.api.test_alarms import seen


def test_the_evening_before_lists_what_lacks_and_reminds_until_it_is_mended(desk: Desk) -> None:
    """R-304: by the schedule; a van in the workshop, and back."""
    desk.published()
    rules = desk.read(Role.ADMIN, "/v1/house-rules")
    desk.change(Role.ADMIN, "PATCH", "/v1/house-rules", {"readiness_hour": 0}, rules["version"])
    path = f"/v1/technicians/{desk.technician}"
    before = desk.read(Role.DISPATCHER, path)
    assert before["has_van"] is True
    away = desk.change(Role.DISPATCHER, "PATCH", path, {"has_van": False}, before["version"])
    listing = f"/v1/territories/{desk.territory}/days/{day()}/readiness"
    reminders = f"/v1/territories/{desk.territory}/reminders"
    assert desk.read(Role.DISPATCHER, listing)["items"] == []
    scheduling.tick()
    assert run_jobs("planning.check_readiness") == 1
    gaps = desk.read(Role.DISPATCHER, listing)["items"]
    assert {(gap["code"], gap["technician_id"], gap["ended_at"]) for gap in gaps} == {
        ("VAN_MISSING", desk.technician, None)
    }
    [reminder] = desk.read(Role.DISPATCHER, reminders)["items"]
    assert (reminder["kind"], reminder["level"], reminder["role"]) == ("readiness", 1, "dispatcher")
    desk.change(Role.DISPATCHER, "PATCH", path, {"has_van": True}, away["version"])
    with db.transaction() as session:
        outbox.request(session, "planning.check_readiness", "again", {})
    run_jobs("planning.check_readiness")
    assert all(gap["ended_at"] for gap in desk.read(Role.DISPATCHER, listing)["items"])
    assert desk.read(Role.DISPATCHER, reminders)["items"] == []


def test_a_follow_up_that_waits_reminds_by_the_watch_and_ends_with_it(desk: Desk) -> None:
    """R-802."""
    seen(desk)
    with db.transaction() as session:
        alarm = session.scalars(select(PromiseAlarm)).one()
        alarm.outcome, alarm.ended_at = "broken", datetime.now(UTC) - timedelta(hours=25)
        alarm_id = str(alarm.id)
    scheduling.tick()
    run_jobs("planning.watch_promises")
    reminders = f"/v1/territories/{desk.territory}/reminders"
    [reminder] = desk.read(Role.SUPERVISOR, reminders)["items"]
    assert (reminder["kind"], reminder["subject"], reminder["level"]) == ("follow_up", alarm_id, 1)


def test_an_invoice_of_a_marked_customer_is_a_call_for_the_office(desk: Desk) -> None:
    """R-106: by the schedule, until it is paid."""
    invoice = desk.invoiced()
    order = desk.read(Role.DISPATCHER, f"/v1/work-orders/{invoice['work_order_id']}")
    path = f"/v1/customers/{order['customer_id']}"
    reminders = f"/v1/territories/{desk.territory}/reminders"
    scheduling.tick()
    assert run_jobs("billing.remind_of_help") == 1
    assert desk.read(Role.CALL_TAKER, reminders)["items"] == []
    before = desk.read(Role.CALL_TAKER, path)
    desk.change(Role.CALL_TAKER, "PATCH", path, {"needs_home_service": True}, before["version"])
    with db.transaction() as session:
        outbox.request(session, "billing.remind_of_help", "again", {})
    run_jobs("billing.remind_of_help")
    [reminder] = desk.read(Role.CALL_TAKER, reminders)["items"]
    assert (reminder["kind"], reminder["subject"]) == ("help_to_pay", invoice["id"])
    payment = {"method": "cash", "amount": invoice["due"], "received_at": ago(0)}
    desk.made(Role.FINANCE, f"/v1/work-orders/{invoice['work_order_id']}/payments", payment)
    with db.transaction() as session:
        outbox.request(session, "billing.remind_of_help", "once more", {})
    run_jobs("billing.remind_of_help")
    assert desk.read(Role.CALL_TAKER, reminders)["items"] == []
