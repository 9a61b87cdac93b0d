"""Many sessions at once on one day: one place is sold once, one plan wins."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dispatch import clock, db, outbox, travel
from dispatch.customers.model import Site
from dispatch.errors import DispatchError
from dispatch.parts.model import StoreStock
from dispatch.planning import heads
from dispatch.planning.commands import book, choices, hold, lock_visit, move_for_customer, offer, publish
from dispatch.planning.model import DayPlan, PlanLock, PlanStop
from dispatch.planning.rules import OfferPolicy, PlanStale, SlotGone
from dispatch.planning.wanting import Wanted
from dispatch.promises.model import Promise, SlotHold
from dispatch.promises.rules import HoldTaken
from dispatch.settings import Settings
from dispatch.territories.model import Territory
from dispatch.work_orders.model import Visit
from dispatch.work_orders.rules import Needs
from tests.builders import DAY, a_part, a_shift, a_visit, an_order, at, frozen_clock
from tests.dispatch.planning.test_searched_offers import a_day_that_must_be_changed, gas
from tests.planning_world import Town, a_town, register_kinds


@pytest.fixture
def committed(database_url: str) -> Iterator[db.Sessions]:
    """Sessions that really commit, at eight in the morning of the test day."""
    engine = db.connect(database_url, pool_size=30)
    factory = db.sessions(engine)
    db.configure(factory)
    register_kinds()
    travel.configure(Settings(travel="geodesic"))
    clock.set_source(frozen_clock())
    yield factory
    clock.set_source(None)
    outbox.register((), {})
    engine.dispose()


def at_once(many: int, work: Callable[[int], str]) -> list[str]:
    """Run the work in threads that all start together; refusals are answers too."""
    gate = threading.Barrier(many)

    def run(number: int) -> str:
        gate.wait()
        try:
            return work(number)
        except DispatchError as refusal:
            return type(refusal).__name__

    with ThreadPoolExecutor(many) as pool:
        return list(pool.map(run, range(many)))


def a_small_day(factory: db.Sessions, visits: int) -> tuple[uuid.UUID, list[uuid.UUID]]:
    """One technician with room for one long visit in the morning."""
    with factory.begin() as session:
        town = a_town(session)
        town.technician((8, 12), break_minutes=0)
        return town.territory.id, [town.visit(duration_minutes=110).id for _ in range(visits)]


@pytest.mark.parametrize("many", [2, 20])
def test_of_many_callers_for_one_place_exactly_one_gets_it(committed: db.Sessions, many: int) -> None:
    territory_id, visit_ids = a_small_day(committed, many)

    def call(number: int) -> str:
        with db.transaction() as session:
            visit = session.get_one(Visit, visit_ids[number])
            assert offer(session, visit, days=1).windows  # each has seen the place free
            book(session, by=None, visit=visit, start=at(8), end=at(9), channel="phone")
            return "booked"

    answers = at_once(many, call)
    assert answers.count("booked") == 1, answers
    assert set(answers) <= {"booked", SlotGone.__name__}
    with committed() as session:
        assert session.scalar(select(func.count()).select_from(Promise)) == 1
        assert session.scalar(select(func.count()).select_from(PlanStop)) == 1
        head = heads.find(session, territory_id, DAY)
        assert head is not None
        assert head.working_plan_id is not None


def test_of_fifty_buyers_of_one_slot_one_holds_it_and_the_others_see_fresh_offers(
    committed: db.Sessions,
) -> None:
    """Decision 18: nobody buys what another holds, however many ask at the same moment."""
    with committed.begin() as session:
        town = a_town(session)
        town.technician((8, 12), break_minutes=0)
        visits = [town.visit(duration_minutes=110) for _ in range(50)]
        site_ids = [visit.work_order.site_id for visit in visits]

    def call(number: int) -> str:
        with db.transaction() as session:
            asked = Wanted(session.get_one(Site, site_ids[number]), Needs(duration_minutes=110), 3)
            hold(session, by=None, wanted=asked, start=at(8), end=at(9), minutes=5)
            return "held"

    answers = at_once(50, call)
    assert answers.count("held") == 1, answers
    assert set(answers) == {"held", SlotGone.__name__}
    with committed() as session:
        assert session.scalar(select(func.count()).select_from(SlotHold)) == 1


def test_a_customer_who_moves_twice_at_once_is_promised_once(committed: db.Sessions) -> None:
    """R-309: the same link opened in two windows."""
    with committed.begin() as session:
        town = a_town(session)
        town.technician((8, 16))
        visit = town.visit()
        book(session, by=None, visit=visit, start=at(12), end=at(14), channel="phone")
        visit_id = visit.id
        other = next(one for one in choices(session, visit, policy=OfferPolicy()) if one.start != at(12))

    def call(_: int) -> str:
        with db.transaction() as session:
            kept = move_for_customer(
                session,
                visit=session.get_one(Visit, visit_id),
                start=other.start,
                end=other.end,
                notice=timedelta(0),
                policy=OfferPolicy(),
            )
            return str(kept.id)

    assert len(set(at_once(8, call))) == 1
    with committed() as session:
        assert session.scalar(select(func.count()).select_from(Promise)) == 2


def test_of_fifty_buyers_of_a_slot_that_a_search_opens_one_holds_it(committed: db.Sessions) -> None:
    """Decision 18, R-303: the routes would have to be changed for each of them, and are for one."""
    with committed.begin() as session:
        town = a_town(session)
        site = a_day_that_must_be_changed(town, days=0)
        site_id = site.id

    def call(number: int) -> str:
        with db.transaction() as session:
            asked = gas(session.get_one(Site, site_id))
            hold(session, by=None, wanted=asked, start=at(8), end=at(10), minutes=5)
            return "held"

    answers = at_once(50, call)
    assert answers.count("held") == 1, answers
    assert set(answers) == {"held", SlotGone.__name__}


def test_of_two_promises_on_one_hold_one_stands(committed: db.Sessions) -> None:
    """R-309: a held window is promised once."""
    with committed.begin() as session:
        town = a_town(session)
        town.technician((8, 16))
        first = town.visit(duration_minutes=60)
        second = a_visit(
            session, order=an_order(session, site=session.get_one(Site, first.work_order.site_id))
        )
        asked = Wanted(session.get_one(Site, first.work_order.site_id), Needs(duration_minutes=60), 3)
        kept = hold(session, by=None, wanted=asked, start=at(8), end=at(10), minutes=5).id
        visit_ids = [first.id, second.id]

    def call(number: int) -> str:
        with db.transaction() as session:
            visit = session.get_one(Visit, visit_ids[number])
            book(session, by=None, visit=visit, start=at(8), end=at(10), channel="phone", hold_id=kept)
            return "booked"

    assert sorted(at_once(2, call)) == [HoldTaken.__name__, "booked"]


def test_callers_for_different_places_all_get_theirs(committed: db.Sessions) -> None:
    with committed.begin() as session:
        town = a_town(session)
        for _ in range(4):
            town.technician((8, 16))
        visit_ids = [visit.id for visit in town.visits(12, duration_minutes=30)]

    def call(number: int) -> str:
        with db.transaction() as session:
            visit = session.get_one(Visit, visit_ids[number])
            hour = 8 + 2 * (number % 4)
            book(session, by=None, visit=visit, start=at(hour), end=at(hour + 2), channel="phone")
            return "booked"

    assert at_once(12, call) == ["booked"] * 12
    with committed() as session:
        plan = session.scalars(select(DayPlan)).one()
        assert len(plan.stops) == 12


def test_of_many_who_pin_a_visit_on_one_version_exactly_one_does(committed: db.Sessions) -> None:
    _, [visit_id] = a_small_day(committed, 1)
    with committed() as session:
        seen = session.get_one(Visit, visit_id).version

    def pin(number: int) -> str:
        with db.transaction() as session:
            visit = session.get_one(Visit, visit_id)
            lock_visit(
                session, by=None, visit=visit, technician_id=None, start=at(9 + number % 2),
                reason=str(number), expected_version=seen,
            )  # fmt: skip
            return "pinned"

    answers = at_once(8, pin)
    assert sorted(answers) == ["Stale"] * 7 + ["pinned"]
    with committed() as session:
        lock = session.scalars(select(PlanLock)).one()
        assert lock.reason == str(answers.index("pinned"))
        assert session.get_one(Visit, visit_id).version == seen + 1


def test_of_fifty_publishers_exactly_one_wins(committed: db.Sessions) -> None:
    """Row 13."""
    territory_id, [visit_id] = a_small_day(committed, 1)
    with db.transaction() as session:
        visit = session.get_one(Visit, visit_id)
        book(session, by=None, visit=visit, start=at(8), end=at(9), channel="phone")
    with committed() as session:
        plan_id = session.scalars(select(DayPlan.id)).one()
        head = heads.find(session, territory_id, DAY)
        assert head is not None
        version = head.version

    def send(_: int) -> str:
        with db.transaction() as session:
            publish(session, by=None, plan=session.get_one(DayPlan, plan_id), expected_version=version)
            return "published"

    answers = at_once(50, send)
    assert answers.count("published") == 1
    assert answers.count(PlanStale.__name__) == 49
    with committed() as session:
        assert revision_of(session, territory_id) == 1


def revision_of(session: Session, territory_id: uuid.UUID) -> int:
    """Number of publications of the test day."""
    return Town(session, session.get_one(Territory, territory_id)).head().revision


def test_a_booking_and_a_publication_at_once_lose_nothing(committed: db.Sessions) -> None:
    """Whoever comes second sees the first: the publication is stale, or the booking starts a new draft."""
    with committed.begin() as session:
        town = a_town(session)
        town.technician((8, 16))
        territory_id = town.territory.id
        first, second = (visit.id for visit in town.visits(2, duration_minutes=30))
    with db.transaction() as session:
        visit = session.get_one(Visit, first)
        book(session, by=None, visit=visit, start=at(8), end=at(10), channel="phone")
    with committed() as session:
        plan_id = session.scalars(select(DayPlan.id)).one()
        head = heads.find(session, territory_id, DAY)
        assert head is not None
        version = head.version

    def work(number: int) -> str:
        with db.transaction() as session:
            if number:
                publish(session, by=None, plan=session.get_one(DayPlan, plan_id), expected_version=version)
                return "published"
            visit = session.get_one(Visit, second)
            book(session, by=None, visit=visit, start=at(12), end=at(14), channel="phone")
            return "booked"

    booked, published = at_once(2, work)
    assert booked == "booked"
    assert published in {"published", PlanStale.__name__}
    with committed() as session:
        head = heads.find(session, territory_id, DAY)
        assert head is not None
        in_force = heads.in_force(session, head)
        assert in_force is not None
        assert {stop.visit_id for stop in in_force.stops} == {first, second}


def a_store_of_one(factory: db.Sessions) -> list[uuid.UUID]:
    """One technician on two days, one piece in the store, two visits that need it."""
    with factory.begin() as session:
        town = a_town(session)
        who, part = town.technician(break_minutes=0), a_part(session)
        for days in (1, 2):
            a_shift(session, who, starts_at=at(8, days=days), ends_at=at(16, days=days), break_minutes=0,
                    break_earliest=None, break_latest=None)  # fmt: skip
        session.add(StoreStock(territory_id=town.territory.id, part_id=part.id, quantity=1))
        return [town.visit(parts={part.sku: 1}).id for _ in range(2)]


@pytest.mark.parametrize("holds", [False, True], ids=["both_book", "one_holds"])
def test_of_two_days_one_is_promised_the_stores_last_piece(committed: db.Sessions, holds: bool) -> None:
    """R-511: whoever comes second waits for the first, though of another day, and is told PARTS."""
    visit_ids = a_store_of_one(committed)
    both_ready = threading.Barrier(2)

    def call(number: int) -> str:
        with db.transaction() as session:
            visit, day = session.get_one(Visit, visit_ids[number]), number + 1
            heads.locked(session, visit.work_order.territory_id, DAY + timedelta(days=day))
            both_ready.wait()  # each has its own day
            window = {"start": at(10, days=day), "end": at(12, days=day)}
            try:
                if number and holds:
                    site = session.get_one(Site, visit.work_order.site_id)
                    hold(
                        session,
                        by=None,
                        wanted=Wanted(site, Needs(duration_minutes=60, parts=visit.parts), 3),
                        **window,
                        minutes=5,
                    )
                else:
                    book(session, by=None, visit=visit, **window, channel="phone")
            except SlotGone as gone:
                return ",".join(reason["code"] for reason in gone.detail["reasons"])
        return "promised"

    assert sorted(at_once(2, call)) == ["PARTS", "promised"]
