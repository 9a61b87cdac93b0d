"""What the reference phone makes of answers: only ours decide anything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx


class NothingDecided(Exception):
    """No answer of ours came: everything stays as it is and is sent again."""

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        code: str = "",
        cause: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.cause = cause or {}


def undecided(response: httpx.Response) -> NothingDecided:
    """Return a refusal with its code and cause, if it is one of ours."""
    found = json_of(response)
    problem = found if isinstance(found, dict) else {}
    code = str(problem.get("code", ""))
    message = f"{response.status_code} {code} {problem.get('detail', '')}"
    cause = problem.get("cause")
    told = cause if isinstance(cause, dict) else {}
    return NothingDecided(message, status=response.status_code, code=code, cause=told)


def json_of(response: httpx.Response) -> Any:
    """Return the body as JSON, or None."""
    try:
        return response.json()
    except ValueError:
        return None
