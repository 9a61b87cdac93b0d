"""What the generator is given: things to ask for, addresses that serve a role, a login that stays."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from flask import Flask

from api.auth import policies
from dispatch.access.rules import Role
from tests.api.desk import Desk, day
from tests.api.fuzzing import Findings, configuration, run
from tests.api.phone import Phone


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
    takes: Callable[[str], bool] = lambda _path: True,
) -> Findings:
    """Run the generator as one role over the addresses that serve it, or those of them that it takes."""
    ids, client, admin = known_ids(desk), desk.of(role), desk.of(Role.ADMIN)
    if role is Role.TECHNICIAN:
        assert Phone(client).register().status_code == 201
    served = {(path, method) for path, method in served_to(app, role) if takes(path)}
    found = run(
        address,
        admin.get("/v1/openapi.json").get_json(),
        configuration(client.access_token, ids, examples=examples, phases=phases),
        serves=lambda path, method: (path, method) in served,
        etag=lambda path: admin.get(path).headers.get("ETag"),
    )
    assert client.get("/v1/auth/me").status_code == 200
    return found
