"""Work orders, visits, papers and cases through the API."""

from __future__ import annotations

import io
import uuid
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import select
from werkzeug.test import TestResponse

from dispatch import db
from dispatch.access.rules import Role
from dispatch.parts.model import Part
from dispatch.work_orders import commands
from dispatch.work_orders.model import Visit
from tests import builders
from tests.api.company import key
from tests.api.desk import NOWHERE, Desk, code_of, euros
from tests.builders import part_use


def picture(width: int = 40, height: int = 30) -> bytes:
    """A small photograph."""
    written = io.BytesIO()
    Image.new("RGB", (width, height), (200, 30, 30)).save(written, "JPEG")
    return written.getvalue()


def upload(
    desk: Desk, visit: str, content: bytes, role: Role = Role.TECHNICIAN, **fields: Any
) -> TestResponse:
    form = {"file": (io.BytesIO(content), "../../photo.jpg"), **fields}
    return desk.of(role).post(f"/v1/visits/{visit}/attachments", data=form, headers=key())


def test_an_order_shows_its_visits_promises_and_every_step(desk: Desk) -> None:
    assessment = desk.worked()
    order = desk.read(Role.SUPERVISOR, f"/v1/work-orders/{assessment['work_order_id']}")
    assert (order["state"], order["estimate"]) == ("done", euros("80.00"))
    assert [visit["state"] for visit in order["visits"]] == ["done"]
    assert [step["to_state"] for step in order["timeline"]] == [
        "planned",
        "published",
        "travelling",
        "on_site",
        "working",
        "done",
    ]
    assert len(order["promises"]) == 1
    listed = desk.read(Role.DISPATCHER, f"/v1/work-orders?state=done&territory_id={desk.territory}")
    assert [one["id"] for one in listed["items"]] == [order["id"]]
    assert desk.read(Role.DISPATCHER, f"/v1/work-orders?territory_id={NOWHERE}")["items"] == []


def test_a_technician_sees_the_own_published_visits_and_no_others(desk: Desk) -> None:
    assessment = desk.promised()
    visit = f"/v1/visits/{assessment['visit_id']}"
    assert code_of(desk.of(Role.TECHNICIAN).get(visit)) == (404, "NOT_FOUND")
    assert desk.read(Role.TECHNICIAN, "/v1/visits")["items"] == []
    published = desk.published()
    listed = desk.read(Role.TECHNICIAN, "/v1/visits")["items"]
    assert published["visit_id"] in {one["id"] for one in listed}


def test_the_named_supervisor_confirms_a_part_and_the_file_shows_names(desk: Desk) -> None:
    """R-507: others are refused; the timeline and the part name people, not ids alone."""
    visit_id = desk.published()["visit_id"]
    boss = uuid.UUID(desk.of(Role.SUPERVISOR).user_id)
    with db.transaction() as session:
        visit = session.get_one(Visit, uuid.UUID(visit_id))
        part = builders.a_part(session, is_approved=False)
        use = commands.use_part(
            session,
            by=None,
            visit=visit,
            sku=part.sku,
            direction="in",
            quantity=1,
            unapproved_reason="none left",
            approved_by=boss,
        )
        path = f"/v1/part-uses/{use.id}/approval"
    [case] = desk.read(Role.SUPERVISOR, "/v1/review-cases?mine=true")["items"]
    assert (case["kind"], case["assigned_to"]) == ("approve_part", str(boss))
    assert desk.read(Role.DISPATCHER, "/v1/review-cases?mine=true")["items"] == []
    decision = f"/v1/review-cases/{case['id']}/decision"
    refused = desk.post(Role.DISPATCHER, decision, {"decision": "fine"})
    assert code_of(refused) == (403, "APPROVER_DECIDES")
    assert code_of(desk.post(Role.DISPATCHER, path, {"is_confirmed": True}))[0] == 403
    assert code_of(desk.post(Role.SUPERVISOR, path, {"is_confirmed": False})) == (422, "REASON_MISSING")
    confirmed = desk.made(Role.SUPERVISOR, path, {"is_confirmed": True}, status=200)
    name = desk.of(Role.SUPERVISOR).get("/v1/auth/me").get_json()["display_name"]
    assert (confirmed["approval"], confirmed["approved_by_name"]) == ("confirmed", name)
    shown = desk.read(Role.SUPERVISOR, f"/v1/visits/{visit_id}")
    assert [use["approval"] for use in shown["part_uses"]] == ["confirmed"]
    published = shown["timeline"][-1]
    assert published["technician_name"] == "Technician North"
    assert published["user_name"]


def test_a_verified_record_needs_the_version_that_was_read(desk: Desk) -> None:
    visit = desk.worked()["visit_id"]
    path = f"/v1/visits/{visit}/verify"
    assert code_of(desk.of(Role.SUPERVISOR).post(path)) == (428, "IF_MATCH_MISSING")
    assert code_of(desk.of(Role.SUPERVISOR).post(path, headers={"If-Match": '"1"'})) == (412, "STALE")
    shown = desk.read(Role.SUPERVISOR, f"/v1/visits/{visit}")
    assert shown["findings"][0]["advised"] == ["New valve"]
    assert shown["reports"][0]["waiver_reason"] == "nobody at home"
    verified = desk.change(Role.SUPERVISOR, "POST", path, {}, shown["version"])
    assert verified["state"] == "verified"
    again = desk.of(Role.SUPERVISOR).post(path, headers={"If-Match": f'"{verified["version"]}"'})
    assert code_of(again) == (409, "TRANSITION_REFUSED")


def test_a_finished_visit_is_reopened_with_a_reason(desk: Desk) -> None:
    visit = f"/v1/visits/{desk.worked()['visit_id']}"
    version = desk.read(Role.SUPERVISOR, visit)["version"]
    empty = desk.of(Role.SUPERVISOR).post(
        f"{visit}/reopen", json={"reason": " "}, headers={"If-Match": f'"{version}"'}
    )
    assert code_of(empty) == (422, "REQUEST_INVALID")
    opened = desk.change(Role.SUPERVISOR, "POST", f"{visit}/reopen", {"reason": "wrong part"}, version)
    assert opened["state"] == "working"


def test_a_visit_and_an_order_are_called_off(desk: Desk) -> None:
    first, second = desk.promised(), desk.assessment()
    visit = f"/v1/visits/{first['visit_id']}"
    version = desk.read(Role.DISPATCHER, visit)["version"]
    body = {"reason": "repaired by itself"}
    assert desk.change(Role.DISPATCHER, "POST", f"{visit}/cancel", body, version)["state"] == "cancelled"
    order = f"/v1/work-orders/{second['work_order_id']}"
    version = desk.read(Role.DISPATCHER, order)["version"]
    assert desk.change(Role.DISPATCHER, "POST", f"{order}/cancel", body, version)["state"] == "cancelled"


def test_an_order_waits_for_a_part_and_goes_on(desk: Desk) -> None:
    """R-801, decision 15: a flag with its clock, not a state."""
    order = f"/v1/work-orders/{desk.assessment()['work_order_id']}"
    version = desk.read(Role.DISPATCHER, order)["version"]
    waiting = desk.change(Role.DISPATCHER, "POST", f"{order}/waiting", {"reason": "part"}, version)
    assert (waiting["waiting_reason"], waiting["state"]) == ("part", "open")
    assert waiting["waiting_since"]
    going = desk.change(Role.DISPATCHER, "POST", f"{order}/waiting", {"reason": None}, waiting["version"])
    assert (going["waiting_reason"], going["waiting_since"]) == (None, None)
    wrong = desk.of(Role.DISPATCHER).post(
        f"{order}/waiting", json={"reason": "mood"}, headers={"If-Match": f'"{going["version"]}"'}
    )
    assert code_of(wrong) == (422, "REQUEST_INVALID")


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({}, None),
        ({"amount": {"amount": "90.00", "currency": "USD"}}, (422, "CURRENCY_MISMATCH")),
        ({"amount": euros("-90.00")}, (422, "AMOUNT_INVALID")),
        ({"method": "wink"}, (422, "REQUEST_INVALID")),
        ({"approved_by_name": "x" * 10_000}, (422, "REQUEST_INVALID")),
        ({"approved_by": NOWHERE}, (422, "REQUEST_INVALID")),
    ],
)
def test_work_beyond_the_estimate_is_approved_by_name(
    desk: Desk, changes: dict[str, Any], refusal: tuple[int, str] | None
) -> None:
    """R-204."""
    order = f"/v1/work-orders/{desk.assessment()['work_order_id']}"
    body = {"amount": euros("90.00"), "approved_by_name": "Customer", "method": "phone"} | changes
    answer = desk.post(Role.SUPERVISOR, f"{order}/approvals", body)
    approvals = desk.read(Role.SUPERVISOR, order)["approvals"]
    if refusal is None:
        assert answer.get_json()["amount"] == euros("90.00")
        assert len(approvals) == 1
    else:
        assert (code_of(answer), approvals) == (refusal, [])


def test_an_unsolved_fault_gets_another_visit(desk: Desk) -> None:
    assessment = desk.worked(is_solved=False)
    order = f"/v1/work-orders/{assessment['work_order_id']}"
    body: dict[str, Any] = {"needs": {"duration_minutes": 90, "parts": {"NO-SUCH": 1}}}
    assert code_of(desk.post(Role.DISPATCHER, f"{order}/visits", body)) == (422, "PART_UNKNOWN")
    desk.part()
    body["needs"]["parts"] = {"PUMP": -2}
    assert code_of(desk.post(Role.DISPATCHER, f"{order}/visits", body)) == (422, "QUANTITY_INVALID")
    body["needs"]["parts"] = {"PUMP": 1}
    visit = desk.made(Role.DISPATCHER, f"{order}/visits", body)
    assert (visit["attempt"], visit["duration_minutes"], visit["parts"]) == (2, 90, {"PUMP": 1})
    again = desk.post(Role.DISPATCHER, f"{order}/visits", {})
    assert code_of(again)[0] == 409


def test_needs_and_priority_are_changed_before_anybody_sets_out(desk: Desk) -> None:
    assessment = desk.assessment()
    visit = f"/v1/visits/{assessment['visit_id']}"
    version = desk.read(Role.DISPATCHER, visit)["version"]
    needs = {"duration_minutes": 120, "required_technician_id": desk.technician}
    changed = desk.change(Role.DISPATCHER, "PUT", f"{visit}/needs", needs, version)
    assert (changed["duration_minutes"], changed["required_technician_id"]) == (120, desk.technician)
    order = f"/v1/work-orders/{assessment['work_order_id']}"
    version = desk.read(Role.DISPATCHER, order)["version"]
    assert desk.change(Role.DISPATCHER, "PATCH", order, {"priority": 4}, version)["priority"] == 4


def test_the_papers_of_a_visit_are_printed_in_both_languages(desk: Desk) -> None:
    """R-502, R-509: order sheet and signed report."""
    visit = f"/v1/visits/{desk.worked()['visit_id']}"
    for paper in ("sheet.pdf", "report.pdf"):
        english, chinese = (
            desk.of(Role.TECHNICIAN).get(f"{visit}/{paper}?language={language}") for language in ("en", "zh")
        )
        assert english.data[:5] == chinese.data[:5] == b"%PDF-"
        assert english.data != chinese.data
        assert english.headers["Content-Disposition"].startswith("attachment; filename=")
        assert english.headers["X-Content-Type-Options"] == "nosniff"
    again = desk.of(Role.SUPERVISOR).get(f"{visit}/report.pdf?language=en")
    assert again.headers["ETag"]
    unknown = desk.of(Role.TECHNICIAN).get(f"{visit}/sheet.pdf?language=fr")
    assert code_of(unknown) == (422, "REQUEST_INVALID")


def test_a_report_before_the_record_is_signed_is_missing_by_name(desk: Desk) -> None:
    visit = desk.assessment()["visit_id"]
    answer = desk.of(Role.DISPATCHER).get(f"/v1/visits/{visit}/report.pdf")
    assert code_of(answer) == (404, "REPORT_MISSING")


def test_a_photograph_is_kept_once_and_served_to_be_saved(desk: Desk) -> None:
    """S14: written anew, named by us, never shown in place."""
    visit = desk.worked()["visit_id"]
    stored = upload(desk, visit, picture())
    assert stored.status_code == 201, stored.get_data(as_text=True)
    shown = stored.get_json()
    assert upload(desk, visit, picture()).get_json()["id"] == shown["id"]
    served = desk.of(Role.SUPERVISOR).get(f"/v1/attachments/{shown['id']}")
    assert served.mimetype == "image/jpeg"
    assert served.headers["Content-Disposition"] == f'attachment; filename="{shown["id"]}.jpg"'
    assert served.headers["X-Content-Type-Options"] == "nosniff"
    assert Image.open(io.BytesIO(served.data)).size == (40, 30)
    assert len(desk.read(Role.SUPERVISOR, f"/v1/visits/{visit}/attachments")["items"]) == 1


def test_what_is_no_picture_is_refused_and_nothing_is_kept(desk: Desk) -> None:
    """S14: the content decides, not the name."""
    visit = desk.worked()["visit_id"]
    for content in (b"", b"<svg/>", b"\xff\xd8\xff not a jpeg", b"PK\x03\x04"):
        assert code_of(upload(desk, visit, content)) == (422, "ATTACHMENT_REFUSED")
    extra = upload(desk, visit, picture(), approved_by="me")
    assert code_of(extra) == (422, "REQUEST_INVALID")
    assert "approved_by" in extra.get_json()["errors"]
    nothing = desk.of(Role.TECHNICIAN).post(f"/v1/visits/{visit}/attachments", headers=key())
    assert code_of(nothing) == (422, "REQUEST_INVALID")
    assert desk.read(Role.SUPERVISOR, f"/v1/visits/{visit}/attachments")["items"] == []


def test_a_file_larger_than_the_usual_body_is_taken_and_a_huge_one_is_not(desk: Desk) -> None:
    visit = desk.worked()["visit_id"]
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n\r\n%PDF-1.7\n'
    for size, status in ((3_000_000, 201), (25 * 1024 * 1024 + 20_000, 413)):
        answer = desk.of(Role.TECHNICIAN).post(
            f"/v1/visits/{visit}/attachments",
            data=head + b"0" * size + b"\r\n--x--\r\n",
            content_type="multipart/form-data; boundary=x",
            headers=key(),
        )
        assert answer.status_code == status
    assert answer.get_json()["code"] == "BODY_TOO_LARGE"


def test_a_contradiction_is_decided_once_and_lifts_the_hold(desk: Desk) -> None:
    visit_id = desk.worked()["visit_id"]
    with db.transaction() as session:
        visit = session.get_one(Visit, uuid.UUID(visit_id))
        commands.open_case(
            session, by=None, visit=visit, kind="double_attendance", detail={"a": 1}, hold_billing=True
        )
    [case] = desk.read(Role.DISPATCHER, "/v1/review-cases?open=true")["items"]
    version = desk.read(Role.DISPATCHER, f"/v1/visits/{visit_id}")["version"]
    held = desk.of(Role.SUPERVISOR).post(
        f"/v1/visits/{visit_id}/verify", headers={"If-Match": f'"{version}"'}
    )
    assert code_of(held) == (409, "BILLING_HELD")
    path = f"/v1/review-cases/{case['id']}/decision"
    decided = desk.made(Role.DISPATCHER, path, {"decision": "both were there"})
    assert decided["decision"] == "both were there"
    assert code_of(desk.post(Role.DISPATCHER, path, {"decision": "no"})) == (409, "CASE_DECIDED")
    assert desk.read(Role.DISPATCHER, "/v1/review-cases")["items"] == []
    assert desk.read(Role.DISPATCHER, "/v1/review-cases?open=false")["items"] == [decided]
    assert desk.read(Role.DISPATCHER, f"/v1/visits/{visit_id}")["billing_hold"] is False


def test_a_part_recorded_by_mistake_is_taken_back_with_a_reason(desk: Desk) -> None:
    """R-511: by the technician for the own visit, or by the desk; it counts no more."""
    desk.part()
    visit_id = desk.worked()["visit_id"]
    with db.transaction() as session:
        visit = session.get_one(Visit, uuid.UUID(visit_id))
        pump = session.scalars(select(Part).where(Part.sku == "PUMP")).one()
        uses = [part_use(session, visit, pump).id for _ in range(2)]
    paths = [f"/v1/part-uses/{use}/void" for use in uses]
    for role in (Role.CALL_TAKER, Role.FINANCE):
        assert code_of(desk.post(role, paths[0], {"reason": "wrong pump"})) == (403, "ROLE_FORBIDDEN")
    assert code_of(desk.post(Role.TECHNICIAN, paths[0], {})) == (422, "REQUEST_INVALID")
    for role, path, use in zip((Role.TECHNICIAN, Role.SUPERVISOR), paths, uses, strict=True):
        assert desk.made(role, path, {"reason": "wrong pump"}, 200)["id"] == str(use)
    assert desk.read(Role.DISPATCHER, f"/v1/visits/{visit_id}")["part_uses"] == []
