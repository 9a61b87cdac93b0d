"""Requests that a generator makes of the API's own description, and what its checks say of the answers."""

from __future__ import annotations

import itertools
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import schemathesis
from schemathesis import BaseSchema, Case, HookContext, Response
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import Failure
from schemathesis.core.parameters import ParameterLocation
from schemathesis.engine import events, from_schema

from dispatch.sync.protocol import SCHEMA, SCHEMA_HEADER

SEED = 20260302
LONG_NUMBER = re.compile(r"(?<![\d.])\d{19,}(?![\d.eE])")
ON, OFF = {"enabled": True}, {"enabled": False}
ENDS_THE_LOGIN = "/v1/auth/log|/v1/auth/refresh|/v1/auth/password"
"""Addresses that would end the generator's own login; tests of their own cover them."""

CHECKS: Mapping[str, Mapping[str, Any]] = {
    "not_a_server_error": ON,
    "status_code_conformance": ON,
    "content_type_conformance": ON,
    "response_schema_conformance": ON,
    "response_headers_conformance": ON,
    # A phone of a schema that is not served any more is told so (426) before its body is read, and so is one
    # that speaks another version of tus (412).
    "negative_data_rejection": ON
    | {"expected-statuses": ["400", "401", "404", "405", "412", "415", "422", "426", "428"]},
    "ignored_auth": ON,
    "unsupported_method": ON,
    "allow_header_conformance": ON,
    "use_after_free": ON,
    "ensure_resource_availability": ON,
    # A missing If-Match has a status of its own, RFC 6585.
    "missing_required_header": ON | {"expected-statuses": ["400", "401", "403", "404", "412", "428"]},
    # A schema cannot say which ids, versions, cursors and states there are: what is well-formed may meet 404,
    # 409, 412 and 422, but never 400, 405, 413, 415 or 428.
    "positive_data_acceptance": ON | {"expected-statuses": ["2xx", "403", "404", "409", "412", "422"]},
    # Off: it compares peers out of a WFC authentication document and sees only ids that it drew itself;
    # test_object_access.py asks for every id with every role of the other territory.
    "object_level_authorization": OFF,
}


@dataclass
class Findings:
    """What one run sent, what came back, and what is wrong with it."""

    sent: int = 0
    found: list[str] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    served: set[str] = field(default_factory=set)
    """Operations that at least once did what was asked."""

    def take(self, event: events.ScenarioFinished) -> None:
        """Add the outcome of one scenario."""
        self.sent += len(event.recorder.cases)
        for case_id, interaction in event.recorder.interactions.items():
            if interaction.response is None:
                continue
            self.statuses[interaction.response.status_code] += 1
            if interaction.response.status_code < 300 and case_id in event.recorder.cases:
                self.served.add(event.recorder.cases[case_id].value.operation.label)
        self.found += _told(event)


def _told(event: events.ScenarioFinished) -> Iterator[str]:
    """What a scenario found, each with the request that shows it."""
    for case_id, checks in event.recorder.checks.items():
        label = event.recorder.cases[case_id].value.operation.label
        for check in checks:
            told = check.failure_info
            if told is not None and isinstance(told.failure, Failure):
                message = f"{told.failure.title}: {told.failure.message[:400]}"
                yield f"{label}: {message}\n    {told.code_sample[:600]}"


def configuration(
    access_token: str, parameters: Mapping[str, Any], *, examples: int, phases: tuple[str, ...]
) -> SchemathesisConfig:
    """The same requests in every run: every boundary of the description, and examples drawn from a seed."""
    chosen: dict[str, Any] = {name: ON if name in phases else OFF for name in ("examples", "fuzzing")}
    chosen["coverage"] = (ON if "coverage" in phases else OFF) | {"unexpected-methods": ["trace"]}
    chosen["stateful"] = ON if "stateful" in phases else OFF
    return SchemathesisConfig.from_dict(
        {
            "seed": SEED,
            "headers": {"Authorization": f"Bearer {access_token}"},
            "parameters": dict(parameters),
            "generation": {
                "max-examples": examples,
                "deterministic": True,
                "no-shrink": True,
                "with-security-parameters": False,
            },
            "checks": dict(CHECKS),
            "phases": chosen,
        }
    )


def run(
    address: str,
    description: dict[str, Any],
    config: SchemathesisConfig,
    *,
    serves: Callable[[str, str], bool],
    etag: Callable[[str], str | None],
) -> Findings:
    """
    Send what the generator thinks of to the operations that ``serves(path, method)`` picks.

    A well-formed If-Match is replaced by ``etag(path)`` of what is addressed, a well-formed Idempotency-Key
    by a new one: no generator guesses them, and without them all ends in 412 and IDEMPOTENCY_KEY_REUSED.
    """
    findings = Findings()
    schema: BaseSchema = schemathesis.openapi.from_dict(_generable(description), config=config)
    schema.config.update(base_url=address)
    schema = schema.exclude(path_regex=ENDS_THE_LOGIN)
    schema = schema.include(lambda context: serves(context.operation.path, context.operation.method.upper()))
    schema.hook("filter_body")(_can_be_read)
    with _filled_in(etag):
        for event in from_schema(schema).execute():
            if isinstance(event, events.ScenarioFinished):
                findings.take(event)
            elif isinstance(event, events.NonFatalError):
                findings.found.append(f"{event.label}: {event.value!r}")
            elif isinstance(event, events.FatalError):
                findings.found.append(repr(event.exception))
    return findings


def _generable(description: dict[str, Any]) -> dict[str, Any]:
    """
    Describe versions with or without their quotes, which ``_filled_in`` adds.

    The generator's coverage phase makes no header with quotes: it would send every change with a broken one.
    """
    for path in description["paths"].values():
        for operation in path.values():
            for parameter in operation.get("parameters", ()) if isinstance(operation, dict) else ():
                if parameter.get("name") == "If-Match":
                    parameter["schema"] = {"type": "string", "pattern": '^"?[0-9]{1,18}"?$'}
    return description


_ADDRESSED = re.compile(r"/v1/[a-z-]+(?:/[^/{}]+)?")


@contextmanager
def _filled_in(etag: Callable[[str], str | None]) -> Iterator[None]:
    """Send the version that a thing has and keys that are new, where the generator made them up."""
    serial = itertools.count(1)
    version_of = cache(etag)  # until something is changed, which most of what a generator makes up is not

    def before_call(context: HookContext, case: Case[Any], kwargs: dict[str, Any]) -> None:
        if case.meta is None or case.meta.is_negative_at(ParameterLocation.HEADER):
            return
        headers: Any = case.headers or {}
        addressed = _ADDRESSED.match(case.formatted_path)
        if addressed and "If-Match" in headers:
            headers["If-Match"] = version_of(addressed[0]) or '"1"'
        if SCHEMA_HEADER in headers:
            headers[SCHEMA_HEADER] = str(SCHEMA)
        if "Idempotency-Key" in headers:
            headers["Idempotency-Key"] = f"generated-{next(serial)}"

    def after_call(context: HookContext, case: Case[Any], response: Response) -> None:
        if case.method != "GET" and response.status_code < 400:
            version_of.cache_clear()

    schemathesis.hook(before_call)
    schemathesis.hook(after_call)
    try:
        yield
    finally:
        schemathesis.hooks.unregister(before_call)
        schemathesis.hooks.unregister(after_call)


def _can_be_read(context: HookContext, body: Any) -> bool:
    """
    Keep U+0000 and whole numbers beyond 64 bits out of bodies; see broken_bodies.py for both.

    No JSON schema can forbid them in free-form members.
    """
    text = json.dumps(body, default=str)
    return "\\u0000" not in text and not LONG_NUMBER.search(text)
