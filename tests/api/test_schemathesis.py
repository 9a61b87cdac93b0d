"""The API against its own description: whatever a generator thinks of gets a described answer (S12)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest
from flask import Flask

from api.auth import policies
from dispatch.access.rules import Role
from tests.api.database import SharedDatabase
from tests.api.desk import Desk, day
from tests.api.fuzzing import Findings, configuration, run
from tests.api.live import serving
from tests.api.phone import Phone


@pytest.fixture
def address(app: Flask, _database: SharedDatabase, redis_url: str, tmp_path: Path) -> Iterator[str]:
    """The installation's own web server on the database of this test."""
    with serving(_database.url, redis_url, tmp_path) as found:
        yield found


def known_ids(desk: Desk) -> dict[str, Any]:
    """One real thing of every kind, so that requests get beyond the first lookup."""
    invoice = desk.invoiced()
    order = desk.read(Role.ADMIN, f"/v1/work-orders/{invoice['work_order_id']}")
    plan = desk.read(Role.ADMIN, f"/v1/territories/{desk.territory}/days/{day()}")["published"]
    return {
        "path.call_id": order["call_id"],
        "path.order_id": order["id"],
        "path.visit_id": order["visits"][0]["id"],
        "path.customer_id": order["customer_id"],
        "path.site_id": order["site_id"],
        "path.asset_id": order["asset_id"],
        "path.invoice_id": invoice["id"],
        "path.settlement_id": invoice["settlement_id"],
        "path.territory_id": desk.territory,
        "path.technician_id": desk.technician,
        "path.plan_id": plan["id"],
        "path.part_id": desk.part()["id"],
        "path.user_id": desk.client_for(Role.CALL_TAKER).user_id,  # nobody's login hangs on this one
    }


def served_to(app: Flask, role: Role) -> set[tuple[str, str]]:
    """Path, as described, and method of what a role may call; for what it may not see test_policies.py."""
    return {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule), method)
        for (rule, method), found in policies(app).items()
        if found is not None and (found.is_public or role in found.roles)
    }


def findings(
    address: str,
    desk: Desk,
    app: Flask,
    role: Role,
    *,
    examples: int,
    phases: tuple[str, ...],
    one_of: int = 1,
) -> Findings:
    """
    Run the generator as one role over the addresses that serve it; its login stands to the end.

    ``one_of`` takes a part of the addresses, the same at each run.
    """
    ids, client, admin = known_ids(desk), desk.of(role), desk.of(Role.ADMIN)
    if role is Role.TECHNICIAN:
        assert Phone(client).register().status_code == 201
    served = {one for one in served_to(app, role) if crc32(one[0].encode()) % one_of == 0}
    found = run(
        address,
        admin.get("/v1/openapi.json").get_json(),
        configuration(client.access_token, ids, examples=examples, phases=phases),
        serves=lambda path, method: (path, method) in served,
        etag=lambda path: admin.get(path).headers.get("ETag"),
    )
    assert client.get("/v1/auth/me").status_code == 200
    return found


@pytest.mark.slow
def test_a_generator_finds_no_answer_that_the_description_does_not_tell(
    address: str, desk: Desk, app: Flask
) -> None:
    """S12: no 5xx, nothing undescribed, no broken input accepted, no address open without a token."""
    told = findings(address, desk, app, Role.ADMIN, examples=2, phases=("fuzzing", "stateful"))
    assert told.found == [], "\n".join(told.found)
    assert len(told.served) > 60


@pytest.mark.slow
def test_a_fourth_of_the_addresses_is_tried_with_every_value_at_its_bounds(
    address: str, desk: Desk, app: Flask
) -> None:
    """S12: all of them take longer than a run of all tests may."""
    told = findings(address, desk, app, Role.ADMIN, examples=1, phases=("coverage",), one_of=4)
    assert told.found == [], "\n".join(told.found)
    assert told.sent > 500


@pytest.mark.slow
@pytest.mark.parametrize("role", [Role.DISPATCHER, Role.TECHNICIAN, Role.FINANCE])
def test_a_generator_finds_nothing_in_what_a_role_may_call(
    address: str, desk: Desk, app: Flask, role: Role
) -> None:
    """S12: the same as somebody who sees one territory, one's own visits, or the money."""
    told = findings(address, desk, app, role, examples=2, phases=("fuzzing", "stateful"))
    assert told.found == [], "\n".join(told.found)
    assert told.sent > 100
    assert len(told.served) > 10
