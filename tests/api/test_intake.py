"""Every channel of R-101 into a call, without losing anything on the way."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import select

from dispatch import db, outbox, scheduling
from dispatch.access.rules import Role
from dispatch.intake.model import Inquiry
from tests.api.desk import Desk, ago, code_of, run_jobs


def picture() -> bytes:
    """A photograph."""
    written = io.BytesIO()
    Image.new("RGB", (32, 16), (30, 200, 30)).save(written, "JPEG")
    return written.getvalue()


def form(**changes: Any) -> dict[str, Any]:
    """What a customer fills in."""
    return {
        "name": "Ada",
        "phone": "+377 93 15 20 20",
        "address": "1 Nowhere lane",
        "problem": "The boiler leaks.",
    } | changes


def upload(desk: Desk, path: str, content: bytes) -> Any:
    """Send a file without a login."""
    data = {"file": (io.BytesIO(content), "photo.jpg")}
    return desk.company.app.test_client().post(path, data=data, content_type="multipart/form-data")


def call_body(desk: Desk, **changes: Any) -> dict[str, Any]:
    """What a call taker adds to an inquiry."""
    body = desk.call_body(**changes)
    return {name: value for name, value in body.items() if name not in {"channel", "requested_at"}}


def test_a_web_form_with_a_photograph_becomes_a_call_and_the_photograph_goes_with_the_order(
    desk: Desk,
) -> None:
    """R-101, R-103: nothing is lost from the form to the technician."""
    anybody = desk.company.app.test_client()
    sent = anybody.post("/v1/intake/web-form", json=form())
    assert sent.status_code == 201, sent.get_data(as_text=True)
    path = f"/v1/intake/web-form/{sent.get_json()['upload']}/files"
    assert upload(desk, path, picture()).status_code == 201
    assert code_of(upload(desk, path, b"MZ not a picture")) == (422, "ATTACHMENT_REFUSED")
    [inquiry] = desk.read(Role.CALL_TAKER, "/v1/inquiries?state=new")["items"]
    assert inquiry["number"] == sent.get_json()["number"]
    assert (inquiry["channel"], inquiry["phone"]) == ("web", "+37793152020")
    files = desk.read(Role.CALL_TAKER, f"/v1/inquiries/{inquiry['id']}/files")["items"]
    shown = desk.of(Role.CALL_TAKER).get(f"/v1/inquiries/{inquiry['id']}/files/{files[0]['id']}")
    assert (len(files), shown.mimetype) == (1, "image/jpeg")
    call = desk.change(
        Role.CALL_TAKER,
        "POST",
        f"/v1/inquiries/{inquiry['id']}/call",
        call_body(desk),
        inquiry["version"],
        status=201,
    )
    assert (call["channel"], call["requested_at"]) == ("web", inquiry["requested_at"])
    body = {"told": desk.told()}
    visit = desk.made(Role.SUPERVISOR, f"/v1/calls/{call['id']}/assessment", body)["visit_id"]
    run_jobs("intake.")
    attached = desk.read(Role.DISPATCHER, f"/v1/visits/{visit}/attachments")["items"]
    assert [row["sha256"] for row in attached] == [files[0]["sha256"]]
    after = desk.read(Role.CALL_TAKER, f"/v1/inquiries/{inquiry['id']}")
    assert (after["state"], after["call_id"]) == ("registered", call["id"])
    again = desk.of(Role.CALL_TAKER).post(
        f"/v1/inquiries/{inquiry['id']}/call",
        json=call_body(desk),
        headers={"If-Match": f'"{after["version"]}"'},
    )
    assert code_of(again) == (409, "INQUIRY_HANDLED")
    assert code_of(upload(desk, path, picture())) == (409, "INQUIRY_HANDLED")


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"phone": None}, (422, "NOTHING_TO_ANSWER")),
        ({"problem": 5}, (422, "REQUEST_INVALID")),
        ({"language": "fr"}, (422, "REQUEST_INVALID")),
    ],
)
def test_a_form_that_nobody_could_answer_is_refused(
    desk: Desk, changes: dict[str, Any], refusal: tuple[int, str]
) -> None:
    answer = desk.company.app.test_client().post("/v1/intake/web-form", json=form(**changes))
    assert code_of(answer) == refusal


def test_a_telephone_number_that_nobody_can_read_is_kept_in_the_text(desk: Desk) -> None:
    sent = desk.company.app.test_client().post("/v1/intake/web-form", json=form(phone="call me maybe"))
    assert sent.status_code == 201
    [inquiry] = desk.read(Role.CALL_TAKER, "/v1/inquiries")["items"]
    assert inquiry["phone"] is None
    assert "call me maybe" in inquiry["body"]


def test_a_machine_that_fills_in_the_form_leaves_nothing(desk: Desk) -> None:
    sent = desk.company.app.test_client().post("/v1/intake/web-form", json=form(website="http://spam"))
    assert sent.status_code == 201
    assert desk.read(Role.CALL_TAKER, "/v1/inquiries")["items"] == []


@pytest.mark.parametrize("part", ["x", "AAAA", "-" * 50])
def test_an_upload_that_was_guessed_is_nowhere(desk: Desk, part: str) -> None:
    answer = upload(desk, f"/v1/intake/web-form/{part}/files", picture())
    assert code_of(answer) == (404, "LINK_INVALID")


def source(desk: Desk, **fields: Any) -> str:
    """A machine's key."""
    made = desk.made(Role.ADMIN, "/v1/intake/sources", {"code": desk.code("S"), **fields})
    key: str = made["key"]
    return key


def test_rings_come_in_any_order_and_the_first_answer_counts(desk: Desk) -> None:
    """R-102: the telephone system says when it rang and when somebody was there."""
    key = source(desk, kind="telephony")
    client = desk.company.app.test_client()

    def ring(**fields: Any) -> Any:
        body = {"ring_id": "r1", "rang_at": rang, "phone": "+377 93 15 20 20", **fields}
        return client.post("/v1/intake/rings", json=body, headers={"X-Intake-Key": key})

    rang, answered, later = ago(10), ago(9), ago(8)
    assert ring(answered_at=later).status_code == 200
    assert ring().status_code == 200
    first = ring(answered_at=answered).get_json()
    [inquiry] = desk.read(Role.CALL_TAKER, "/v1/inquiries")["items"]
    assert (inquiry["id"], inquiry["channel"]) == (first["id"], "phone")
    assert inquiry["answered_at"][:16] == answered[:16].replace("+00:00", "Z")
    call = desk.change(
        Role.CALL_TAKER,
        "POST",
        f"/v1/inquiries/{inquiry['id']}/call",
        call_body(desk),
        inquiry["version"],
        status=201,
    )
    assert (call["channel"], call["requested_at"]) == ("phone", inquiry["requested_at"])
    assert call["answered_at"] == inquiry["answered_at"]


def test_a_telephone_that_nobody_picks_up_is_a_reminder_until_somebody_does(desk: Desk) -> None:
    """R-102: nobody can tell where the caller is, so every territory hears; each moment is looked at."""
    key, client = source(desk, kind="telephony"), desk.company.app.test_client()
    body = {"ring_id": "r1", "rang_at": ago(1)}
    client.post("/v1/intake/rings", json=body, headers={"X-Intake-Key": key})
    [inquiry] = desk.read(Role.CALL_TAKER, "/v1/inquiries")["items"]
    assert run_jobs("intake.remind") == 2
    reminders = f"/v1/territories/{desk.territory}/reminders"
    found = desk.read(Role.CALL_TAKER, reminders)["items"]
    assert {(each["kind"], each["level"], each["role"]) for each in found} == {
        ("answer", 1, "call_taker"),
        ("answer", 2, "supervisor"),
    }
    assert {each["subject"] for each in found} == {f"{inquiry['id']}:{desk.territory}"}
    client.post("/v1/intake/rings", json=body | {"answered_at": ago(0)}, headers={"X-Intake-Key": key})
    assert desk.read(Role.CALL_TAKER, reminders)["items"] == []


def test_who_waits_for_an_answer_is_looked_at_by_the_schedule(desk: Desk) -> None:
    """R-102: an hour for the web form; after half of it the call taker hears."""
    assert desk.company.app.test_client().post("/v1/intake/web-form", json=form()).status_code == 201
    reminders = f"/v1/territories/{desk.territory}/reminders"
    scheduling.tick()
    assert run_jobs("intake.remind") == 1
    assert desk.read(Role.CALL_TAKER, reminders)["items"] == []
    with db.transaction() as session:
        inquiry = session.scalars(select(Inquiry)).one()
        inquiry.requested_at = inquiry.received_at - timedelta(hours=25)
        outbox.request(session, "intake.remind", "later", {})
    assert run_jobs("intake.remind") == 1
    assert [each["level"] for each in desk.read(Role.CALL_TAKER, reminders)["items"]] == [1, 2]


def test_a_caller_who_gave_up_waits_to_be_called_back(desk: Desk) -> None:
    key = source(desk, kind="telephony")
    body = {"ring_id": "r1", "rang_at": ago(3), "hung_up_at": ago(2)}
    desk.company.app.test_client().post("/v1/intake/rings", json=body, headers={"X-Intake-Key": key})
    [inquiry] = desk.read(Role.CALL_TAKER, "/v1/inquiries?state=new")["items"]
    assert inquiry["subject"] == "gave up before anybody answered"
    gone = desk.change(
        Role.CALL_TAKER,
        "POST",
        f"/v1/inquiries/{inquiry['id']}/dismissal",
        {"reason": "called back, wrong number"},
        inquiry["version"],
    )
    assert (gone["state"], gone["note"]) == ("dismissed", "called back, wrong number")


def test_an_alarm_of_known_equipment_is_a_call_at_once_and_a_second_one_is_none(desk: Desk) -> None:
    """R-101: a device reports by itself."""
    key = source(desk, kind="alarm", template=desk.template()["code"])
    asset = desk.call()["asset_id"]
    serial = desk.read(Role.CALL_TAKER, f"/v1/assets/{asset}")["serial"]
    [call] = desk.read(Role.CALL_TAKER, "/v1/calls")["items"]
    desk.change(Role.CALL_TAKER, "POST", f"/v1/calls/{call['id']}/cancel", {}, call["version"])

    def alarm(number: str, at: str = serial) -> dict[str, Any]:
        body = {"alarm_id": number, "raised_at": ago(1), "serial": at, "message": "pressure"}
        answer = desk.company.app.test_client().post(
            "/v1/intake/alarms", json=body, headers={"X-Intake-Key": key}
        )
        assert answer.status_code == 200, answer.get_data(as_text=True)
        shown: dict[str, Any] = answer.get_json()
        return shown

    first = alarm("a1")
    assert first["state"] == "registered"
    made = desk.read(Role.CALL_TAKER, f"/v1/calls/{first['call_id']}")
    assert (made["channel"], made["asset_id"], made["description"]) == ("alarm", asset, "pressure")
    assert alarm("a1") == first
    second = alarm("a2")
    assert (second["state"], second["call_id"]) == ("dismissed", None)
    unknown = alarm("a3", "no-such-serial")
    assert unknown["state"] == "new"


def test_an_alarm_that_cannot_be_registered_waits_for_a_person(desk: Desk) -> None:
    template = desk.template()
    key = source(desk, kind="alarm", template=template["code"])
    asset = desk.call()["asset_id"]
    serial = desk.read(Role.CALL_TAKER, f"/v1/assets/{asset}")["serial"]
    path = f"/v1/problem-templates/{template['code']}"
    desk.change(Role.SUPERVISOR, "PATCH", path, {"is_active": False}, template["version"])
    body = {"alarm_id": "a1", "raised_at": ago(1), "serial": serial}
    answer = desk.company.app.test_client().post(
        "/v1/intake/alarms", json=body, headers={"X-Intake-Key": key}
    )
    assert (answer.status_code, answer.get_json()["state"]) == (200, "new")
    [inquiry] = desk.read(Role.CALL_TAKER, "/v1/inquiries?state=new")["items"]
    assert "TEMPLATE_INACTIVE" in inquiry["note"]


def test_the_key_of_a_source_is_shown_once_even_when_asked_again(desk: Desk) -> None:
    body = {"code": "S-again", "kind": "alarm"}
    headers = {"Idempotency-Key": "the-same-key-twice"}
    first, again = (desk.of(Role.ADMIN).post("/v1/intake/sources", json=body, headers=headers) for _ in "ab")
    assert first.get_json()["key"]
    assert (again.status_code, again.get_json()["key"]) == (201, None)


@pytest.mark.parametrize("path", ["rings", "alarms"])
def test_a_key_that_nobody_gave_is_refused(desk: Desk, path: str) -> None:
    body: dict[str, Any] = {"ring_id": "r", "rang_at": ago(1)}
    if path == "alarms":
        body = {"alarm_id": "a", "raised_at": ago(1), "serial": "s"}
    other = source(desk, kind="alarm" if path == "rings" else "telephony")
    for key in ("", "guess", other):
        answer = desk.company.app.test_client().post(
            f"/v1/intake/{path}", json=body, headers={"X-Intake-Key": key}
        )
        expected = (403, "INTAKE_KEY_UNKNOWN") if key else (401, "INTAKE_KEY_MISSING")
        assert code_of(answer) == expected


def test_a_source_that_was_switched_off_reports_no_more(desk: Desk) -> None:
    key = source(desk, kind="telephony")
    [found] = desk.read(Role.ADMIN, "/v1/intake/sources")["items"]
    assert "key" not in found
    path = f"/v1/intake/sources/{found['id']}"
    desk.change(Role.ADMIN, "PATCH", path, {"is_active": False}, found["version"])
    body = {"ring_id": "r", "rang_at": ago(1)}
    answer = desk.company.app.test_client().post("/v1/intake/rings", json=body, headers={"X-Intake-Key": key})
    assert code_of(answer) == (403, "INTAKE_KEY_UNKNOWN")


def test_somebody_at_the_counter_is_timed_from_the_first_moment(desk: Desk) -> None:
    """R-102."""
    body = {"channel": "counter", "reference": "ticket 7", "requested_at": ago(6)}
    first = desk.made(Role.CALL_TAKER, "/v1/inquiries", body)
    assert first["answered_at"] is None
    again = desk.made(Role.CALL_TAKER, "/v1/inquiries", body | {"answered_at": ago(3)})
    assert (again["id"], again["answered_at"] is None) == (first["id"], False)


def test_a_call_is_closed_by_an_article_with_a_picture(desk: Desk) -> None:
    """R-202: words and pictures help, and nobody drives."""
    body = {
        "code": "reset",
        "title_en": "Reset the boiler",
        "title_zh": "重启锅炉",
        "body_en": "Press the red button.",
        "body_zh": "按红色按钮。",
    }
    article = desk.made(Role.SUPERVISOR, "/v1/guidance-articles", body)
    data = {"file": (io.BytesIO(picture()), "button.jpg")}
    added = desk.of(Role.SUPERVISOR).post(
        "/v1/guidance-articles/reset/pictures",
        data=data,
        content_type="multipart/form-data",
        headers={"Idempotency-Key": "picture-of-the-button"},
    )
    assert added.status_code == 201, added.get_data(as_text=True)
    call = desk.call()
    answer = {"resolution": "guidance", "judgement": {"article": "reset"}}
    judged = desk.made(Role.SUPERVISOR, f"/v1/calls/{call['id']}/assessment", answer)
    assert (judged["work_order_id"], judged["article_code"]) == (None, "reset")
    assert desk.read(Role.CALL_TAKER, f"/v1/calls/{call['id']}")["state"] == "closed_remotely"
    anybody = desk.company.app.test_client()
    shown = anybody.get("/v1/guidance-articles/reset").get_json()
    assert (shown["title_zh"], len(shown["pictures"])) == ("重启锅炉", 1)
    assert anybody.get("/v1/guidance-articles/reset/pictures/0").mimetype == "image/jpeg"
    run_jobs("messages.write")
    told = desk.read(Role.SUPERVISOR, "/v1/messages")["items"]
    [message] = [each for each in told if "Press the red button." in each["body"]]
    assert "Reset the boiler" in message["body"]
    back = desk.read(Role.CALL_TAKER, f"/v1/calls/{call['id']}")["read_back"]
    assert back["guidance_en"] == "Press the red button."
    desk.change(
        Role.SUPERVISOR,
        "PATCH",
        "/v1/guidance-articles/reset",
        {"is_active": False},
        desk.read(Role.SUPERVISOR, "/v1/guidance-articles")["items"][0]["version"],
    )
    assert anybody.get("/v1/guidance-articles/reset").status_code == 404
    other = desk.call()
    refused = desk.post(Role.SUPERVISOR, f"/v1/calls/{other['id']}/assessment", answer)
    assert code_of(refused) == (422, "ARTICLE_UNKNOWN")
    assert article["pictures"] == []


def test_a_question_from_the_field_is_answered_in_time(desk: Desk) -> None:
    """R-403: a day; an hour after "I must check"; one definite answer."""
    visit = desk.assessment()["visit_id"]
    asked = desk.made(Role.DISPATCHER, f"/v1/visits/{visit}/questions", {"question": "Which valve?"})
    [waiting] = desk.read(Role.SUPERVISOR, f"/v1/territories/{desk.territory}/questions")["items"]
    assert waiting["id"] == asked["id"]
    checking = desk.made(Role.SUPERVISOR, f"/v1/questions/{asked['id']}/checking", {})
    assert checking["due_at"] < asked["due_at"]
    done = desk.made(Role.SUPERVISOR, f"/v1/questions/{asked['id']}/answer", {"answer": "The 3/4 inch."})
    assert done["answer"] == "The 3/4 inch."
    again = desk.post(Role.SUPERVISOR, f"/v1/questions/{asked['id']}/answer", {"answer": "No."})
    assert code_of(again) == (409, "QUESTION_ANSWERED")
    assert desk.read(Role.SUPERVISOR, f"/v1/territories/{desk.territory}/questions")["items"] == []
