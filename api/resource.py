"""A resource of the API: flask-smorest's blueprint, typed, with our parser and with ETags."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Protocol, TypeVar, cast

from flask import Response
from flask_smorest import Blueprint  # type: ignore[import-untyped]

from api.etags import ETAG_HEADER, etag_of
from api.json_body import StrictParser
from api.schemas import Schema
from api.session import flush

View = TypeVar("View", bound=Callable[..., Any])


class Decorator(Protocol):
    """A decorator that leaves the view's type as it is."""

    def __call__(self, view: View, /) -> View:
        """Return the decorated view."""
        ...


BASE = "/v1"


class Resource(Blueprint):  # type: ignore[misc]
    """
    The endpoints of one resource.

    Order of decorators: route, ``@policy``, ``@creates`` or ``@changes``, arguments, response, view.
    """

    ARGUMENTS_PARSER = StrictParser()

    def __init__(self, name: str, *, description: str, prefix: str = BASE) -> None:
        super().__init__(name, f"api.{name}", url_prefix=prefix, description=description)

    def get(self, rule: str, **options: Any) -> Decorator:
        """A view that reads."""
        return cast("Decorator", self.route(rule, methods=["GET"], **options))

    def post(self, rule: str, **options: Any) -> Decorator:
        """A view that creates or does something."""
        return cast("Decorator", self.route(rule, methods=["POST"], **options))

    def put(self, rule: str, **options: Any) -> Decorator:
        """A view that replaces."""
        return cast("Decorator", self.route(rule, methods=["PUT"], **options))

    def patch(self, rule: str, **options: Any) -> Decorator:
        """A view that changes."""
        return cast("Decorator", self.route(rule, methods=["PATCH"], **options))

    def delete(self, rule: str, **options: Any) -> Decorator:
        """A view that removes."""
        return cast("Decorator", self.route(rule, methods=["DELETE"], **options))

    def arguments(self, schema: type[Schema], *, location: str = "json", **options: Any) -> Decorator:
        """Read the body, or with ``location="query"`` the parameters, as the view's first argument."""
        return cast("Decorator", super().arguments(schema, location=location, **options))

    def alt_response(self, status_code: int, **options: Any) -> Decorator:
        """Describe another answer that the view itself gives."""
        return cast("Decorator", super().alt_response(status_code, **options))

    def response(
        self,
        status_code: int,
        schema: type[Schema] | Schema | None = None,
        *,
        headers: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> Decorator:
        """Answer with a shape; one that shows a ``version`` carries the ETag as well."""
        shape = schema() if isinstance(schema, type) else schema
        is_versioned = shape is not None and not shape.many and "version" in shape.fields
        described = {**(headers or {}), **(ETAG_HEADER if is_versioned else {})} or None
        answering = super().response(status_code, shape, headers=described, **options)

        def decorate(view: View) -> View:
            @wraps(view)
            def flushed(*args: Any, **kwargs: Any) -> Any:
                result = view(*args, **kwargs)
                flush()
                if is_versioned and not isinstance(result, Response | tuple):
                    return result, {"ETag": etag_of(result)}
                return result

            return cast("View", answering(flushed))

        return decorate
