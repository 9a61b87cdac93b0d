"""What a visit may be said to need (R-203)."""

from __future__ import annotations

from sqlalchemy.orm import Session

from dispatch import text
from dispatch.parts import queries as parts
from dispatch.parts.rules import checked_quantity
from dispatch.technicians import queries as technicians
from dispatch.technicians.rules import LEVELS
from dispatch.work_orders.rules import CREW, Needs


def check_needs(session: Session, needs: Needs, *, check_certificates: bool = True) -> None:
    """Refuse needs that nobody could meet: unknown skills, certificates and parts, numbers out of range."""
    technicians.check_skills_exist(session, needs.skills)
    for code, level in needs.skills.items():
        text.whole(level, f"level of {code}", *LEVELS)
    text.lines(needs.certificates, "certificates", longest=text.CODE)
    if check_certificates:
        technicians.check_certificates_exist(session, needs.certificates)
    parts.parts_named(session, needs.parts)
    for quantity in needs.parts.values():
        checked_quantity(quantity)
    text.whole(needs.duration_minutes, "duration_minutes", 1, 1440)
    text.whole(needs.crew_size, "crew_size", *CREW)
