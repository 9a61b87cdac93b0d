"""
Every refusal of the domain: a code, what happened, and what to do about it.

The docstring of a class is its explanation in the error catalogue. ``kind`` is a word the HTTP layer
maps to a status (``api/errors.py``); the domain never knows status numbers.
"""

from __future__ import annotations

from typing import Any, ClassVar


class DispatchError(Exception):
    """Something the caller asked for was refused; nothing was changed."""

    code: ClassVar[str] = "REFUSED"
    # invalid | missing | conflict | forbidden | unauthenticated | stale | limited | unavailable
    kind: ClassVar[str] = "invalid"
    remedy: ClassVar[str] = "Read the message, change the request and send it again."
    permanent: ClassVar[bool] = False  # a job that meets it is parked at once: no repetition would help

    def __init__(self, message: str, **detail: Any) -> None:
        super().__init__(message)
        self.message = message
        self.detail: dict[str, Any] = detail


class Invalid(DispatchError):
    """A value cannot be accepted as it is."""

    code = "INVALID"


class SettingInvalid(Invalid):
    """A setting from the environment has a value that cannot be used."""

    code = "SETTING_INVALID"
    remedy = "Correct the named environment variable and start again."


class NotFound(DispatchError):
    """There is no such thing, or it lies outside what the caller may see; both look the same."""

    code = "NOT_FOUND"
    kind = "missing"
    remedy = "Check the id; ask an administrator if you should see this territory."


class Stale(DispatchError):
    """The thing was changed by somebody else since it was read."""

    code = "STALE"
    kind = "stale"
    remedy = "Read it again and repeat the change on the newest version."


class Conflict(DispatchError):
    """The request contradicts the present state."""

    code = "CONFLICT"
    kind = "conflict"
    remedy = "Read the present state and decide again."


class Forbidden(DispatchError):
    """The caller's role may not do this."""

    code = "FORBIDDEN"
    kind = "forbidden"
    remedy = "Ask somebody whose role allows it."


class TransitionRefused(Conflict):
    """The state machine has no such step from the present state for this role."""

    code = "TRANSITION_REFUSED"
    remedy = "Read the thing's present state; only the steps listed for it are possible."
