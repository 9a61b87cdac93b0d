"""A proposal that counts on the store's pieces, published after another day has taken them (R-511)."""

from __future__ import annotations

import random
import threading
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from dispatch import db
from dispatch.parts.model import Part
from dispatch.planning import auto_publishing, heads
from dispatch.planning.commands import accept_rows, book, lock_visit, publish
from dispatch.planning.model import DayPlan
from dispatch.planning.rules import PlanNotPublishable, RowNotAcceptable, SlotGone
from dispatch.planning.supplying import shares
from dispatch.technicians.model import Technician
from dispatch.territories.model import Territory
from dispatch.work_orders.model import Visit
from tests.builders import DAY, a_part, a_principal, a_shift, at, van_stock
from tests.dispatch.planning.test_races import a_store_of_one, at_once, committed
from tests.dispatch.planning.test_supplying import TOMORROW, in_store, published, steps
from tests.planning_world import Town

__all__ = ["committed"]

LATER = TOMORROW + timedelta(days=1)


def on_three_days(town: Town) -> Technician:
    """Somebody on duty today, tomorrow and the day after."""
    who = town.technician(break_minutes=0)
    rest: dict[str, Any] = {"break_minutes": 0, "break_earliest": None, "break_latest": None}
    for days in (1, 2):
        a_shift(town.session, who, starts_at=at(8, days=days), ends_at=at(16, days=days), **rest)
    return who


def proposed(town: Town, *stops: tuple[Technician, Visit, float]) -> DayPlan:
    """A proposal for tomorrow, written by hand."""
    rows = [(who, visit, at(hour, days=1)) for who, visit, hour in stops]
    return town.plan_of(rows, heads.locked(town.session, town.territory.id, TOMORROW), state="proposed")


def publish_now(town: Town, plan: DayPlan) -> None:
    """Publish on the day's version."""
    publish(town.session, by=None, plan=plan, expected_version=town.head(TOMORROW).version)


def book_later(town: Town, part: Part, pieces: int = 1) -> Visit:
    """Promise a visit of the day after tomorrow that needs pieces of a part."""
    visit = town.visit(parts={part.sku: pieces})
    book(town.session, by=None, visit=visit, start=at(10, days=2), end=at(12, days=2), channel="phone")
    return visit


def test_a_proposal_whose_piece_another_day_has_booked_is_refused(town: Town) -> None:
    """R-511: nothing of it is published, whole or by rows; called off, the piece is there again."""
    who, part = on_three_days(town), a_part(town.session)
    in_store(town, part, 1)
    visit = town.visit(parts={part.sku: 1})
    plan = proposed(town, (who, visit, 9))
    taken = book_later(town, part)
    with pytest.raises(PlanNotPublishable) as refused:
        publish_now(town, plan)
    assert refused.value.detail["parts"] == {part.sku: 1}
    version = town.head(TOMORROW).version
    with pytest.raises(RowNotAcceptable):
        accept_rows(town.session, by=a_principal(), plan=plan, visit_ids=[visit.id], expected_version=version)
    assert (visit.state, town.head(TOMORROW).published_plan_id) == ("unplanned", None)
    steps(town, taken, "cancelled")
    publish_now(town, plan)
    assert visit.state == "published"


def test_a_policy_leaves_such_a_proposal_to_a_person(town: Town) -> None:
    """R-511: what publishes by itself asks the same."""
    who, part = on_three_days(town), a_part(town.session)
    in_store(town, part, 1)
    published(town, (who, town.visit(), 14))
    town.territory.auto_publish = {"reasons": ["test"], "told_most": 9, "technicians_most": 9}
    plan = proposed(town, (who, town.visit(parts={part.sku: 1}), 9))
    book_later(town, part)
    assert "promised elsewhere" in auto_publishing.consider(town.session, plan)["not_published"]


def test_what_lacked_before_and_what_is_pinned_is_no_reason(town: Town) -> None:
    """R-511: the one asks for no more than before, the other for what is left."""
    who, part, other = on_three_days(town), a_part(town.session), a_part(town.session)
    short, pinned = town.visit(parts={part.sku: 2}), town.visit(parts={other.sku: 1})
    published(town, (who, short, 9))
    lock_visit(town.session, by=None, visit=pinned, technician_id=who.id, start=None)
    publish_now(town, proposed(town, (who, short, 10), (who, pinned, 12)))
    assert (short.planned_start, pinned.state) == (at(10, days=1), "published")


@pytest.mark.parametrize("seed", range(8))
def test_what_is_published_never_takes_what_another_day_has(town: Town, seed: int) -> None:
    """R-511: recounted by hand, both days have what the stock gives, or the proposal is refused."""
    chance = random.Random(seed)
    crew, part = [on_three_days(town) for _ in range(2)], a_part(town.session)
    stock = chance.randint(0, 3)
    in_store(town, part, stock)
    vans = {who.id: chance.randint(0, 1) for who in crew}
    for who in crew:
        van_stock(town.session, who, part, vans[who.id])
    wanted = [(chance.choice(crew), chance.randint(1, 2), hour) for hour in (9, 11)]
    plan = proposed(town, *((who, town.visit(parts={part.sku: count}), hour) for who, count, hour in wanted))
    taken = 0
    try:
        book_later(town, part, chance.randint(1, 2))
        [later] = [
            s for s in shares(town.session, town.territory.id, drafted=True) if s.start > at(0, days=2)
        ]
        taken = later.from_store
    except SlotGone:
        pass
    left, lacks = dict(vans), 0
    for who, count, _ in wanted:
        own = min(count, left[who.id])
        left[who.id] -= own
        lacks += count - own
    if lacks <= stock - taken:
        publish_now(town, plan)
        assert plan.state == "published"
    else:
        with pytest.raises(PlanNotPublishable):
            publish_now(town, plan)


def test_of_a_publication_and_another_days_booking_one_gets_the_last_piece(committed: db.Sessions) -> None:
    """R-511: whoever comes second waits for the first, though of another day."""
    visit_ids = a_store_of_one(committed)
    with committed.begin() as session:
        visit = session.get_one(Visit, visit_ids[0])
        town = Town(session, session.scalars(select(Territory)).one())
        who = session.scalars(select(Technician)).one()
        plan_id = proposed(town, (who, visit, 9)).id
    both_ready = threading.Barrier(2)

    def call(number: int) -> str:
        with db.transaction() as session:
            visit, day = session.get_one(Visit, visit_ids[number]), number + 1
            head = heads.locked(session, visit.work_order.territory_id, DAY + timedelta(days=day))
            both_ready.wait()  # each has its own day
            if number == 0:
                plan = session.get_one(DayPlan, plan_id)
                publish(session, by=None, plan=plan, expected_version=head.version)
            else:
                window = {"start": at(10, days=day), "end": at(12, days=day)}
                book(session, by=None, visit=visit, **window, channel="phone")
        return "promised"

    answers = sorted(at_once(2, call))
    assert answers in (["SlotGone", "promised"], ["PlanNotPublishable", "promised"])
