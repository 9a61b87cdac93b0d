"""Many callers for one window at the same moment, over HTTP on the installation's own web server."""

from __future__ import annotations

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from dispatch import db
from dispatch.access.rules import Role
from dispatch.promises.model import SlotHold
from dispatch.territories.model import Territory
from tests import builders
from tests.api.company import NORTH, ClientFor, key
from tests.api.desk import INSIDE, Desk, local

BUYERS, DESKS = 50, 5
WINDOW = {"start": local(8), "end": local(10)}


def sites(desk: Desk, many: int) -> list[uuid.UUID]:
    """Places of as many customers."""
    with db.transaction() as session:
        territory = session.get_one(Territory, desk.company.territories[NORTH])
        made = [builders.a_site(session, territory=territory, **INSIDE) for _ in range(many)]
        return [site.id for site in made]


@pytest.mark.slow
def test_of_fifty_buyers_of_one_slot_one_holds_it_and_the_others_are_answered_with_fresh_offers(
    desk: Desk, client_for: ClientFor, address: str
) -> None:
    """Decision 18, R-303: four hours of work, so that nobody else begins before the window ends."""
    desk.shift()
    tokens = [client_for(Role.CALL_TAKER).access_token for _ in range(DESKS)]
    gate = threading.Barrier(BUYERS)

    def buy(number: int, site_id: uuid.UUID) -> tuple[int, dict[str, Any]]:
        body = {"site_id": str(site_id), "work": {"duration_minutes": 240}, "window": WINDOW}
        headers = {"Authorization": f"Bearer {tokens[number % DESKS]}", **key()}
        gate.wait()
        answer = httpx.post(f"{address}/v1/booking/holds", json=body, headers=headers, timeout=300)
        return answer.status_code, answer.json()

    with ThreadPoolExecutor(BUYERS) as threads:
        answers = list(threads.map(buy, range(BUYERS), sites(desk, BUYERS)))
    [held] = [body for status, body in answers if status == 201]
    refused = [body for status, body in answers if status == 409]
    assert len(refused) == BUYERS - 1, answers
    assert {body["code"] for body in refused} == {"SLOT_GONE"}
    for body in refused:
        fresh = body["cause"]["fresh"]
        assert fresh
        assert held["window"] not in fresh
    with db.transaction() as session:
        assert session.scalar(select(func.count()).select_from(SlotHold)) == 1
    body = {
        "site_id": held["site_id"],
        "work": {"duration_minutes": 240},
        "window": refused[0]["cause"]["fresh"][0],
    }
    desk.made(Role.CALL_TAKER, "/v1/booking/holds", body)
