"""JSON that can have only one meaning: everything else is refused with its cause named (S13)."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any, NoReturn

import marshmallow as ma
from flask import Request
from webargs.core import missing
from webargs.flaskparser import FlaskParser, is_json_request

from api.errors import MalformedJson, MediaTypeUnsupported, RequestInvalid

DEEPEST = 32
LARGEST_INTEGER = 2**63 - 1
MOST_ERRORS = 50
MOST_VALUES = 50_000
"""Values in one body; so many, each refused by its name, take some twenty megabytes."""
_STRINGS_AND_MARKS = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{},]', re.DOTALL)
_RISKY_ESCAPE = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")


def parse(raw: bytes, *, most_values: int = MOST_VALUES) -> Any:
    """Return the value of a JSON body, or refuse it."""
    if not raw.strip():
        _refuse("empty", "the body is empty")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        _refuse("encoding", "the body is not UTF-8")
    _check_shape(text, most_values)
    try:
        value = json.loads(
            text,
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_float=_number,
            parse_constant=_constant,
        )
    except json.JSONDecodeError as error:
        _refuse("syntax", f"the body is not JSON: line {error.lineno}, column {error.colno}")
    if _RISKY_ESCAPE.search(text):
        _check_strings(value)
    return value


def _check_shape(text: str, most_values: int) -> None:
    """Refuse what would take a server's memory, before anything is made of it."""
    depth = values = 0
    for token in _STRINGS_AND_MARKS.finditer(text):
        character = text[token.start()]
        values += character in "[{,"
        if values > most_values:
            _refuse("values", f"the body has more than {most_values} values")
        if character in "[{":
            depth += 1
            if depth > DEEPEST:
                _refuse("depth", f"the body is nested deeper than {DEEPEST}")
        elif character in "]}":
            depth -= 1


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        _refuse("duplicate_key", "an object has the same key twice")
    return found


def _integer(digits: str) -> int:
    if len(digits) > 20 or not -LARGEST_INTEGER - 1 <= int(digits) <= LARGEST_INTEGER:
        _refuse("integer", "a whole number is larger than 64 bits")
    return int(digits)


def _number(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value) or len(digits) > 100:
        _refuse("number", "a number is too large or too long")
    return value


def _constant(name: str) -> NoReturn:
    _refuse("constant", f"{name} is not JSON")


def _check_strings(value: Any) -> None:
    """Refuse NUL and lone surrogates; only called when an escape could have made one."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            waiting += [*item.keys(), *item.values()]
        elif isinstance(item, list):
            waiting += item
        elif isinstance(item, str):
            if "\x00" in item:
                _refuse("nul", "a text contains a NUL character")
            if any("\ud800" <= character <= "\udfff" for character in item):
                _refuse("surrogate", "a text contains half a surrogate pair")


def _refuse(reason: str, message: str) -> NoReturn:
    raise MalformedJson(message, reason=reason)


class StrictParser(FlaskParser):
    """webargs with our JSON, unknown query parameters refused, and our errors."""

    DEFAULT_UNKNOWN_BY_LOCATION: dict[str, str | None] = {  # noqa: RUF012 - webargs declares it so
        **FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION,
        "query": ma.RAISE,
        "querystring": ma.RAISE,
    }

    def _raw_load_json(self, req: Request) -> Any:
        if not is_json_request(req) and req.get_data(cache=True):
            raise MediaTypeUnsupported(
                "the body must be application/json", content_type=req.mimetype[:100] or "none"
            )
        value = parse(req.get_data(cache=True))
        if value is None:
            raise RequestInvalid("the body must be an object", errors={"_schema": ["Must be an object."]})
        return value

    def load_json(self, req: Request, schema: ma.Schema) -> Any:
        """Read the body; there is no form fallback and no silent default."""
        return self._raw_load_json(req)

    def load_form(self, req: Request, schema: ma.Schema) -> Any:
        """Forms are not read."""
        return missing

    def handle_error(
        self,
        error: ma.ValidationError,
        req: Request,
        schema: ma.Schema,
        *,
        error_status_code: int | None,
        error_headers: Mapping[str, str] | None,
    ) -> NoReturn:
        """Refuse with the fields named, whatever their location."""
        fields: dict[str, Any] = {}
        by_location = error.messages if isinstance(error.messages, dict) else {"": error.messages}
        for messages in by_location.values():
            fields |= messages if isinstance(messages, dict) else {"_schema": messages}
        shown = {str(name)[:100]: fields[name] for name in list(fields)[:MOST_ERRORS]}
        names = ", ".join(shown)
        raise RequestInvalid(f"these fields are not acceptable: {names}", errors=_short(shown)) from None


def _short(messages: Any) -> Any:
    if isinstance(messages, dict):
        return {str(key)[:100]: _short(messages[key]) for key in list(messages)[:MOST_ERRORS]}
    if isinstance(messages, list):
        return [_short(item) for item in messages[:MOST_ERRORS]]
    return str(messages)[:300]
