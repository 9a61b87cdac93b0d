"""Every address of the application with a request that could be sent to it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flask import Flask
from werkzeug.routing import IntegerConverter, UUIDConverter

from api.auth import Policy, policies


@dataclass(frozen=True, slots=True)
class Address:
    """One route and method, with a path in which every id is unknown."""

    rule: str
    method: str
    path: str
    policy: Policy
    endpoint: str

    def __str__(self) -> str:
        return f"{self.method} {self.rule}"


def addresses(app: Flask) -> list[Address]:
    """Every address; those that end a login come last."""
    return sorted(_addresses(app), key=lambda each: ("logout" in each.rule, each.rule, each.method))


def _addresses(app: Flask) -> Iterator[Address]:
    by_rule = policies(app)
    for rule in app.url_map.iter_rules():
        values = {name: _sample(converter) for name, converter in rule._converters.items()}
        built = rule.build(values, append_unknown=False)
        assert built is not None, rule.rule
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            found = by_rule[rule.rule, method]
            assert found is not None, f"{method} {rule.rule} has no policy"
            yield Address(rule.rule, method, built[1], found, rule.endpoint)


def _sample(converter: Any) -> Any:
    if isinstance(converter, UUIDConverter):
        return uuid.UUID("00000000-0000-7000-8000-000000000000")
    return 1 if isinstance(converter, IntegerConverter) else "2026-03-02"
