"""
From refusals to problem+json (RFC 9457): code, cause and remedy for the caller, nothing of the inside.

The domain says what kind of refusal it is; the table here gives the status. A 500 tells the request's number
and no more; what happened is in the log under that number (S20).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, cast

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException

from api import logs
from dispatch import db
from dispatch.errors import DispatchError, Invalid

PROBLEM_JSON = "application/problem+json"
RETRY_SECONDS = 5

STATUS_OF_KIND: Mapping[str, int] = {
    "malformed": 400,
    "unauthenticated": 401,
    "forbidden": 403,
    "missing": 404,
    "conflict": 409,
    "gone": 410,
    "stale": 412,
    "too_large": 413,
    "media_type": 415,
    "invalid": 422,
    "upgrade": 426,
    "unconditional": 428,
    "limited": 429,
    "checksum": 460,
    "internal": 500,
    "unavailable": 503,
}


class MalformedJson(DispatchError):
    """The body is not JSON that can have only one meaning."""

    code = "MALFORMED_JSON"
    kind = "malformed"
    remedy = "Send one JSON object in UTF-8 without double keys, NaN, huge numbers or deep nesting."


class MalformedRequest(DispatchError):
    """The address or a header of the request cannot be understood."""

    code = "MALFORMED_REQUEST"
    kind = "malformed"
    remedy = "Correct the address or header named in the detail."


class MediaTypeUnsupported(DispatchError):
    """The body's Content-Type is not one this address reads."""

    code = "MEDIA_TYPE_UNSUPPORTED"
    kind = "media_type"
    remedy = "Send application/json."


class RequestInvalid(Invalid):
    """Fields of the request are missing, unknown or out of range; each is named."""

    code = "REQUEST_INVALID"
    remedy = "Correct the fields listed under errors and send the request again."


class RangeTooLong(Invalid):
    """A range of days is reversed or longer than one request may ask for."""

    code = "RANGE_TOO_LONG"
    remedy = "Ask for at most the number of days named in the detail, first day first."


class IfMatchMissing(DispatchError):
    """A change must say which version it was decided on."""

    code = "IF_MATCH_MISSING"
    kind = "unconditional"
    remedy = "Read the thing and send its ETag as If-Match."


class IdempotencyKeyMissing(DispatchError):
    """A creation must carry a key, so that repeating it after a lost answer creates nothing twice."""

    code = "IDEMPOTENCY_KEY_MISSING"
    kind = "malformed"
    remedy = "Send a header Idempotency-Key of 1 to 200 visible ASCII characters, new for each creation."


class Internal(DispatchError):
    """Something went wrong inside; nothing was changed."""

    code = "INTERNAL"
    kind = "internal"
    remedy = "Try again; if it stays, tell your administrator the number under instance."


_HTTP: Mapping[int, tuple[str, str, str]] = {
    400: ("BAD_REQUEST", "the request cannot be understood", "Correct the request."),
    404: ("ROUTE_UNKNOWN", "there is nothing at this address", "See the API description for addresses."),
    405: ("METHOD_NOT_ALLOWED", "this address does not know that method", "Use a method listed in Allow."),
    413: ("BODY_TOO_LARGE", "the body is larger than allowed", "Send less in one request."),
    415: ("MEDIA_TYPE_UNSUPPORTED", "the Content-Type is not read here", "Send application/json."),
    429: ("TOO_MANY_REQUESTS", "too many requests in this time", "Wait as long as Retry-After says."),
}
_KEPT_HEADERS = frozenset({"allow", "retry-after", "www-authenticate"})


class Problem:
    """The words of one problem+json answer."""

    TYPE: ClassVar[str] = "urn:truckroll:error:{code}"

    def __init__(
        self,
        *,
        status: int,
        code: str,
        title: str,
        detail: str,
        remedy: str,
        cause: Mapping[str, Any] | None = None,
        errors: Mapping[str, Any] | None = None,
    ) -> None:
        self.status = status
        self.code = code
        self.members = {
            "type": self.TYPE.format(code=code),
            "title": title,
            "status": status,
            "code": code,
            "detail": detail[:1000],
            "remedy": remedy,
            "instance": f"urn:truckroll:request:{logs.request_id()}",
        }
        if cause:
            self.members["cause"] = {key: _plain(value) for key, value in cause.items()}
        if errors:
            self.members["errors"] = dict(errors)

    def response(self) -> Response:
        """Return the answer; ASCII only, so that no echoed character can break it."""
        return Response(json.dumps(self.members), status=self.status, content_type=PROBLEM_JSON)


def register(app: Flask) -> None:
    """Answer every error of the application as problem+json."""
    app.register_error_handler(Exception, answer)


def answer(error: Exception) -> Response:
    """Return the answer to whatever was raised."""
    refusal = error if isinstance(error, DispatchError) else db.refusal_of(error)
    if refusal is not None:
        if refusal is not error:
            logs.note("database_refusal", error=error, code=refusal.code)
        return _refused(refusal)
    if isinstance(error, HTTPException):
        return _http(error)
    logs.note("internal_error", error=error, frames=True)
    return _refused(Internal("something went wrong inside"))


def _refused(error: DispatchError) -> Response:
    detail = dict(error.detail)
    errors = detail.pop("errors", None)
    retry_after = detail.pop("retry_after", None)
    title = (type(error).__doc__ or error.code).strip().splitlines()[0]
    status = STATUS_OF_KIND.get(error.kind, 422)
    problem = Problem(
        status=status,
        code=error.code,
        title=title,
        detail=error.message,
        remedy=error.remedy,
        cause=detail,
        errors=errors,
    )
    response = problem.response()
    if status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    if status in {429, 503}:
        response.headers["Retry-After"] = str(retry_after or RETRY_SECONDS)
    g.error_code = error.code
    return response


def _http(error: HTTPException) -> Response:
    status = error.code or 500
    if status < 400:  # a redirect
        return cast("Response", Response.force_type(error.get_response(), request.environ))
    name = re.sub(r"\W+", "_", error.name).upper()
    code, detail, remedy = _HTTP.get(status, (name, error.name, "Correct the request."))
    problem = Problem(status=status, code=code, title=error.name, detail=detail, remedy=remedy)
    response = problem.response()
    for name, value in error.get_headers():
        if name.lower() in _KEPT_HEADERS:
            response.headers[name] = value
    g.error_code = code
    return response


def _plain(value: Any) -> Any:
    """Return a value of an error's detail as JSON can carry it."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key)[:100]: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return str(value)[:1000]
