"""Nobody reaches a thing of another territory, nor can tell it from one that does not exist (S1, S3)."""

from __future__ import annotations

import io
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from api.auth import policies
from dispatch.access.rules import Role
from tests.api.company import NORTH, SOUTH, Client, ClientFor, Company, key
from tests.api.desk import NOWHERE, Desk, ago, code_of, euros, local
from tests.api.holdings import Holdings, a_shift_id, an_absence_id

COMPANY_WIDE = {
    "/v1/parts/<uuid:part_id>",
    "/v1/problem-templates/<string:code>",
    "/v1/service-calendars/<uuid:calendar_id>",
    "/v1/guidance-articles/<string:code>",
    "/v1/guidance-articles/<string:code>/pictures",
    "/v1/checklists/<string:code>",
    "/v1/checklists/<string:code>/use",
    "/v1/fault-codes/<string:code>/solutions",
    "/v1/intake/sources/<uuid:source_id>",
}
"""The catalogue, the templates and the calendars are the same for the whole company."""
PERSONAL = {"/v1/sync/uploads/<uuid:upload_id>"}
"""Belong to one person and phone, whatever the territory: tests/api/test_uploads.py, clause 7."""

MONEY = {"amount": "1.00", "currency": "EUR"}
NEEDS = {"duration_minutes": 60}
REASON = {"reason": "no longer needed"}
LEVEL = {"sku": "PUMP", "minimum": 1, "target": 2}
PIECES = {"sku": "PUMP", "quantity": 1}
PATTERN = {"pattern": "8-16", "first_day": "2026-03-09", "last_day": "2026-03-09"}
SHIFT = {"starts_at": local(8), "ends_at": local(9)}
BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("POST", "/v1/calls/<uuid:call_id>/assessment"): {},
    ("POST", "/v1/customers/<uuid:customer_id>/sites"): {
        "address": "A 1",
        "latitude": 43.5,
        "longitude": 7.5,
    },
    ("POST", "/v1/customers/<uuid:customer_id>/contacts"): {"name": "Wu", "phone": "+358503334444"},
    ("PUT", "/v1/work-orders/<uuid:order_id>/customer-reference"): {"reference": "PO-1"},
    ("PUT", "/v1/sites/<uuid:site_id>/position"): {"position": {"latitude": 43.5, "longitude": 7.5}},
    ("POST", "/v1/sites/<uuid:site_id>/assets"): {"product_kind": "boiler", "model": "B"},
    ("POST", "/v1/review-cases/<uuid:case_id>/decision"): {"decision": "both are right"},
    ("POST", "/v1/technicians/<uuid:technician_id>/absences"): SHIFT | REASON,
    ("POST", "/v1/technicians/<uuid:technician_id>/certificates"): {
        "code": "gas",
        "number": "1",
        "valid_from": "2026-01-01",
        "valid_until": "2026-12-31",
    },
    ("POST", "/v1/technicians/<uuid:technician_id>/hand-ins"): {"day": "2026-03-03", "sheets": []},
    ("POST", "/v1/hand-ins/<uuid:hand_in_id>/decision"): {"stands": "cashier", "reason": "seen again"},
    ("POST", "/v1/technicians/<uuid:technician_id>/keeper-account/settlements"): {
        "method": "cash",
        "amount": MONEY,
        "how": "paid",
        "reason": "paid in",
    },
    ("POST", "/v1/technicians/<uuid:technician_id>/shifts"): SHIFT,
    ("POST", "/v1/technicians/<uuid:technician_id>/shift-patterns"): PATTERN,
    ("POST", "/v1/part-uses/<uuid:part_use_id>/void"): REASON,
    ("POST", "/v1/contracts/<uuid:contract_id>/inspections"): {"on": "2026-03-02"},
    ("PUT", "/v1/technicians/<uuid:technician_id>/skills"): {"skills": {}},
    ("POST", "/v1/technicians/<uuid:technician_id>/van"): {"sku": "PUMP", "quantity": 1, "source": "D1"},
    ("POST", "/v1/users/<uuid:user_id>/reset"): {"password": "an entirely new secret"},
    ("POST", "/v1/visits/<uuid:visit_id>/cancel"): REASON,
    ("POST", "/v1/visits/<uuid:visit_id>/reopen"): REASON,
    ("POST", "/v1/visits/<uuid:visit_id>/release-technician"): {"reason": "technician_ill"},
    ("POST", "/v1/visits/<uuid:visit_id>/handover"): {"note": "Ill.", "remaining_minutes": 30},
    ("PUT", "/v1/visits/<uuid:visit_id>/needs"): NEEDS,
    ("POST", "/v1/visits/<uuid:visit_id>/times"): REASON,
    ("PUT", "/v1/visits/<uuid:visit_id>/expected-end"): {"remaining_minutes": 30},
    ("POST", "/v1/visits/<uuid:visit_id>/promise"): {
        "window": {"start": local(9), "end": local(11)},
        "channel": "phone",
    },
    ("POST", "/v1/promise-alarms/<uuid:alarm_id>/follow-up"): {"note": "They understood."},
    ("POST", "/v1/compensations/<uuid:compensation_id>/decision"): {"decision": "granted"},
    ("POST", "/v1/visits/<uuid:visit_id>/questions"): {"question": "Which valve?"},
    ("POST", "/v1/questions/<uuid:question_id>/answer"): {"answer": "The small one."},
    ("POST", "/v1/chasers/<uuid:chaser_id>/answer"): {"told": "At ten."},
    ("POST", "/v1/inquiries/<uuid:inquiry_id>/call"): {"template": "none"},
    ("POST", "/v1/inquiries/<uuid:inquiry_id>/dismissal"): REASON,
    ("POST", "/v1/visits/<uuid:visit_id>/marks"): {"kind": "late", "minutes_late": 40},
    ("PUT", "/v1/customer-marks/<uuid:mark_id>/reason"): REASON,
    ("POST", "/v1/territories/<uuid:territory_id>/loaner-units"): {
        "product_kind": "boiler",
        "model": "B",
        "serial": "S",
        "charge": MONEY,
    },
    ("POST", "/v1/plans/<uuid:plan_id>/accept-rows"): {"visit_ids": []},
    ("POST", "/v1/territories/<uuid:territory_id>/days/<string:day>/scenarios"): {"title": "A van is late"},
    ("PATCH", "/v1/work-orders/<uuid:order_id>"): {"priority": 4},
    ("POST", "/v1/work-orders/<uuid:order_id>/approvals"): {
        "amount": MONEY,
        "approved_by_name": "Customer",
        "method": "phone",
    },
    ("POST", "/v1/work-orders/<uuid:order_id>/cancel"): REASON,
    ("POST", "/v1/work-orders/<uuid:order_id>/chasers"): {"channel": "phone"},
    ("POST", "/v1/work-orders/<uuid:order_id>/payments"): {
        "method": "cash",
        "amount": MONEY,
        "received_at": ago(),
    },
    ("POST", "/v1/work-orders/<uuid:order_id>/waiting"): {"reason": "part"},
    ("POST", "/v1/visits/<uuid:visit_id>/files/<uuid:declared_id>/give-up"): REASON,
    ("POST", "/v1/contact-proposals/<uuid:proposal_id>/decision"): {"take": ["phone"]},
    ("POST", "/v1/advised-work/<uuid:advice_id>/settlement"): {"result": "declined"},
    ("POST", "/v1/territories/<uuid:territory_id>/store"): PIECES | {"source": "D1"},
    ("POST", "/v1/territories/<uuid:territory_id>/store/scrap"): PIECES | REASON,
    ("POST", "/v1/technicians/<uuid:technician_id>/van/scrap"): PIECES | REASON,
    ("POST", "/v1/territories/<uuid:territory_id>/transfers"): PIECES,
    ("POST", "/v1/transfers/<uuid:transfer_id>/decline"): REASON,
    ("POST", "/v1/territories/<uuid:territory_id>/tools"): {
        "serial": "M-1",
        "name_en": "Gauge",
        "name_zh": "压力表",
    },
    ("POST", "/v1/tool-handovers/<uuid:handover_id>/decline"): REASON,
    ("POST", "/v1/part-uses/<uuid:part_use_id>/core"): {"result": "received"},
    ("POST", "/v1/part-uses/<uuid:part_use_id>/approval"): {"is_confirmed": True},
    ("POST", "/v1/technicians/<uuid:technician_id>/van/levels"): LEVEL,
    ("POST", "/v1/territories/<uuid:territory_id>/store/levels"): LEVEL,
    ("POST", "/v1/technicians/<uuid:technician_id>/van/counts"): {"sku": "PUMP", "counted": 1},
    ("POST", "/v1/territories/<uuid:territory_id>/store/counts"): {"sku": "PUMP", "counted": 1},
    ("POST", "/v1/stock-counts/<uuid:count_id>/refuse"): REASON,
    ("POST", "/v1/territories/<uuid:territory_id>/refills"): {"items": []},
    ("POST", "/v1/part-orders/<uuid:part_order_id>/receive"): {"quantity": 1, "source": "D1"},
    ("POST", "/v1/technicians/<uuid:technician_id>/pick-list"): {"day": "2026-03-02", "picked": {}},
    ("POST", "/v1/sync/quarantine/<uuid:work_id>/dismissal"): REASON,
    ("POST", "/v1/sync/rejections/<uuid:rejection_id>/apply"): {"payload": {}},
    ("POST", "/v1/sync/rejections/<uuid:rejection_id>/dismiss"): {"reason": "it did not"},
}
QUERIES = {
    "/v1/technicians/<uuid:technician_id>/roster": "?first_day=2026-03-01&last_day=2026-03-07",
    "/v1/technicians/<uuid:technician_id>/hand-ins/expected": "?day=2026-03-02",
    "/v1/territories/<uuid:territory_id>/part-units/history": "?sku=PUMP&serial=1",
    "/v1/technicians/<uuid:technician_id>/pick-list": "?day=2026-03-02",
    "/v1/technicians/<uuid:technician_id>/pick-list.pdf": "?day=2026-03-02",
    "/v1/technicians/<uuid:technician_id>/trail": "?day=2026-03-02",
}
UPLOAD = "/v1/visits/<uuid:visit_id>/attachments"


def id_routes(app: Flask) -> Iterator[tuple[str, str, frozenset[Role]]]:
    """Every address with an id in it: method, rule and roles."""
    for (rule, method), found in sorted(policies(app).items()):
        if "<uuid:" in rule and rule not in COMPANY_WIDE | PERSONAL and found is not None:
            yield method, rule, found.roles


def sent(client: Client, method: str, rule: str, ids: dict[str, str]) -> TestResponse:
    """Send a request to an address with these ids, decided on a version that nothing has."""
    path = rule
    for name, value in ids.items():
        path = path.replace(f"<uuid:{name}>", value).replace(f"<string:{name}>", value)
    headers = key() | {"If-Match": '"999"'}
    if (method, rule) == ("POST", UPLOAD):
        return client.post(path, data={"file": (io.BytesIO(b"no picture"), "a.png")}, headers=headers)
    body = None if method in {"GET", "DELETE"} else BODIES.get((method, rule), {})
    return client.open(path + QUERIES.get(rule, ""), method=method, json=body, headers=headers)


def told(answer: TestResponse) -> tuple[int, Any]:
    """What a caller can tell an answer by; the request's number differs always."""
    body = answer.get_json()
    return answer.status_code, {name: value for name, value in body.items() if name != "instance"}


def test_a_thing_of_another_territory_looks_exactly_like_a_missing_one(
    company: Company, client_for: ClientFor
) -> None:
    """S1: every address with an id, as every role that may call it: foreign is 404, as if it were nowhere."""
    foreign = Holdings.of(company, SOUTH).ids
    nowhere = dict.fromkeys(foreign, NOWHERE) | {"day": foreign["day"], "first_day": foreign["day"]}
    for role in Role:
        client = client_for(role, NORTH)
        cells = 0
        for method, rule, roles in id_routes(company.app):
            if role not in roles:
                continue
            answer = sent(client, method, rule, foreign)
            said = f"{role} {method} {rule}"
            assert code_of(answer) == (404, "NOT_FOUND"), f"{said}: {answer.get_data(as_text=True)}"
            assert told(answer) == told(sent(client, method, rule, nowhere)), said
            cells += 1
        assert cells >= (15 if role is Role.TECHNICIAN else 25), role


@pytest.mark.parametrize("role", list(Role))
def test_a_thing_of_the_own_territory_is_found(company: Company, client_for: ClientFor, role: Role) -> None:
    """S1, the other half: what is refused abroad is found at home, so the refusals above mean something."""
    own = Holdings.of(company, NORTH).ids
    client = client_for(role, NORTH)
    for method, rule, roles in id_routes(company.app):
        if role not in roles:
            continue
        ids = own
        if method == "DELETE" and "shift" in rule:
            ids = own | {"shift_id": a_shift_id(own["technician_id"])}
        elif method == "DELETE" and "absence" in rule:
            ids = own | {"absence_id": an_absence_id(own["technician_id"])}
        answer = sent(client, method, rule, ids)
        code = "" if answer.status_code < 400 else answer.get_json()["code"]
        assert code not in {"NOT_FOUND", "ROLE_FORBIDDEN", "REQUEST_INVALID", "INTERNAL"}, (
            f"{method} {rule}: {answer.get_data(as_text=True)}"
        )


def test_lists_hold_the_own_territory_alone(company: Company, client_for: ClientFor) -> None:
    """S1 for lists: nothing of the south is in any list of the north."""
    Holdings.of(company, NORTH)
    foreign = {
        name: found
        for name, found in Holdings.of(company, SOUTH).ids.items()
        if name not in {"calendar_id", "source_id"}
    }
    lists = [
        (rule, found)
        for (rule, method), found in policies(company.app).items()
        if method == "GET" and rule.startswith("/v1/") and "<" not in rule and found and not found.is_public
    ]
    for role in Role:
        client = client_for(role, NORTH)
        for rule, found in lists:
            if role not in found.roles:
                continue
            days = "?first_day=2026-03-01&last_day=2026-03-07" if rule == "/v1/daily-logs" else ""
            answer = client.get(rule + days)
            if not answer.is_json:
                continue
            seen = {row["id"] for row in (answer.get_json().get("items") or []) if "id" in row}
            assert not seen & set(foreign.values()), f"{role} {rule}"


@pytest.mark.parametrize(
    ("role", "path", "body"),
    [
        (
            Role.DISPATCHER,
            "/v1/technicians",
            {
                "number": "X",
                "name": "X",
                "territory_id": "territory_id",
                "home": {"latitude": 43.5, "longitude": 7.5},
            },
        ),
        (
            Role.FINANCE,
            "/v1/contracts",
            {
                "number": "K",
                "customer_id": "customer_id",
                "valid_from": "2026-01-01",
                "valid_until": "2026-12-31",
            },
        ),
        (Role.FINANCE, "/v1/work-orders/{order_id}/payments", {"technician_id": "technician_id"}),
        (Role.CALL_TAKER, "/v1/calls", {"customer_id": "customer_id", "caller": None}),
        (Role.CALL_TAKER, "/v1/calls", {"contact_id": "contact_id"}),
        (Role.CALL_TAKER, "/v1/calls", {"site_id": "site_id", "place": None}),
        (Role.CALL_TAKER, "/v1/calls", {"asset_id": "asset_id", "equipment": None}),
    ],
)
def test_a_foreign_id_in_a_body_is_a_missing_one(
    desk: Desk, role: Role, path: str, body: dict[str, Any]
) -> None:
    """S1: ids in bodies are looked up within the caller's territories as well."""
    foreign = Holdings.of(desk.company, SOUTH).ids
    own = Holdings.of(desk.company, NORTH).ids
    base: dict[str, Any] = {}
    if path == "/v1/calls":
        base = desk.call_body()
    elif path.endswith("/payments"):
        base = {"method": "cash", "amount": euros("1.00"), "received_at": ago()}
    filled = {
        name: foreign.get(value, value) if isinstance(value, str) else value for name, value in body.items()
    }
    assert code_of(desk.post(role, path.format(**own), base | filled)) == (404, "NOT_FOUND")


EXTRAS = {
    "role": "admin",
    "state": "closed",
    "price": 1,
    "approved_by": str(uuid.UUID(int=1)),
    "version": 1,
    "tenant_id": str(uuid.UUID(int=1)),
    "id": str(uuid.UUID(int=1)),
    "billing_hold": False,
    "is_superuser": True,
}


def test_a_field_that_is_not_listed_is_refused_at_every_address(
    company: Company, client_for: ClientFor
) -> None:
    """S3: each address with a body, each field that a caller might try: refused and named."""
    description = company.anybody().get("/v1/openapi.json").get_json()
    found = {(rule, method): policy for (rule, method), policy in policies(company.app).items()}
    clients = {role: client_for(role) for role in (Role.ADMIN, Role.TECHNICIAN)}
    cells = 0
    for (rule, method), policy in sorted(found.items()):
        operation = description["paths"].get(described(rule), {}).get(method.lower(), {})
        content = operation.get("requestBody", {}).get("content", {})
        if "application/json" not in content or policy is None:
            continue
        listed = properties(description, content["application/json"]["schema"])
        client = clients[Role.TECHNICIAN if Role.ADMIN not in policy.roles else Role.ADMIN]
        extras = {extra: value for extra, value in EXTRAS.items() if extra not in listed}
        headers = key() | {"If-Match": '"1"'}
        path = described(rule).replace("{", "").replace("}", "")
        for name in ("territory_id", "technician_id"):
            path = path.replace(name, NOWHERE)
        path = "/".join(NOWHERE if part.endswith("_id") else part for part in path.split("/"))
        answer = client.open(path, method=method, json=extras, headers=headers)
        assert code_of(answer) == (422, "REQUEST_INVALID"), f"{method} {rule}: {answer.data!r}"
        for extra in extras:
            assert extra in answer.get_json()["errors"], f"{method} {rule} {extra}"
            cells += 1
    assert cells > 300


def described(rule: str) -> str:
    """A rule as the description writes it."""
    return rule.replace("<uuid:", "{").replace("<string:", "{").replace(">", "}")


def properties(description: dict[str, Any], schema: dict[str, Any]) -> set[str]:
    """The names of the fields of a body."""
    named = schema.get("$ref", "").rpartition("/")[2]
    shape = description["components"]["schemas"][named] if named else schema
    return set(shape.get("properties", {}))
