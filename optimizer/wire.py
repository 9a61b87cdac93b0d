"""
The JSON form of problems and plans: versioned, exact both ways, strict about what it reads.

Fields are named as in the data types; those at their default value are left out. Everything that is not as
documented is refused with the path to it, so that a typing error never becomes a silent default.
"""

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import date
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from optimizer.errors import OptimizerError
from optimizer.plan import Plan
from optimizer.problem import Matrix, Problem
from optimizer.roads import RoadTable, WholeTable

FORMAT = 1
T = TypeVar("T")
_ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


class MalformedInput(OptimizerError):
    """A file that is not a problem or plan as documented; ``path`` says where."""

    def __init__(self, path: str, code: str, cause: str, *, remedy: str) -> None:
        self.path = path
        self.code = code
        super().__init__(f"{path}: {cause}", remedy)


def problem_to_json(problem: Problem) -> dict[str, Any]:
    """A problem as plain JSON values."""
    return {"format": FORMAT, **encode(problem)}


def plan_to_json(plan: Plan) -> dict[str, Any]:
    """A plan as plain JSON values."""
    return {"format": FORMAT, **encode(plan)}


def problem_from_json(found: Any) -> Problem:
    """A problem out of JSON values."""
    return _decode(Problem, _unversioned(found), "problem")


def plan_from_json(found: Any) -> Plan:
    """A plan out of JSON values."""
    return _decode(Plan, _unversioned(found), "plan")


def read_problem(path: Path) -> Problem:
    """Read a problem file."""
    return problem_from_json(_read(path))


def read_plan(path: Path) -> Plan:
    """Read a plan file."""
    return plan_from_json(_read(path))


def write(path: Path, found: Mapping[str, Any]) -> None:
    """Write JSON values to a file, whole or not at all."""
    draft = path.with_name(f"{path.name}.part")
    try:
        draft.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        remedy = "name a place where you may write"
        raise MalformedInput(
            str(path), "UNWRITABLE_FILE", error.strerror or "no access", remedy=remedy
        ) from error


def _read(path: Path) -> Any:
    """JSON values of a file."""
    return parse(text_of(path), name=str(path))


def text_of(path: Path) -> str:
    """The text of a file."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        cause = error.strerror or "no access"
        raise MalformedInput(str(path), "UNREADABLE_FILE", cause, remedy="name an existing file") from error
    except UnicodeDecodeError as error:
        raise MalformedInput(str(path), "NOT_JSON", "not UTF-8 text", remedy="save it as UTF-8") from error


def parse(text: str, *, name: str = "input") -> Any:
    """JSON values of a text; doubled fields, NaN and endless nesting are refused."""
    try:
        return json.loads(text, object_pairs_hook=_no_doubles, parse_constant=_no_constants)
    except RecursionError as error:
        raise MalformedInput(name, "NOT_JSON", "nested too deep", remedy="see the problem format") from error
    except ValueError as error:
        raise MalformedInput(name, "NOT_JSON", str(error), remedy="correct the JSON") from error


def _no_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose fields are all different."""
    found = dict(pairs)
    if len(found) < len(pairs):
        doubled = Counter(key for key, _ in pairs).most_common(1)[0][0]
        raise ValueError(f"field {doubled[:40]!r} is given twice in one object")
    return found


def _no_constants(constant: str) -> None:
    """NaN and Infinity are not JSON."""
    raise ValueError(f"{constant} is not a number")


def _unversioned(found: Any) -> dict[str, Any]:
    """The fields of a document of this format version."""
    if not isinstance(found, dict):
        raise _wrong("$", "an object", found)
    version = found.get("format")
    if version != FORMAT or isinstance(version, bool):
        cause = f"format is {version!r}" if "format" in found else "the field format is missing"
        raise MalformedInput("format", "WRONG_FORMAT", cause, remedy=f'write "format": {FORMAT}')
    return {key: value for key, value in found.items() if key != "format"}


def encode(value: Any) -> Any:
    """JSON form of any value of the data types."""
    if is_dataclass(value) and not isinstance(value, type):
        return {
            spec.name: encode(getattr(value, spec.name))
            for spec in public_fields(type(value))
            if not _is_understood(value, spec)
        }
    if isinstance(value, WholeTable | RoadTable):
        return [row.tolist() for row in value]
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, tuple):
        return [encode(item) for item in value]
    if isinstance(value, Mapping):
        return {key: value[key] for key in sorted(value)}
    return value.isoformat() if isinstance(value, date) else value


def _is_understood(value: Any, spec: "Field[Any]") -> bool:
    """Whether a field need not be written: it is at its default, or a table that follows from positions."""
    found = getattr(value, spec.name)
    return found == default_of(spec) or (
        isinstance(value, Matrix) and value.straight is not None and isinstance(found, RoadTable)
    )


@cache
def public_fields(kind: type) -> tuple["Field[Any]", ...]:
    """Fields that belong to the JSON form."""
    return tuple(spec for spec in fields(kind) if spec.init)


def default_of(spec: "Field[Any]") -> Any:
    """Default value of a field, MISSING when it must be given."""
    return spec.default_factory() if spec.default_factory is not MISSING else spec.default


@cache
def _hints(kind: type) -> dict[str, Any]:
    """Types of the fields of a data type."""
    return get_type_hints(kind)


def _decode(kind: type[T], found: dict[str, Any], path: str) -> T:
    """One data type out of an object."""
    hashable: Any = kind
    specs = {spec.name: spec for spec in public_fields(hashable)}
    hints = _hints(hashable)
    unknown = sorted(set(found) - set(specs))
    if unknown:
        remedy = f"use: {', '.join(specs)}"
        raise MalformedInput(f"{path}.{unknown[0][:40]}", "UNKNOWN_FIELD", "no such field", remedy=remedy)
    values: dict[str, Any] = {}
    for name, spec in specs.items():
        if name in found:
            values[name] = _value(hints[name], found[name], f"{path}.{name}")
        elif default_of(spec) is MISSING:
            raise MalformedInput(f"{path}.{name}", "MISSING_FIELD", "the field is missing", remedy="add it")
    try:
        return kind(**values)
    except ValueError as error:
        raise MalformedInput(path, "WRONG_VALUE", str(error), remedy="correct it") from error


def _value(hint: Any, found: Any, path: str) -> Any:
    """One value of a given type."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin in {Union, UnionType}:
        return None if found is None else _value(next(i for i in inner if i is not NoneType), found, path)
    if origin is tuple:
        return _row(inner[0], found, path)
    if origin is frozenset:
        return frozenset(_row(str, found, path))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return _amounts(found, path)
    if is_dataclass(hint) and isinstance(hint, type):
        if not isinstance(found, dict):
            raise _wrong(path, "an object", found)
        return _decode(hint, found, path)
    return _scalar(hint, found, path)


def _row(hint: Any, found: Any, path: str) -> tuple[Any, ...]:
    """A list of values of one type; rows of the matrix take the short way."""
    if not isinstance(found, list):
        raise _wrong(path, "a list", found)
    if hint is int and all(type(item) is int for item in found):
        return tuple(found)
    return tuple(_value(hint, item, f"{path}[{i}]") for i, item in enumerate(found))


def _amounts(found: Any, path: str) -> dict[str, int]:
    """An object of names and whole numbers."""
    if not isinstance(found, dict):
        raise _wrong(path, "an object", found)
    return {_scalar(str, k, path): _scalar(int, v, f"{path}.{k[:40]}") for k, v in found.items()}


def _scalar(hint: Any, found: Any, path: str) -> Any:
    """A whole number, a truth value, a text or a day."""
    if hint is date:
        if isinstance(found, str) and _ISO_DAY.fullmatch(found):
            try:
                return date.fromisoformat(found)
            except ValueError:
                pass
        raise _wrong(path, "a day such as 2026-03-02", found)
    if type(found) is not hint:
        names = {int: "a whole number", bool: "true or false", str: "a text"}
        raise _wrong(path, names[hint], found)
    if hint is str and any("\ud800" <= character <= "\udfff" for character in found):
        raise _wrong(path, "a text of valid characters", "half a character")
    return found


def _wrong(path: str, expected: str, found: Any) -> MalformedInput:
    """The error for a value of another type than documented."""
    shown = ascii(found)
    shown = shown if len(shown) <= 60 else f"{shown[:57]}..."
    remedy = "see docs/reference/problem-format.md"
    return MalformedInput(path, "WRONG_TYPE", f"expected {expected}, found {shown}", remedy=remedy)
