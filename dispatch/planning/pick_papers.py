"""The pick list of a technician's day on paper, for whoever loads without a phone (R-304, R-511)."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import clock, documents
from dispatch.documents.words import Language
from dispatch.planning.supplying import pick_list
from dispatch.settings import Settings
from dispatch.technicians.model import Technician
from dispatch.territories.model import Territory
from dispatch.work_orders.model import Visit

LONGEST_SERIALS = 40
"""Pieces of one part for whose serial numbers the paper leaves room."""


def pick_sheet(
    session: Session, technician: Technician, day: date, language: Language, settings: Settings
) -> bytes:
    """Return the pick list of a day as PDF, as it stands now."""
    return documents.render("pick_list", snapshot(session, technician, day, language, settings), language)


def snapshot(
    session: Session, technician: Technician, day: date, language: Language, settings: Settings
) -> dict[str, Any]:
    """Return what the paper shows: parts, pieces, and the order sheets that they are for."""
    territory = session.get_one(Territory, technician.territory_id)
    picks = pick_list(session, technician, day)
    wanted = {visit_id for one in picks for visit_id in one.visit_ids}
    visits = session.scalars(select(Visit).where(Visit.id.in_(wanted)))
    numbers = {visit.id: visit.number for visit in visits}
    company: dict[str, Any] = {"name": settings.company_name}
    if settings.company_address:
        company["address"] = settings.company_address.splitlines()
    return {
        "made_at": clock.now().isoformat(),
        "time_zone": territory.timezone,
        "company": company,
        "number": f"{technician.number}-{day.isoformat()}",
        "date": day.isoformat(),
        "technician": {"name": technician.name},
        "store": territory.name,
        "parts": [
            {
                "code": one.part.sku,
                "name": one.part.name_zh if language == "zh" else one.part.name_en,
                "quantity": str(one.quantity),
                "sheet_numbers": sorted({numbers[visit_id] for visit_id in one.visit_ids}),
                "serialised": one.part.is_serialised and one.quantity <= LONGEST_SERIALS,
            }
            for one in picks
        ],
    }
