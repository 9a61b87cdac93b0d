"""Changes are decided on a version: ETag out, If-Match in, never a lost update."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, TypeVar, cast

from flask import g, request

from api.described import describe
from api.errors import IfMatchMissing, MalformedRequest

View = TypeVar("View", bound=Callable[..., Any])

IF_MATCH = {
    "in": "header",
    "name": "If-Match",
    "required": True,
    "description": "ETag of the version this change was decided on.",
    "schema": {"type": "string", "pattern": '^"[0-9]{1,18}"$', "example": '"3"'},
}
ETAG_HEADER = {"ETag": {"description": "Version of the thing.", "schema": {"type": "string"}}}
_VERSION = re.compile(r'"([0-9]{1,18})"', re.ASCII)


def changes(view: View) -> View:
    """Require If-Match; the view passes ``expected_version()`` to the command (400, 412, 428)."""

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        g.expected_version = _read(request.headers.get("If-Match"))
        return view(*args, **kwargs)

    describe(guarded, parameters=[IF_MATCH], responses=[400, 412, 428])
    return cast("View", guarded)


def expected_version() -> int:
    """Return the version that the caller's change was decided on."""
    version: int = g.expected_version
    return version


def etag_of(thing: Any) -> str | None:
    """Return the strong ETag of a versioned thing."""
    version = thing.get("version") if isinstance(thing, Mapping) else getattr(thing, "version", None)
    return None if version is None else f'"{version}"'


def _read(value: str | None) -> int:
    if value is None or not value.strip():
        raise IfMatchMissing("a change needs If-Match")
    found = _VERSION.fullmatch(value.strip())
    if found is None:
        raise MalformedRequest('If-Match must be one ETag as it was read, such as "3"', header="If-Match")
    return int(found[1])
