"""Whoever asks for a window: a visit that nobody has begun, or what is to become one."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.orm import Session

from dispatch import clock
from dispatch.contracts.house_rules import house_rules, rules_under
from dispatch.customers.model import Site
from dispatch.planning import open_days
from dispatch.planning.crews import require_plannable
from dispatch.planning.days import Day
from dispatch.planning.open_days import Naming
from dispatch.planning.questions import Question, asking_for
from dispatch.planning.quiet_times import QuietTimes, quiet_times
from dispatch.planning.wanting import Wanted
from dispatch.promises import naming
from dispatch.territories.queries import zone_of
from dispatch.territories.rules import Reserve
from dispatch.work_orders.model import Visit
from dispatch.work_orders.rules import EMERGENCY

TOO_SOON = "the window is too near to ask for a technician by name"


@dataclass(frozen=True, slots=True)
class Asker:
    """Whoever asks for a window: an existing visit, or what is to become one."""

    territory_id: uuid.UUID
    priority: int
    limits: tuple[datetime | None, datetime | None]
    """R-401, R-402: until when somebody must be there, and the fault be solved, by contract."""
    ask: Callable[[Day, Naming], Question]
    quiet: QuietTimes | None = None
    """R-307: when planned work may not be offered."""
    named_from: datetime | None = None
    """R-306: from when on windows may be asked for with a technician's name; None where nobody is named."""

    def objection(self, start: datetime, end: datetime, today: date) -> tuple[str, str] | None:
        """Return code and sentence of why a window is not for this caller at all; None where it is."""
        if self.named_from is not None and start < self.named_from:
            return "NOT_A_RESERVATION", TOO_SOON
        return self.quiet.objection(start, end, today) if self.quiet is not None else None


def asker_of(session: Session, visit: Visit, named: uuid.UUID | None = None) -> Asker:
    """Let a visit ask that nobody has begun, for a technician by name or for anybody (R-306)."""
    require_plannable(visit)
    if named is not None:
        naming.require_undecided(session, visit, named)
    order = visit.work_order

    def ask(day: Day, mark: Naming) -> Question:
        found = open_days.question(session, day, visit, mark=mark)
        return asking_for(found, str(named)) if named else found

    rules, zone = rules_under(session, order.contract_id), zone_of(session, order.territory_id)
    quiet = quiet_times(session, session.get_one(Site, order.site_id), order.kind, rules, zone)
    limits = order.response_due_at, order.resolution_due_at
    named_from = naming.earliest_start(rules) if named else None
    return Asker(order.territory_id, order.priority, limits, ask, quiet, named_from)


def asker_for(session: Session, wanted: Wanted) -> Asker:
    """Let something ask that has no visit yet."""

    def ask(day: Day, mark: Naming) -> Question:
        return open_days.question_of(session, day, wanted, mark=mark)

    zone = zone_of(session, wanted.site.territory_id)
    rules = house_rules(session, wanted.contract)
    quiet = quiet_times(session, wanted.site, wanted.kind, rules, zone)
    limits = wanted.due.response_due_at, wanted.due.resolution_due_at
    named_from = naming.earliest_start(rules) if wanted.needs.required_technician_id else None
    return Asker(wanted.site.territory_id, wanted.priority, limits, ask, quiet, named_from)


def is_reserved(asker: Asker, asked: Question, reserve: Reserve) -> bool:
    """R-308: tell whether only emergencies may have what is left of the day."""
    percent = reserve.on(asked.day.built.day.day)
    if asker.priority >= EMERGENCY or not percent:
        return False
    now = max(0, asked.day.built.day.seconds(clock.now()))
    return not asked.day.load.leaves(asked.job.duration * asked.people, percent, now)
