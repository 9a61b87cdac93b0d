"""Row 13 of reliability.md §7: two publish at once, and one publishes while the day is changed."""

from __future__ import annotations

import random
import threading
import uuid
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

from benchmarks.fault_rows import FaultRow, Found
from benchmarks.threads import together
from dispatch import clock, db, travel
from dispatch.errors import DispatchError
from dispatch.planning import heads
from dispatch.planning.commands import book, publish
from dispatch.planning.model import DayPlan, PlanHead
from dispatch.planning.rules import PlanStale
from dispatch.settings import Settings
from dispatch.territories.model import Territory
from dispatch.work_orders.model import Visit
from tests.builders import DAY, MORNING, at, frozen_clock
from tests.planning_world import Town, a_town

PUBLISHED, BOOKED = "published", "booked"


def row_13(cases: int, chance: random.Random) -> Found:
    """
    Of two who publish one plan one wins; a plan made before a booking wins over it or is stale, never both.

    Every second time the plan is what an optimiser proposed on the day as it was, and a booking comes.
    """
    travel.configure(Settings(travel="geodesic"))
    clock.set_source(frozen_clock(MORNING))
    wrong, told = 0, Counter[str]()
    for number in range(cases):
        works, is_right = _two_publishers() if number % 2 else _publisher_and_booking()
        chance.shuffle(works)
        answers = _at_once(works)
        told.update(answers)
        wrong += not is_right(sorted(answers))
    return {"races": cases, "stale": told[PlanStale.__name__], "published": told[PUBLISHED], "wrong": wrong}


Work = Callable[[], str]
Judge = Callable[[list[str]], bool]


def _two_publishers() -> tuple[list[Work], Judge]:
    with db.transaction() as session:
        town = a_town(session)
        town.technician((8, 16))
        visit_id, territory_id = town.visit().id, town.territory.id
    _book(visit_id, 8)
    plan_id, version = _draft(territory_id)

    def is_right(answers: list[str]) -> bool:
        with db.transaction() as session:
            revision = _town(session, territory_id).head().revision
        return answers == sorted([PUBLISHED, PlanStale.__name__]) and revision == 1

    return [lambda: _publish(plan_id, version)] * 2, is_right


def _publisher_and_booking() -> tuple[list[Work], Judge]:
    """A proposal with one visit on the version before; a booking of another visit at the same moment."""
    with db.transaction() as session:
        town = a_town(session)
        who = town.technician((8, 16))
        first, second = town.visit(), town.visit()
        head = heads.locked(session, town.territory.id, DAY)
        proposal = town.plan_of([(who, first, at(9))], head, state="proposed")
        session.flush()
        territory_id, ids, plan_id, version = (
            town.territory.id,
            (first.id, second.id),
            proposal.id,
            head.version,
        )

    def is_right(answers: list[str]) -> bool:
        """Both visits are in the day's plan, or the proposal was stale and the booked one alone is."""
        with db.transaction() as session:
            plan = _town(session, territory_id).in_force()
            planned = {stop.visit_id for stop in plan.stops} if plan else set()
        if answers == [BOOKED, PUBLISHED]:
            return planned == set(ids)
        return answers == sorted([BOOKED, PlanStale.__name__]) and planned == {ids[1]}

    return [lambda: _publish(plan_id, version), lambda: _book(ids[1], 13)], is_right


def _at_once(works: list[Work]) -> list[str]:
    """Do everything from one moment on; refusals are answers too."""
    gate, answers = threading.Barrier(len(works)), list[str]()

    def done(work: Work) -> None:
        gate.wait()
        try:
            answers.append(work())
        except DispatchError as refusal:
            answers.append(type(refusal).__name__)

    together([lambda one=work: done(one) for work in works])  # type: ignore[misc]
    return answers


def _publish(plan_id: uuid.UUID, version: int) -> str:
    with db.transaction() as session:
        publish(session, by=None, plan=session.get_one(DayPlan, plan_id), expected_version=version)
    return PUBLISHED


def _book(visit_id: uuid.UUID, hour: int) -> str:
    with db.transaction() as session:
        start = at(hour)
        visit = session.get_one(Visit, visit_id)
        book(session, by=None, visit=visit, start=start, end=start + timedelta(hours=2), channel="phone")
    return BOOKED


def _draft(territory_id: uuid.UUID) -> tuple[uuid.UUID, int]:
    with db.transaction() as session:
        head: PlanHead = _town(session, territory_id).head()
        assert head.working_plan_id is not None
        return head.working_plan_id, head.version


def _town(session: db.Session, territory_id: uuid.UUID) -> Town:
    return Town(session, session.get_one(Territory, territory_id))


ROWS = (FaultRow(13, "races of two who publish, or of a publication and a booking", 1_000, row_13),)
