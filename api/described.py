"""Adds parameters and answers to the API description of a view."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from http import HTTPStatus
from typing import Any

_NOTES = "_apidoc"
"""Where flask-smorest keeps what its decorators know of a view."""


def describe(
    view: Any, *, parameters: Sequence[Mapping[str, Any]] = (), responses: Sequence[int] = ()
) -> None:
    """Note header parameters and error statuses of a view."""
    notes = deepcopy(getattr(view, _NOTES, {}))
    of_arguments = notes.setdefault("arguments", {})
    of_arguments.setdefault("parameters", []).extend(dict(parameter) for parameter in parameters)
    of_arguments.setdefault("responses", {}).update({status: HTTPStatus(status).name for status in responses})
    setattr(view, _NOTES, notes)
