"""Creations carry an Idempotency-Key: repeated, they get the first answer and have no second effect."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, TypeVar, cast

from flask import Response, current_app, request

from api.auth import current_principal
from api.described import describe
from api.errors import IdempotencyKeyMissing
from api.session import current_session, flush
from dispatch.access import answers
from dispatch.access.answers import KeptAnswer, Question

View = TypeVar("View", bound=Callable[..., Any])

IDEMPOTENCY_KEY = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": True,
    "description": "New for each creation; repeat it to repeat the same request safely.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$"},
}
_KEY = re.compile(r"[!-~]{1,200}", re.ASCII)
_KEPT_HEADERS = ("ETag", "Location")


def creates(view: View) -> View:
    """Require an Idempotency-Key and answer a repeated request with the first answer (400, 409, 422)."""
    return _creating(view, hidden=())


def creates_secret(*hidden: str) -> Callable[[View], View]:
    """The same, for an answer with secrets: these members are not kept, a repeated request gets ``null``."""
    return lambda view: _creating(view, hidden=hidden)


def _creating(view: View, *, hidden: Sequence[str]) -> View:
    @wraps(view)
    def once(*args: Any, **kwargs: Any) -> Response:
        question = _question()
        kept = answers.claim(current_session(), question)
        if kept is not None:
            headers = kept.headers | {"Idempotency-Replayed": "true"}
            return Response(kept.body, kept.status, headers, mimetype="application/json")
        response = current_app.make_response(view(*args, **kwargs))
        if response.status_code < 400:
            flush()
            answers.keep(current_session(), question, _answer(response, hidden))
        return response

    describe(once, parameters=[IDEMPOTENCY_KEY], responses=[400, 409])
    return cast("View", once)


def _question() -> Question:
    key = request.headers.get("Idempotency-Key", "")
    if not _KEY.fullmatch(key):
        raise IdempotencyKeyMissing("Idempotency-Key must be 1 to 200 visible ASCII characters")
    route = f"{request.method} {request.full_path}"
    digest = hashlib.sha256(f"{route}\n{request.mimetype}\n".encode() + request.get_data(cache=True))
    return Question(current_principal().user_id, key, route, digest.hexdigest())


def _answer(response: Response, hidden: Sequence[str]) -> KeptAnswer:
    body = response.get_data(as_text=True)
    if hidden:
        shown = json.loads(body)
        body = json.dumps(shown | dict.fromkeys(hidden))
    headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
    return KeptAnswer(response.status_code, body, headers)
