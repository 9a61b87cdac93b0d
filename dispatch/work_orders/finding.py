"""Things that belong to a work order, found by id within a person's scope."""

from __future__ import annotations

import uuid
from typing import Any, Protocol, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch.access.queries import in_scope
from dispatch.access.rules import Principal
from dispatch.errors import NotFound
from dispatch.work_orders.model import WorkOrder


class OfOrder(Protocol):
    """A mapped class whose rows name their order."""

    id: Any
    work_order_id: Any


Thing = TypeVar("Thing", bound=OfOrder)


def find_of_order(
    session: Session, principal: Principal, kind: type[Thing], thing_id: uuid.UUID, name: str
) -> Thing:
    """Return a row of an order that the person may see; ``NotFound`` says that there is no such ``name``."""
    statement = (
        select(kind)
        .join(WorkOrder, WorkOrder.id == kind.work_order_id)
        .where(kind.id == thing_id, in_scope(principal, WorkOrder.territory_id))
    )
    found = session.scalars(statement).one_or_none()
    if found is None:
        raise NotFound(f"there is no such {name}")
    return found
