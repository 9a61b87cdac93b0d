"""Rules of the house: what is done by the clock, and when; each can be switched (R-301 to R-307, R-402)."""

from __future__ import annotations

from typing import Any, cast

from marshmallow import fields

from api import roles
from api.auth import current_principal, policy
from api.etags import changes, expected_version
from api.fields import Flag, Whole
from api.resource import Resource
from api.schemas import Schema
from api.session import current_session
from dispatch.contracts.house_rules import (
    RANGES,
    RULES,
    HouseRules,
    change_house_rules,
    rules_row,
)

resource = Resource("house_rules", description="What is done by the clock, and when.")


def _shape_of(name: str, *, are_changes: bool) -> type[Schema]:
    """A field for every rule of the house: as a change it may be null, as what is in force it is there."""
    how: dict[str, Any] = {"allow_none": True} if are_changes else {"required": True}
    shape: dict[str, fields.Field[Any]] = {
        rule: (Whole(*(RANGES[rule] if are_changes else ()), **how) if rule in RANGES else Flag(**how))
        for rule in RULES
    }
    return cast("type[Schema]", Schema.from_dict(shape, name=name))


HouseRuleChanges = _shape_of("HouseRuleChanges", are_changes=True)
"""Rules to set; null goes back to what counts otherwise."""
HouseRulesInForce = _shape_of("HouseRulesInForce", are_changes=False)
"""The value of every rule."""


class HouseRulesShape(Schema):
    """What counts for customers without a contract, and which values are the company's own."""

    version = Whole(required=True)
    in_force = fields.Nested(HouseRulesInForce, required=True)
    own = fields.Dict(required=True)


@resource.get("/house-rules")
@policy(*roles.READERS)
@resource.response(200, HouseRulesShape)
def read_house_rules() -> object:
    """The rules in force; a contract may have its own."""
    return _shown()


@resource.patch("/house-rules")
@policy(*roles.ADMINS)
@changes
@resource.arguments(HouseRuleChanges)
@resource.response(200, HouseRulesShape)
def set_house_rules(body: dict[str, Any]) -> object:
    """Set rules of the company; what is left out stays."""
    change_house_rules(
        current_session(), by=current_principal(), changes=body, expected_version=expected_version()
    )
    return _shown()


def _shown() -> dict[str, Any]:
    row = rules_row(current_session())
    return {"version": row.version, "own": row.values, "in_force": HouseRules.of(row.values)}
