"""Who gets the store's scarce pieces when a day is planned anew: whoever can serve what needs them."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from dispatch.planning.days import Day
from dispatch.planning.model import PlanLock
from dispatch.technicians.model import Technician
from dispatch.technicians.queries import OnDuty
from optimizer.problem import Visit as Job


@dataclass(frozen=True, slots=True)
class Demand:
    """What one visit of a day needs, and which technicians no rule keeps away from it."""

    parts: Mapping[str, int]
    able: frozenset[uuid.UUID]
    priority: int = 3


def demands(
    day: Day, crew: Sequence[OnDuty], jobs: Sequence[Job], pins: Mapping[uuid.UUID, PlanLock]
) -> list[Demand]:
    """Return what visits that need parts need; a pinned one is for whoever it is pinned to."""
    pinned = {str(visit_id): pin.technician_id for visit_id, pin in pins.items() if pin.technician_id}
    people = [member.technician for member in crew]
    found = []
    for job in jobs:
        if job.parts:
            able = {who.id for who in people if _may(day, who, job) and pinned.get(job.id, who.id) == who.id}
            found.append(Demand(job.parts, frozenset(able), job.priority))
    return found


def _may(day: Day, who: Technician, job: Job) -> bool:
    levels = {held.skill_code: held.level for held in who.skills}
    papers = {paper.code for paper in who.certificates if paper.valid_from <= day.day <= paper.valid_until}
    return (
        all(levels.get(code, 0) >= level for code, level in job.skills.items())
        and job.certificates <= papers
        and str(who.id) not in job.excluded_technicians
        and job.required_technician in {None, str(who.id)}
    )


def deal(
    sku: str, pieces: int, held: Mapping[uuid.UUID, int], wanted: Collection[Demand]
) -> Counter[uuid.UUID]:
    """
    Return how many of the store's pieces of a part each van gets.

    Visits come in the order of priority, those that few can serve first: each lives on a van that has enough,
    or what lacks goes to the van that lacks least. What serves nobody wholly goes round among those who can
    serve any of the visits.
    """
    spare, given = Counter({who: max(0, count) for who, count in held.items()}), Counter[uuid.UUID]()
    needy = [one for one in wanted if one.parts.get(sku) and one.able & held.keys()]
    for one in sorted(needy, key=lambda one: (-one.priority, len(one.able))):
        count = int(one.parts[sku])
        able = sorted(
            one.able & held.keys(), key=lambda who: (max(0, count - spare[who]), given[who], str(who))
        )
        who = able[0]
        lacking = max(0, count - spare[who])
        if lacking <= pieces:
            pieces -= lacking
            given[who] += lacking
            spare[who] += lacking - count
    able = sorted({who for one in needy for who in one.able & held.keys()} or held, key=str)
    for turn in range(pieces if able else 0):
        given[able[turn % len(able)]] += 1
    return given
