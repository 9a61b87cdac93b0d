"""What was corrected is written, and whoever shows the customer's file hears of it."""

from __future__ import annotations

import uuid
from typing import TypeVar

from sqlalchemy import inspect
from sqlalchemy.orm import Session

from dispatch import db, outbox
from dispatch.customers.model import Asset, Customer, CustomerContact, Site
from dispatch.events import CustomerFileChanged

Thing = TypeVar("Thing", Customer, CustomerContact, Site, Asset)
SHOWN = frozenset({"name", "phone", "role", "language", "needs_home_service"}) | {
    *("latitude", "longitude", "position_quality"),
    *("parking_minutes", "access_minutes", "access_notes", "safety_notes"),
    *("product_kind", "model", "serial"),
}
"""What phones show of a customer, a contact, a site and equipment."""


def kept(session: Session, thing: Thing, *, of: uuid.UUID, tells_phones: bool = True) -> Thing:
    """Write a correction of a customer's thing; phones hear of it if anything that they show is different."""
    attributes = inspect(thing).attrs
    is_other = any(one.history.has_changes() for one in attributes if one.key in SHOWN)
    db.flush(session)
    if is_other and tells_phones:
        changed = CustomerFileChanged(customer_id=str(of), thing_id=str(thing.id), version=str(thing.version))
        outbox.record(session, changed)
    return thing
