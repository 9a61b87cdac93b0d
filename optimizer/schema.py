"""JSON Schema (draft 2020-12) of problem and plan files, made from the data types: ``truckroll schema``."""

from collections.abc import Mapping
from dataclasses import MISSING, is_dataclass
from datetime import date
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from optimizer import wire
from optimizer.described import described_fields
from optimizer.errors import OptimizerError
from optimizer.plan import Plan
from optimizer.problem import Problem
from optimizer.work import ARRIVAL, FINISH, START

DIALECT = "https://json-schema.org/draft/2020-12/schema"
ROOTS: Mapping[str, type] = {"problem": Problem, "plan": Plan}
FURTHER: dict[tuple[str, str], dict[str, Any]] = {
    ("Visit", "window_end"): {"enum": [ARRIVAL, START, FINISH]},
    ("Visit", "priority"): {"minimum": 1, "maximum": 5},
    ("Visit", "duration"): {"minimum": 0},
    ("Break", "duration"): {"minimum": 1},
    ("Technician", "overtime"): {"minimum": 0},
    ("Traffic", "factors"): {"minItems": 24, "maxItems": 24},
    ("Policy", "unserved_cents_by_priority"): {"minItems": 5, "maxItems": 5},
}
"""What validation demands of single fields beyond their type."""
SCALARS: dict[Any, dict[str, Any]] = {
    int: {"type": "integer"},
    str: {"type": "string"},
    bool: {"type": "boolean"},
    date: {"type": "string", "format": "date", "pattern": r"^\d{4}-\d{2}-\d{2}$"},
}


class UnknownSchema(OptimizerError):
    """A schema is asked for that does not exist."""

    code: str = "UNKNOWN_SCHEMA"


def schema(name: str) -> dict[str, Any]:
    """Return the schema of ``problem`` or ``plan`` files; raises ``UnknownSchema``."""
    if name not in ROOTS:
        raise UnknownSchema(f"there is no schema {name[:40]!r}", f"use one of: {', '.join(ROOTS)}")
    kinds: dict[str, type] = {}
    root = _object(ROOTS[name], kinds)
    root["properties"] = {"format": {"const": wire.FORMAT}, **root["properties"]}
    root["required"] = ["format", *root["required"]]
    definitions: dict[str, Any] = {}
    while waiting := sorted(set(kinds) - set(definitions)):
        for kind in waiting:
            definitions[kind] = _object(kinds[kind], kinds)
    return {
        "$schema": DIALECT,
        "$id": f"urn:truckroll:{name}:{wire.FORMAT}",
        "title": f"Truckroll {name} file, format {wire.FORMAT}",
        **root,
        "$defs": dict(sorted(definitions.items())),
    }


def _object(kind: type, kinds: dict[str, type]) -> dict[str, Any]:
    """One data type; those it names are noted in ``kinds``."""
    intro, described = described_fields(kind)
    hints = get_type_hints(kind)
    required, properties = [], {}
    for spec in wire.public_fields(kind):
        found = _type(hints[spec.name], kinds) | FURTHER.get((kind.__name__, spec.name), {})
        properties[spec.name] = {**found, "description": described[spec.name]}
        if wire.default_of(spec) is MISSING:
            required.append(spec.name)
    return {
        "description": intro,
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def _type(hint: Any, kinds: dict[str, type]) -> dict[str, Any]:
    """What JSON a type is written as."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin in {Union, UnionType}:
        return {"anyOf": [_type(next(i for i in inner if i is not NoneType), kinds), {"type": "null"}]}
    if origin in {tuple, frozenset}:
        return {"type": "array", "items": _type(inner[0], kinds)}
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {"type": "object", "additionalProperties": _type(inner[1], kinds)}
    if is_dataclass(hint) and isinstance(hint, type):
        kinds[hint.__name__] = hint
        return {"$ref": f"#/$defs/{hint.__name__}"}
    return SCALARS[hint].copy()
