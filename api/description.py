"""How the API describes itself: OpenAPI 3.1 with bearer tokens and problem+json for every error."""

from __future__ import annotations

import http
from typing import Any

from flask import Flask
from flask_smorest import Api  # type: ignore[import-untyped]
from flask_smorest.spec.plugins import RE_URL  # type: ignore[import-untyped]
from flask_smorest.utils import prepare_response  # type: ignore[import-untyped]
from marshmallow import fields

from api.auth import policies
from api.errors import PROBLEM_JSON
from api.schemas import Schema

VERSION = "1"
ABOUT = """\
Field-service dispatch: from the repair call to the invoice and the daily log.

Log in at `/v1/auth/login` and send the access token as `Authorization: Bearer …`. Every change needs
`If-Match`, every creation an `Idempotency-Key`; errors are `application/problem+json` with code and remedy.
"""


class Problem(Schema):
    """Why a request was refused, and what to do about it (RFC 9457)."""

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    code = fields.String(required=True, metadata={"description": "Stable name of the refusal."})
    detail = fields.String(required=True)
    remedy = fields.String(required=True)
    instance = fields.String(required=True, metadata={"description": "Number of this request in the log."})
    cause = fields.Dict(metadata={"description": "Facts about the refusal."})
    errors = fields.Dict(metadata={"description": "Messages by field."})


class _Api(Api):  # type: ignore[misc]
    """flask-smorest with our error answers."""

    def _register_error_handlers(self) -> None:
        """Leave errors to ``api.errors``."""

    def _register_responses(self) -> None:
        statuses = [(status.name, status.phrase) for status in http.HTTPStatus if status >= 400]
        for name, phrase in [*statuses, ("DEFAULT_ERROR", "Refused; see code and remedy.")]:
            response: dict[str, Any] = {"description": phrase, "schema": Problem}
            prepare_response(response, self.spec, PROBLEM_JSON)
            self.spec.components.response(name, response, lazy=True)


def finished(app: Flask, api: Api) -> dict[str, Any]:
    """Return the description, with a name for every operation and no token asked for where none is needed."""
    document: dict[str, Any] = api.spec.to_dict()
    known = policies(app)
    for rule in app.url_map.iter_rules():
        path = document["paths"].get(RE_URL.sub(r"{\1}", rule.rule), {})
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            operation = path.get(method.lower())
            if operation is None:
                continue
            operation["operationId"] = rule.endpoint.replace(".", "_")
            found = known[rule.rule, method]
            if found is not None and found.is_public:
                operation["security"] = []
    return document


def describe_api(app: Flask) -> Api:
    """Return the description that resources register with."""
    app.config.update(API_TITLE="Truckroll", API_VERSION=VERSION, OPENAPI_VERSION="3.1.0")
    app.json.sort_keys = False  # type: ignore[attr-defined]
    api = _Api(
        app,
        spec_kwargs={
            "info": {"description": ABOUT},
            "security": [{"bearer": []}],
        },
    )
    api.spec.components.security_scheme("bearer", {"type": "http", "scheme": "bearer"})
    return api
