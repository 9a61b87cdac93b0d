"""What is left to do when work ends before everything was done: for a colleague, or for another day."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from sqlalchemy.orm import Session

from dispatch import text
from dispatch.checklists.queries import lacking
from dispatch.parts.queries import parts_named
from dispatch.parts.rules import checked_quantity
from dispatch.work_orders.model import Visit
from dispatch.work_orders.queries import fitted
from dispatch.work_orders.rules import Needs

REST = (5, 1440)
"""Minutes that may be left."""


def note_rest(
    session: Session, *, visit: Visit, minutes: int | None, missing_parts: Mapping[str, int]
) -> None:
    """Keep what a technician says is left of a visit: minutes still to work, parts that were not there."""
    if missing_parts:
        parts_named(session, missing_parts)
    visit.missing_parts = {sku: checked_quantity(count) for sku, count in missing_parts.items()}
    visit.rest_minutes = None if minutes is None else text.whole(minutes, "remaining_minutes", *REST)


def rest_of(
    session: Session, visit: Visit, *, minutes: int | None = None, technician_id: uuid.UUID | None = None
) -> Needs:
    """
    Return what is left of the needs of a visit: parts that are not fitted yet, questions without an answer.

    ``minutes`` are those still to work, else as the technician told at the end, else the whole duration.
    Parts that were found missing are needed too.
    """
    used = fitted(session, [visit.id])
    parts = {
        sku: left for sku, count in visit.parts.items() if (left := int(count) - used[visit.id, sku]) > 0
    }
    for sku, count in visit.missing_parts.items():
        parts[sku] = max(int(count), parts.get(sku, 0))
    told = minutes if minutes is not None else visit.rest_minutes
    return Needs(
        duration_minutes=visit.duration_minutes
        if told is None
        else text.whole(told, "remaining_minutes", *REST),
        skills=visit.skills,
        certificates=tuple(visit.certificates),
        parts=parts,
        crew_size=visit.crew_size,
        required_technician_id=technician_id,
        checklists=tuple(pin["code"] for pin in visit.checklists if lacking(session, visit.id, [pin])),
    )
