"""Chasers, through the API."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from dispatch.access.rules import Role
from tests.api.company import key
from tests.api.desk import Desk


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
