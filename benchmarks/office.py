"""What the office writes while phones have no contact, and what stands of it when all came home."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import select

from dispatch import db
from dispatch.simulation.phone import PhoneClient
from dispatch.technicians.model import Skill
from dispatch.work_orders import commands as visits
from dispatch.work_orders.model import Visit
from dispatch.work_orders.rules import Needs


@dataclass(frozen=True, slots=True)
class Told:
    """What the office wrote about a visit while its phone had no contact; no two say the same."""

    visit_id: uuid.UUID
    duration_minutes: int
    skills: dict[str, int]
    priority: int


def tell(visit_ids: Sequence[uuid.UUID], seed: int) -> list[Told]:
    """Correct every third visit by the office's own commands: time, skills, priority."""
    chosen = random.Random(seed).sample(visit_ids, max(1, len(visit_ids) // 3))
    found = []
    with db.transaction() as session:
        skill = session.scalars(select(Skill.code).order_by(Skill.code)).first()
        for number, visit_id in enumerate(chosen):
            visit = session.get_one(Visit, visit_id)
            told = Told(visit_id, 90 + number % 300, {skill: 1 + number % 3} if skill else {}, 1 + number % 4)
            needs = Needs(
                duration_minutes=told.duration_minutes,
                skills=told.skills,
                certificates=tuple(visit.certificates),
                parts=visit.parts,
                crew_size=visit.crew_size,
            )
            visits.change_needs(session, by=None, visit=visit, needs=needs)
            visits.change_priority(session, by=None, order=visit.work_order, priority=told.priority)
            found.append(told)
    return found


def standing(told: Sequence[Told], phones: Iterable[PhoneClient]) -> dict[str, int]:
    """Read back what the office wrote: from the database, and from the phones, which have all pulled."""
    held = {visit["id"]: visit for phone in phones for visit in phone.store.visits()}
    overwritten = untold = 0
    with db.transaction() as session:
        for one in told:
            visit = session.get_one(Visit, one.visit_id)
            stands = Told(visit.id, visit.duration_minutes, dict(visit.skills), visit.work_order.priority)
            overwritten += stands != one
            body = held.get(str(one.visit_id), {})
            names = ("duration_minutes", "skills", "priority")
            untold += tuple(body.get(name) for name in names) != tuple(getattr(one, name) for name in names)
    return {"office_changes": len(told), "overwritten": overwritten, "untold": untold}
