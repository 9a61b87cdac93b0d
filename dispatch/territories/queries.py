"""Which territory a position lies in, and which territories a person may see."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch.errors import NotFound
from dispatch.territories import rules
from dispatch.territories.model import Territory

if TYPE_CHECKING:
    from dispatch.access.rules import Principal


def containing(session: Session, latitude: float, longitude: float) -> Territory:
    """Return the active territory a position lies in; where two overlap, the first by code."""
    rules.check_position(latitude, longitude)
    active = select(Territory).where(Territory.is_active).order_by(Territory.code)
    for territory in session.scalars(active):
        if rules.contains(territory.boundary, latitude, longitude):
            return territory
    raise rules.OutsideEveryTerritory(
        f"{latitude:.5f}, {longitude:.5f} lies in no territory", latitude=latitude, longitude=longitude
    )


def find_territory(session: Session, principal: Principal, territory_id: uuid.UUID) -> Territory:
    """Return a territory the person may see."""
    found = session.get(Territory, territory_id) if principal.may_see(territory_id) else None
    if found is None:
        raise NotFound("there is no such territory")
    return found


def zone_of(session: Session, territory_id: uuid.UUID) -> str:
    """Return the time zone of a territory; a session asks once."""
    zones: dict[uuid.UUID, str] = session.info.setdefault("zones", {})
    if territory_id not in zones:
        statement = select(Territory.timezone).where(Territory.id == territory_id)
        zones[territory_id] = session.scalars(statement).one()
    return zones[territory_id]


def active_territories(session: Session) -> Sequence[uuid.UUID]:
    """Return the ids of the territories that are served."""
    return session.scalars(select(Territory.id).where(Territory.is_active).order_by(Territory.id)).all()


def visible_territories(session: Session, principal: Principal) -> Sequence[Territory]:
    """Return the territories a person may see, by code; a company has few, so there are no pages."""
    statement = select(Territory).order_by(Territory.code)
    if principal.territory_ids is not None:
        statement = statement.where(Territory.id.in_(principal.territory_ids))
    return session.scalars(statement).all()


def reserve_of(session: Session, territory_id: uuid.UUID) -> rules.Reserve:
    """R-308: return what of a territory's days emergencies are to have."""
    statement = select(Territory.emergency_reserve_percent, Territory.emergency_reserve_days)
    return rules.Reserve(*session.execute(statement.where(Territory.id == territory_id)).one())
