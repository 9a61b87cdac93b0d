"""Answers that are files: PDF papers and attachments, never run or sniffed by a browser (S14)."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Protocol, TypeVar, cast

from flask import Response, request
from flask_smorest import Blueprint  # type: ignore[import-untyped]

from api.errors import RequestInvalid
from api.fields import Word
from api.resource import Resource
from api.schemas import QuerySchema

View = TypeVar("View", bound=Callable[..., Any])

PDF = "application/pdf"
BINARY = {"type": "string", "format": "binary"}
LANGUAGES = ("en", "zh")
FORM_BYTES = 10_000
"""What surrounds a file in a multipart body."""


class Decorator(Protocol):
    """A decorator that leaves the view's type as it is."""

    def __call__(self, view: View, /) -> View:
        """Return the decorated view."""
        ...


class LanguageArgs(QuerySchema):
    """The paper's language; without it the customer's, or the first one printed."""

    language = Word(LANGUAGES, load_default=None)


def serves(resource: Resource, content_type: str = PDF) -> Decorator:
    """Describe an answer that is a file."""
    describing = Blueprint.response(resource, 200, BINARY, content_type=content_type)
    return cast("Decorator", describing)


def file_answer(content: bytes, *, name: str, sha256: str = "", media_type: str = PDF) -> Response:
    """Return a file to be saved, not shown; with its hash it is sent only when the caller lacks it."""
    answer = Response(content, mimetype=media_type)
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    answer.headers["X-Content-Type-Options"] = "nosniff"
    if sha256:
        answer.set_etag(sha256)
        answer.make_conditional(request)
    return answer


def refuse_form_fields() -> None:
    """Refuse form fields beside a file: none is read."""
    if request.form:
        raise RequestInvalid(
            "only a file is read here", errors={name[:100]: ["Unknown field."] for name in request.form}
        )


def takes_files(most_bytes: int) -> Decorator:
    """Accept a body as large as one file may be, whatever the usual limit."""

    def decorate(view: View) -> View:
        @wraps(view)
        def roomy(*args: Any, **kwargs: Any) -> Any:
            request.max_content_length = most_bytes + FORM_BYTES
            return view(*args, **kwargs)

        return cast("View", roomy)

    return decorate
