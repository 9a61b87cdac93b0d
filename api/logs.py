"""
One JSON line per request, and one per failure: allow-listed fields, never a value of the request (S20).

An error is logged by its class and the places it passed, without its message: messages quote values, and
values are customers' names. JSON escapes CR and LF, so that no line can be forged.
"""

from __future__ import annotations

import sys
import time
import traceback
import uuid
from pathlib import Path
from typing import Any

import structlog
from flask import Flask, Response, g, has_request_context, request
from structlog.typing import EventDict, WrappedLogger

from dispatch.logs import Lines

ALLOWED = frozenset(
    {
        "event",
        "timestamp",
        "level",
        "request_id",
        "method",
        "route",
        "status",
        "code",
        "milliseconds",
        "user_id",
        "device_id",
        "error",
        "frames",
    }
)


def _only_allowed(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    return {key: value for key, value in event.items() if key in ALLOWED}


_PROCESSORS = (
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    _only_allowed,
    structlog.processors.JSONRenderer(ensure_ascii=True),
)


def note(event: str, *, error: BaseException | None = None, frames: bool = False, code: str = "") -> None:
    """Log a failure of the current request."""
    fields: dict[str, Any] = {"code": code} if code else {}
    if error is not None:
        fields["error"] = f"{type(error).__module__}.{type(error).__qualname__}"
        if frames:
            fields["frames"] = _places(error)
    _write(event, **fields)


def request_id() -> str:
    """Return the number of this request, made by us and never taken from outside."""
    if not has_request_context():
        return "none"
    if "request_id" not in g:
        g.request_id = uuid.uuid4().hex
    number: str = g.request_id
    return number


def register(app: Flask) -> None:
    """Log every request when it was answered."""
    app.before_request(_begin)
    app.after_request(_end)


def _begin() -> None:
    g.began = time.monotonic()


def _end(response: Response) -> Response:
    began = g.get("began", time.monotonic())
    _write(
        "request",
        status=response.status_code,
        code=g.get("error_code", ""),
        milliseconds=round((time.monotonic() - began) * 1000, 1),
    )
    return response


def _write(event: str, **fields: Any) -> None:
    if has_request_context():
        identity = g.get("identity")
        fields |= {
            "request_id": request_id(),
            "method": request.method[:10],
            "route": request.url_rule.rule if request.url_rule else "",
        }
        if identity is not None:
            fields["user_id"] = str(identity.principal.user_id)
            fields["device_id"] = str(identity.principal.device_id or "")
    structlog.wrap_logger(Lines(sys.stderr), processors=_PROCESSORS).info(event, **fields)


def _places(error: BaseException) -> list[str]:
    """Where the error passed: file, line and function, innermost last; never a value."""
    steps = traceback.extract_tb(error.__traceback__)
    return [f"{Path(step.filename).name}:{step.lineno} {step.name}" for step in steps[-20:]]
