"""The API against its own description: whatever a generator thinks of gets a described answer."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from flask import Flask
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import Failure
from schemathesis.engine import events, from_schema
from werkzeug.serving import WSGIRequestHandler, make_server

from dispatch.access.rules import Role
from tests.api.desk import Desk, day

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "ignored_auth",
)
SKIPPED = "/v1/auth/log|/v1/auth/refresh|/v1/auth/password"
"""Addresses that would end the generator's own login; tests of their own cover them."""


class SilentHandler(WSGIRequestHandler):
    """A server that keeps its connections open and writes no log of its own."""

    protocol_version = "HTTP/1.1"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing; the application logs."""


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
    }


def configuration(desk: Desk, parameters: dict[str, Any]) -> SchemathesisConfig:
    """Few examples of many kinds, the same ones in every run."""
    off, on = {"enabled": False}, {"enabled": True}
    named = {"not_a_server_error", *CHECKS}
    others = ("response_headers_conformance", "positive_data_acceptance", "use_after_free")
    others += ("ensure_resource_availability", "missing_required_header", "object_level_authorization")
    others += ("unsupported_method", "allow_header_conformance")
    return SchemathesisConfig.from_dict(
        {
            "seed": 20260302,
            "headers": {"Authorization": f"Bearer {desk.of(Role.ADMIN).access_token}"},
            "parameters": parameters,
            "generation": {"max-examples": 4, "deterministic": True, "no-shrink": True},
            "checks": dict.fromkeys(sorted(named), on) | dict.fromkeys(others, off),
            "phases": {
                "examples": off,
                "coverage": on | {"unexpected-methods": []},
                "fuzzing": on,
                "stateful": off,
            },
        }
    )


@pytest.fixture
def address(app: Flask) -> Iterator[str]:
    """The application served on a socket of this machine."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=SilentHandler)
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    serving.join()
    server.server_close()


def findings(address: str, desk: Desk, parameters: dict[str, Any]) -> tuple[int, list[str]]:
    """Run the generator over every address; return how many requests it sent and what it found."""
    schema = schemathesis.openapi.from_url(
        f"{address}/v1/openapi.json", config=configuration(desk, parameters)
    ).exclude(path_regex=SKIPPED)
    sent, found = 0, []
    for event in from_schema(schema).execute():
        if isinstance(event, events.ScenarioFinished):
            sent += len(event.recorder.cases)
            found += told(event)
        elif isinstance(event, events.NonFatalError | events.FatalError):
            found.append(
                f"{event.label}: {event.value!r}" if isinstance(event, events.NonFatalError) else repr(event)
            )
    return sent, found


def told(event: events.ScenarioFinished) -> list[str]:
    """What a scenario found, each with the request that shows it."""
    return [
        f"{event.label}: {check.failure_info.failure.title}: {check.failure_info.failure.message[:400]}\n"
        f"    {check.failure_info.code_sample[:600]}"
        for checks in event.recorder.checks.values()
        for check in checks
        if check.failure_info is not None and isinstance(check.failure_info.failure, Failure)
    ]


@pytest.mark.slow
def test_a_generator_finds_no_answer_that_the_description_does_not_tell(address: str, desk: Desk) -> None:
    """S12: no 5xx, nothing undescribed, no broken input accepted, no address open without a token."""
    sent, found = findings(address, desk, known_ids(desk))
    assert found == [], "\n".join(found)
    assert sent > 1000
