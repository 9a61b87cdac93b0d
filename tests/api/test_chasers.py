"""Chasers, through the API."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from dispatch.access.rules import Role
from tests.api.company import key
from tests.api.desk import Desk, code_of


def test_a_chaser_is_noted_and_the_second_is_the_supervisors(desk: Desk) -> None:
    """R-105."""
    order_id = desk.assessment()["work_order_id"]
    path = f"/v1/work-orders/{order_id}/chasers"
    first = desk.made(Role.CALL_TAKER, path, {"channel": "phone", "note": "asked for the hour"})
    second = desk.made(Role.CALL_TAKER, path, {"channel": "phone"})
    assert (first["is_escalated"], second["is_escalated"]) == (False, True)
    assert desk.read(Role.DISPATCHER, path)["items"] == [first, second]
    assert desk.read(Role.SUPERVISOR, f"/v1/territories/{desk.territory}/chasers")["items"] == [second, first]


def test_asked_by_several_at_once_each_has_its_number(desk: Desk) -> None:
    path = f"/v1/work-orders/{desk.assessment()['work_order_id']}/chasers"
    clients = [desk.of(Role.CALL_TAKER) for _ in range(8)]
    headers = [key() for _ in clients]
    with ThreadPoolExecutor(8) as threads:
        answers = list(
            threads.map(
                lambda pair: pair[0].post(path, json={"channel": "phone"}, headers=pair[1]).get_json(),
                zip(clients, headers, strict=True),
            )
        )
    assert sorted(answer["ordinal"] for answer in answers) == list(range(1, 9))


def test_a_chaser_is_taken_answered_and_leaves_the_list(desk: Desk) -> None:
    """R-105: whoever comes second is told who was first."""
    order_id = desk.assessment()["work_order_id"]
    made = desk.made(Role.CALL_TAKER, f"/v1/work-orders/{order_id}/chasers", {"channel": "phone"})
    assert (made["taken_by"], made["answered_at"], made["told"], made["promise_id"]) == (None, None, "", None)
    path, listed = f"/v1/chasers/{made['id']}", f"/v1/territories/{desk.territory}/chasers"
    taken = desk.made(Role.CALL_TAKER, f"{path}/taking", {})
    assert taken["taken_by"] is not None
    refused = desk.post(Role.DISPATCHER, f"{path}/taking", {})
    assert code_of(refused) == (409, "CHASER_TAKEN")
    assert refused.get_json()["cause"]["by"] == taken["taken_by"]
    assert code_of(desk.post(Role.DISPATCHER, f"{path}/answer", {"told": "At ten."})) == (409, "CHASER_TAKEN")
    assert desk.read(Role.DISPATCHER, listed)["items"] == [taken]
    answered = desk.made(Role.SUPERVISOR, f"{path}/answer", {"told": "Between ten and twelve."})
    assert answered["told"] == "Between ten and twelve."
    assert (answered["taken_by"], answered["answered_by"] != taken["taken_by"]) == (taken["taken_by"], True)
    assert desk.read(Role.DISPATCHER, listed)["items"] == []
    assert desk.read(Role.DISPATCHER, f"/v1/work-orders/{order_id}/chasers")["items"] == [answered]
    again = desk.post(Role.CALL_TAKER, f"{path}/answer", {"told": "At eleven."})
    assert code_of(again) == (409, "CHASER_ANSWERED")
