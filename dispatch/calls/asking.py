"""What a caller wants a window for, while the call goes on and nothing is assessed yet."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import datetime

from sqlalchemy.orm import Session

from dispatch import clock, text
from dispatch.access.rules import Principal
from dispatch.calls.registering import usable_template
from dispatch.calls.rules import FileMismatch, WorkUnknown, check_requested
from dispatch.customers import queries as customers
from dispatch.customers.model import Customer
from dispatch.planning.wanting import Wanted, wanted
from dispatch.technicians.queries import find_technician
from dispatch.work_orders.rules import EMERGENCY, Needs, raised_priority

USUAL_PRIORITY = 3


def wanted_at(
    session: Session,
    by: Principal,
    *,
    site_id: uuid.UUID,
    template: str | None = None,
    needs: Needs | None = None,
    asset_id: uuid.UUID | None = None,
    priority: int | None = None,
    requested_at: datetime | None = None,
    named_technician_id: uuid.UUID | None = None,
) -> Wanted:
    """
    Return what a window is wanted for: a problem template's usual needs, or needs that were told (R-203).

    The priority rises for elderly and disabled customers (R-106). ``named_technician_id`` is whom the caller
    asks for by name (R-306).
    """
    if (template is None) == (needs is None):
        raise WorkUnknown("name either a template or needs")
    asked = clock.now() if requested_at is None else clock.aware(requested_at)
    check_requested(asked, clock.now())
    site = customers.find_site(session, by, site_id)
    asset = customers.find_asset(session, by, asset_id) if asset_id else None
    if asset is not None and asset.site_id != site.id:
        raise FileMismatch("the asset stands at another site")
    usual, fault_code, kind = USUAL_PRIORITY, None, None
    if template is not None:
        known = usable_template(session, template)
        usual, fault_code, kind = known.priority, known.fault_code, known.kind
        needs = Needs(
            duration_minutes=known.duration_minutes,
            skills=known.skills,
            certificates=tuple(known.certificates),
            parts=known.parts,
            crew_size=known.crew_size,
        )
    if named_technician_id is not None:
        find_technician(session, by, named_technician_id)
    customer = session.get_one(Customer, site.customer_id)
    told = usual if priority is None else text.whole(priority, "priority", 1, EMERGENCY)
    return wanted(
        session,
        site=site,
        needs=replace(needs or Needs(duration_minutes=0), required_technician_id=named_technician_id),
        priority=raised_priority(told, needs_home_service=customer.needs_home_service),
        asset=asset,
        fault_code=fault_code,
        kind=kind,
        requested_at=asked,
    )
