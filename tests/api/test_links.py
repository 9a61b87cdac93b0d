"""What a customer does by the link in a message, without a login."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select

from dispatch import db
from dispatch.access.rules import Role
from dispatch.access.secret import installation_secret
from dispatch.messages import commands as messages
from dispatch.messages.model import Message
from dispatch.promises import linking
from dispatch.promises.model import CustomerAnswer, Promise
from tests.api.company import settings_of_tests
from tests.api.desk import Desk, code_of, local
from tests.api.test_booking import kept_for_emergencies, planned_at_a_business


def link_to(visit_id: str) -> str:
    """The address of a visit's link."""
    key = linking.signing_key(installation_secret(settings_of_tests()))
    return "/v1/links/" + linking.write(uuid.UUID(visit_id), key=key, now=datetime.now(UTC))


@pytest.fixture
def link(desk: Desk) -> str:
    """The link to a visit promised for tomorrow."""
    return link_to(desk.promised()["visit_id"])


def read(desk: Desk, link: str) -> dict[str, Any]:
    """What the customer sees."""
    answer = desk.company.anybody().get(link)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    shown: dict[str, Any] = answer.get_json()
    return shown


def answers() -> list[str]:
    """What customers said, in order."""
    with db.transaction() as session:
        found = session.scalars(select(CustomerAnswer.kind).order_by(CustomerAnswer.recorded_at))
        return list(found)


def test_a_customer_sees_the_own_visit_and_nothing_else(desk: Desk, link: str) -> None:
    shown = read(desk, link)
    assert set(shown) == {
        "number",
        "state",
        "address",
        "window",
        "technician",
        "confirmed_at",
        "can_change",
    }
    assert (shown["technician"], shown["confirmed_at"], shown["can_change"]) == (None, None, True)


def test_a_guessed_link_is_not_found(desk: Desk, link: str) -> None:
    del link
    stranger = desk.company.anybody()
    for wrong in ("/v1/links/none", link_to(str(uuid.uuid4()))):
        assert code_of(stranger.get(wrong)) == (404, "LINK_INVALID")
        assert code_of(stranger.post(wrong + "/confirmation")) == (404, "LINK_INVALID")


def test_confirming_twice_is_kept_once(desk: Desk, link: str) -> None:
    stranger = desk.company.anybody()
    first, second = (stranger.post(link + "/confirmation") for _ in range(2))
    assert first.get_json()["confirmed_at"] == second.get_json()["confirmed_at"]
    assert first.get_json()["confirmed_at"] is not None
    assert answers() == ["confirmed"]
    with db.transaction() as session:
        visit_id = session.scalars(select(Promise.visit_id)).one()
    [said] = desk.read(Role.DISPATCHER, f"/v1/visits/{visit_id}/customer-answers")["items"]
    assert (said["kind"], said["recorded_at"]) == ("confirmed", first.get_json()["confirmed_at"])


def test_a_window_is_chosen_and_promised_once_for_the_record(desk: Desk, link: str) -> None:
    """R-309: the ledger says that the customer moved it."""
    stranger = desk.company.anybody()
    windows = stranger.get(link + "/windows?days=2").get_json()["items"]
    assert set(windows[0]) == {"day", "window"}
    wanted = next(one["window"] for one in windows if one["window"] != read(desk, link)["window"])
    for _ in range(2):
        moved = stranger.post(link + "/window", json={"window": wanted})
        assert moved.status_code == 200, moved.get_data(as_text=True)
    assert moved.get_json()["window"] == wanted
    with db.transaction() as session:
        told = session.scalars(select(Promise).order_by(Promise.ordinal)).all()
        assert [(row.ordinal, row.reason, row.channel) for row in told] == [
            (1, "first", "phone"),
            (2, "customer_moved", "web"),
        ]
    assert answers() == ["moved"]


def test_a_visit_is_called_off_once(desk: Desk, link: str) -> None:
    stranger = desk.company.anybody()
    for _ in range(2):
        gone = stranger.post(link + "/cancellation", json={"reason": "it works again"})
        assert (gone.status_code, gone.get_json()["state"]) == (200, "cancelled")
    assert answers() == ["cancelled"]
    assert code_of(stranger.post(link + "/confirmation")) == (409, "CHANGE_TOO_LATE")
    assert code_of(stranger.post(link + "/window", json={"window": window_at(14)})) == (
        409,
        "CHANGE_TOO_LATE",
    )


def window_at(hour: int) -> dict[str, str]:
    """Two hours of the day after tomorrow."""
    return {"start": local(hour, days=2), "end": local(hour + 2, days=2)}


def local_at(hour: int, minute: int) -> str:
    """A local minute of tomorrow."""
    return local(hour).replace(":00", f":{minute:02d}", 1)


@pytest.mark.parametrize(
    "window",
    [
        (local_at(14, 0), local_at(14, 1)),
        (local_at(14, 30), local_at(16, 30)),
        (local(8), local(20)),
        (local(10, days=30), local(12, days=30)),
    ],
    ids=["a minute", "beside the grid", "half a day", "nobody on duty"],
)
def test_a_link_takes_only_a_window_of_its_list(desk: Desk, link: str, window: tuple[str, str]) -> None:
    stranger = desk.company.anybody()
    body = {"window": {"start": window[0], "end": window[1]}}
    refused = stranger.post(link + "/window", json=body)
    assert code_of(refused) == (409, "SLOT_GONE")
    fresh = refused.get_json()["cause"]["fresh"]
    assert fresh
    listed = [one["window"] for one in stranger.get(link + "/windows").get_json()["items"]]
    assert [datetime.fromisoformat(one["start"]) for one in fresh] == [
        datetime.fromisoformat(one["start"]) for one in listed[:5]
    ]
    assert answers() == []


@pytest.mark.parametrize("why", [kept_for_emergencies, planned_at_a_business])
def test_a_link_opens_neither_the_reserve_nor_quiet_times(desk: Desk, why: Any) -> None:
    """R-307, R-308."""
    visit_id = desk.promised()["visit_id"]
    link, stranger = link_to(visit_id), desk.company.anybody()
    why(desk, visit_id)
    assert stranger.get(link + "/windows").get_json()["items"] == []
    told = datetime.fromisoformat(read(desk, link)["window"]["start"])
    hour = 12 if told == datetime.fromisoformat(local(10)) else 10
    body = {"window": {"start": local(hour), "end": local(hour + 2)}}
    assert code_of(stranger.post(link + "/window", json=body)) == (409, "SLOT_GONE")
    assert answers() == []


def test_near_the_window_only_a_person_can_change_it(desk: Desk, link: str) -> None:
    stranger = desk.company.anybody()
    with db.transaction() as session:
        visit = linking.visit_of(
            session,
            link.rpartition("/")[2],
            key=linking.signing_key(installation_secret(settings_of_tests())),
        )
        visit.window_start = datetime.now(UTC)
    assert read(desk, link)["can_change"] is False
    assert code_of(stranger.get(link + "/windows")) == (409, "CHANGE_TOO_LATE")
    gone = stranger.post(link + "/cancellation", json={"reason": "too late"})
    assert code_of(gone) == (409, "CHANGE_TOO_LATE")


def test_twenty_confirmations_at_once_are_one(desk: Desk, link: str) -> None:
    clients = [desk.company.anybody() for _ in range(20)]
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda client: client.post(link + "/confirmation").status_code, clients))
    assert set(found) == {200}
    assert answers() == ["confirmed"]


def test_the_message_of_a_promise_carries_the_link(desk: Desk) -> None:
    visit_id = desk.promised()["visit_id"]
    settings = settings_of_tests(TRUCKROLL_PUBLIC_URL="https://repairs.example/")
    with db.transaction() as session:
        promise = session.scalars(select(Promise)).one()
        ids = {"visit_id": visit_id, "promise_id": str(promise.id)}
        message_id = messages.write(session, event="VisitPromised", ids=ids, settings=settings)
        body = session.get_one(Message, message_id).body
    [token] = [word.rpartition("/v/")[2] for word in body.split() if "https://repairs.example/v/" in word]
    assert read(desk, "/v1/links/" + token)["state"] in {"planned", "unplanned"}
    assert desk.read(Role.CALL_TAKER, f"/v1/visits/{visit_id}/promises")["items"]
