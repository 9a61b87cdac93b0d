"""Territories are drawn and redrawn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import db, text
from dispatch.errors import Conflict
from dispatch.territories import rules
from dispatch.territories.model import Territory

if TYPE_CHECKING:
    from dispatch.access.rules import Principal

CHANGEABLE = frozenset(
    {
        "name",
        "timezone",
        "boundary",
        "emergency_reserve_percent",
        "emergency_reserve_days",
        "auto_publish",
        "planning_policy",
        "freeze_minutes",
        "is_active",
    }
)


class TerritoryCodeTaken(Conflict):
    """Another territory has this code already."""

    code = "TERRITORY_CODE_TAKEN"
    remedy = "Choose another code, or change the existing territory."


def create_territory(
    session: Session, *, by: Principal | None, code: str, name: str, timezone: str, boundary: rules.Ring
) -> Territory:
    """Draw a new territory."""
    short = text.code(code, "code")
    if session.scalar(select(Territory.id).where(Territory.code == short)):
        raise TerritoryCodeTaken(f"territory {short} exists")
    territory = Territory(
        code=short,
        name=text.line(name, "name"),
        timezone=rules.checked_zone(timezone),
        boundary=rules.checked_boundary(boundary),
    )
    session.add(territory)
    db.flush(session)
    return territory


def update_territory(
    session: Session,
    *,
    by: Principal | None,
    territory: Territory,
    changes: Mapping[str, Any],
    expected_version: int | None = None,
) -> Territory:
    """Rename, redraw or retire a territory; sites keep the territory they were put in."""
    territory.expect_version(expected_version)
    text.only_known(changes, CHANGEABLE)
    if "name" in changes:
        territory.name = text.line(changes["name"], "name")
    if "timezone" in changes:
        territory.timezone = rules.checked_zone(changes["timezone"])
    if "boundary" in changes:
        territory.boundary = rules.checked_boundary(changes["boundary"])
    if "emergency_reserve_percent" in changes:
        share = text.whole(
            changes["emergency_reserve_percent"], "emergency_reserve_percent", 0, rules.MOST_RESERVED
        )
        territory.emergency_reserve_percent = share
    if "emergency_reserve_days" in changes:
        territory.emergency_reserve_days = rules.checked_reserves(changes["emergency_reserve_days"])
    if "auto_publish" in changes:
        territory.auto_publish = dict(changes["auto_publish"])
    if "planning_policy" in changes:
        territory.planning_policy = text.choice(
            changes["planning_policy"], "planning_policy", rules.PLANNING_POLICIES
        )
    if "freeze_minutes" in changes:
        territory.freeze_minutes = text.whole(
            changes["freeze_minutes"], "freeze_minutes", 0, rules.MOST_FROZEN
        )
    if "is_active" in changes:
        territory.is_active = bool(changes["is_active"])
    db.flush(session)
    return territory
