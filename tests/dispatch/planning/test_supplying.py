"""Parts for planned visits: the van's, the store's, or nowhere; and what is picked (R-304, R-511)."""

from __future__ import annotations

import random
from collections import Counter
from datetime import date, timedelta
from typing import Any

import pytest

from dispatch.customers.model import Site
from dispatch.parts import transferring
from dispatch.parts.model import Part, StoreStock, VanStock
from dispatch.parts.moving import held_at
from dispatch.parts.rules import STORE, VAN, Place
from dispatch.parts.transferring import Wish
from dispatch.planning import heads, readying
from dispatch.planning.commands import book, hold, offer
from dispatch.planning.dealing import Demand
from dispatch.planning.picking import pick
from dispatch.planning.rules import PickTooMany, SlotGone
from dispatch.planning.supplying import pick_list, shares, shares_on, with_store
from dispatch.planning.wanting import Wanted
from dispatch.technicians.model import Technician, TechnicianSkill
from dispatch.work_orders.model import Visit
from dispatch.work_orders.rules import Needs
from tests.builders import DAY, a_part, a_principal, a_shift, a_skill, at, of, part_use, van_stock
from tests.dispatch.conftest import MovableClock
from tests.dispatch.sync.test_questions import asked
from tests.planning_world import Town

TOMORROW = DAY + timedelta(days=1)


def in_store(town: Town, part: Part, quantity: int) -> None:
    """Put pieces on the shelf of the town."""
    town.session.add(StoreStock(territory_id=town.territory.id, part_id=part.id, quantity=quantity))
    town.session.flush()


def published(town: Town, *stops: tuple[Technician, Visit, float], on: date = TOMORROW) -> None:
    """Publish a day: who serves what from which local hour on."""
    head, days = heads.locked(town.session, town.territory.id, on), (on - DAY).days
    rows = [(who, visit, at(hour, days=days)) for who, visit, hour in stops]
    head.published_plan_id = town.plan_of(rows, head, state="published").id
    for who, visit, start in rows:
        visit.technician_id, visit.planned_start = who.id, start
        visit.planned_end = start + timedelta(hours=1)
        if visit.state == "unplanned":
            steps(town, visit, "planned", "published")
    town.session.flush()


def steps(town: Town, visit: Visit, *states: str) -> None:
    """Take a visit from state to state."""
    for state in states:
        visit.state = state
        town.session.flush()


def listed(town: Town, who: Technician) -> dict[str, int]:
    """The pick list of tomorrow, pieces by part number."""
    return {one.part.sku: one.quantity for one in pick_list(town.session, who, TOMORROW)}


def both_days(town: Town) -> Technician:
    """Somebody on duty today and tomorrow."""
    who = town.technician(break_minutes=0)
    rest: dict[str, Any] = {"break_minutes": 0, "break_earliest": None, "break_latest": None}
    a_shift(town.session, who, starts_at=at(8, days=1), ends_at=at(16, days=1), **rest)
    return who


def codes(town: Town, visit: Visit, first: date) -> set[str]:
    """Why a visit is not offered on a day; nothing when it is."""
    found = offer(town.session, visit, first_day=first, days=1)
    return set() if found.windows else {refusal.code for refusal in found.refusals}


def test_a_pick_list_follows_the_plan_and_ends_with_its_visits(town: Town) -> None:
    """R-304, R-511: what the van lacks is set aside; published anew it moves; called off it is free."""
    part = a_part(town.session)
    ada, ben = both_days(town), both_days(town)
    in_store(town, part, 3)
    van_stock(town.session, ada, part, 1)
    first, second = (town.visit(parts={part.sku: 2}) for _ in range(2))
    published(town, (ada, first, 9), (ada, second, 11))
    assert listed(town, ada) == {part.sku: 3}
    published(town, (ada, first, 9), (ben, second, 11))
    assert (listed(town, ada), listed(town, ben)) == ({part.sku: 1}, {part.sku: 2})
    steps(town, second, "cancelled")
    assert (listed(town, ada), listed(town, ben)) == ({part.sku: 1}, {})
    steps(town, first, "accepted", "travelling", "on_site", "working", "done")
    assert listed(town, ada) == {}


def test_what_is_picked_is_on_the_van_once(town: Town) -> None:
    """R-511: a list that was read twice loads once; what was not found stays on it."""
    part = a_part(town.session)
    who = both_days(town)
    in_store(town, part, 5)
    published(town, (who, town.visit(parts={part.sku: 3}), 9))
    given = {"by": of(who), "technician": who, "day": TOMORROW}
    assert [row.quantity for row in pick(town.session, **given, picked={part.sku: 2})] == [2]
    assert listed(town, who) == {part.sku: 1}
    with pytest.raises(PickTooMany):
        pick(town.session, **given, picked={part.sku: 2})
    pick(town.session, **given, picked={part.sku: 1})
    with pytest.raises(PickTooMany):
        pick(town.session, **given, picked={part.sku: 1})
    places = (Place(STORE, town.territory.id), Place(VAN, who.id))
    assert [held_at(town.session, place, part.id) for place in places] == [2, 3]
    assert listed(town, who) == {}


def test_what_neither_van_nor_store_has_shows_the_evening_before(town: Town) -> None:
    """R-304: what is set aside is not lacking; the second visit's second piece is."""
    part = a_part(town.session)
    who = both_days(town)
    in_store(town, part, 2)
    van_stock(town.session, who, part, 1)
    first, second = (town.visit(parts={part.sku: 2}) for _ in range(2))
    published(town, (who, first, 9), (who, second, 11))
    [gap] = readying.look(town.session, town.territory.id, TOMORROW)
    assert (gap.visit_id, gap.code, gap.missing) == (second.id, readying.PART, 1)
    found = shares_on(town.session, town.territory.id, TOMORROW)
    assert [(share.from_van, share.from_store, share.missing) for share in found] == [(1, 1, 0), (0, 1, 1)]


def test_today_only_the_van_counts_and_tomorrow_the_store_as_well(town: Town) -> None:
    """R-511: nobody drives back for a part; what is nowhere is promised for no day."""
    both_days(town)
    part, nowhere = a_part(town.session), a_part(town.session)
    in_store(town, part, 1)
    visit = town.visit(parts={part.sku: 1})
    assert codes(town, visit, DAY) == {"PARTS"}
    assert codes(town, visit, TOMORROW) == set()
    for day in (DAY, TOMORROW):
        assert codes(town, town.visit(parts={nowhere.sku: 1}), day) == {"PARTS"}
    with pytest.raises(SlotGone) as refused:
        book(town.session, by=None, visit=visit, start=at(10), end=at(12), channel="phone")
    [why] = refused.value.detail["reasons"]
    assert why["code"] == "PARTS"
    assert part.sku in why["sentence"]


def test_the_stores_last_piece_is_promised_once(town: Town) -> None:
    """R-511: whichever van and day, and the offers of before are not believed any more."""
    both_days(town), both_days(town)
    part = a_part(town.session)
    in_store(town, part, 1)
    first, second = (town.visit(parts={part.sku: 1}) for _ in range(2))
    assert codes(town, second, TOMORROW) == set()
    book(town.session, by=None, visit=first, start=at(10, days=1), end=at(12, days=1), channel="phone")
    assert codes(town, second, TOMORROW) == {"PARTS"}
    town.session.get_one(StoreStock, (town.territory.id, part.id)).quantity = 2
    town.session.flush()
    assert codes(town, second, TOMORROW) == set()


def test_a_later_visit_that_lives_on_the_stores_piece_keeps_it(town: Town) -> None:
    """R-511: the van's own piece goes to tomorrow's visit of the same van."""
    ada, other = both_days(town), both_days(town)
    rest: dict[str, Any] = {"break_minutes": 0, "break_earliest": None, "break_latest": None}
    a_shift(town.session, ada, starts_at=at(8, days=2), ends_at=at(16, days=2), **rest)
    part = a_part(town.session)
    van_stock(town.session, ada, part, 1)
    in_store(town, part, 1)
    first, later, asked = (town.visit(parts={part.sku: 1}) for _ in range(3))
    published(town, (ada, first, 10))
    published(town, (ada, later, 10), on=DAY + timedelta(days=2))
    assert other.id != ada.id
    assert codes(town, asked, TOMORROW) == {"PARTS"}


def test_what_is_handed_out_is_not_promised_again(town: Town) -> None:
    """R-511: the last piece lies in Ada's van, though her phone has not confirmed it."""
    ada = both_days(town)
    both_days(town)
    part, desk = a_part(town.session), a_principal(territory_ids=frozenset({town.territory.id}))
    in_store(town, part, 1)
    visit = town.visit(parts={part.sku: 1})
    assert codes(town, visit, TOMORROW) == set()
    wish = Wish(territory_id=town.territory.id, part=part, quantity=1, giver_id=None, taker_id=ada.id)
    transfer = transferring.ask(town.session, by=desk, wish=wish)
    transferring.hand_over(town.session, by=desk, transfer=transfer)
    vans = {t.id: t.stock for t in town.built(on=TOMORROW).problem.technicians}
    assert {who: stock for who, stock in vans.items() if stock} == {str(ada.id): {part.sku: 1}}


def test_a_visit_under_way_claims_what_it_has_not_fitted_yet(town: Town, now: MovableClock) -> None:
    """R-304: what it fitted left the van then; what it has not is no offer's."""
    who = both_days(town)
    part = a_part(town.session)
    van_stock(town.session, who, part, 1)
    visit = town.visit(parts={part.sku: 1})
    published(town, (who, visit, 9), on=DAY)
    visit.state, visit.started_at = "travelling", at(9)
    steps(town, visit, "on_site", "working")
    now.set(at(9.5))
    asked = town.visit(parts={part.sku: 1})
    assert codes(town, asked, DAY) == {"PARTS"}
    part_use(town.session, visit, part)
    town.session.get_one(VanStock, (who.id, part.id)).quantity = 0
    in_store(town, part, 1)
    assert codes(town, asked, TOMORROW) == set()


def test_a_visit_keeps_what_is_set_aside_when_its_day_begins(town: Town, now: MovableClock) -> None:
    """R-511: between midnight and the pick the part is still in the store, and the visit on its route."""
    who = both_days(town)
    part = a_part(town.session)
    in_store(town, part, 2)
    visit = town.visit(parts={part.sku: 1})
    book(town.session, by=None, visit=visit, start=at(10, days=1), end=at(12, days=1), channel="phone")
    now.set(at(1, days=1))
    [van] = [t.stock for t in town.built(on=TOMORROW).problem.technicians if t.id == str(who.id)]
    assert van == {part.sku: 1}
    assert codes(town, town.visit(parts={part.sku: 1}), TOMORROW) == {"PARTS"}


@pytest.mark.parametrize("seed", range(12))
def test_a_plan_made_anew_never_takes_more_than_the_store_has(town: Town, seed: int) -> None:
    """R-511: vans are filled as greedily as their stock allows; together they take no more than there is."""
    chance = random.Random(seed)
    part = a_part(town.session)
    held = chance.randint(0, 4)
    in_store(town, part, held)
    crew = [town.technician() for _ in range(3)]
    vans = {who.id: {part.sku: chance.randint(0, 2)} for who in crew}
    needs = [{part.sku: chance.randint(1, 2)} for _ in range(chance.randint(1, 5))]
    routes = [(chance.choice(crew).id, parts) for parts in needs if chance.random() < 0.5]
    day = town.built(on=TOMORROW).day
    able = frozenset(who.id for who in crew)
    wanted = [Demand(parts, able) for parts in needs]
    given = with_store(town.session, day, vans, of_day=[], routes=routes, open_needs=wanted)
    left = sum(parts[part.sku] for parts in needs)
    fetched: Counter[str] = Counter()
    for who in crew:
        own, has = vans[who.id][part.sku], given[who.id].get(part.sku, 0)
        assert has >= own
        taken = min(left, has)
        left -= taken
        fetched[part.sku] += max(0, taken - own)
    assert fetched[part.sku] <= held
    for who, parts in routes:
        assert given[who].get(part.sku, 0) >= min(parts[part.sku], vans[who][part.sku])


def test_whoever_asks_for_one_more_visit_sees_what_nobody_has_set_aside(town: Town) -> None:
    """R-511: two of five are another day's, one is this route's."""
    part = a_part(town.session)
    ada, ben = both_days(town), both_days(town)
    in_store(town, part, 5)
    published(town, (ben, town.visit(parts={part.sku: 2}), 9), on=DAY)
    day = town.built(on=TOMORROW).day
    routes = [(ada.id, {part.sku: 1})]
    vans: dict[Any, dict[str, int]] = {ada.id: {}, ben.id: {}}
    given = with_store(town.session, day, vans, of_day=[], routes=routes, open_needs=None)
    assert given == {ada.id: {part.sku: 3}, ben.id: {part.sku: 2}}


def test_only_the_own_list_is_picked(town: Town) -> None:
    part = a_part(town.session)
    ada, ben = both_days(town), both_days(town)
    in_store(town, part, 5)
    published(town, (ada, town.visit(parts={part.sku: 1}), 9))
    with pytest.raises(PickTooMany):
        pick(town.session, by=a_principal(), technician=ben, day=TOMORROW, picked={part.sku: 1})


def test_scarce_pieces_go_to_whoever_can_serve_what_needs_them(town: Town) -> None:
    """R-304, R-511: of two vans the one whose technician has the skill gets the store's piece."""
    part = a_part(town.session)
    crew = sorted((both_days(town) for _ in range(2)), key=lambda who: str(who.id))
    a_skill(town.session)
    crew[1].skills.append(TechnicianSkill(skill_code="gas", level=2))
    in_store(town, part, 1)
    needs: dict[str, Any] = {"parts": {part.sku: 1}, "skills": {"gas": 2}}
    for visit in (town.visit(**needs), town.visit(**needs)):
        visit.window_start, visit.window_end = at(10, days=1), at(12, days=1)
    town.session.flush()
    vans = {t.id: t.stock for t in town.built(on=TOMORROW).problem.technicians}
    assert {who: stock for who, stock in vans.items() if stock} == {str(crew[1].id): {part.sku: 1}}


def test_a_window_held_on_another_day_keeps_the_stores_piece(town: Town, now: MovableClock) -> None:
    """R-309, R-511: until the hold is over; the caller who holds it takes it."""
    ada, part = both_days(town), a_part(town.session)
    rest: dict[str, Any] = {"break_minutes": 0, "break_earliest": None, "break_latest": None}
    a_shift(town.session, ada, starts_at=at(8, days=2), ends_at=at(16, days=2), **rest)
    in_store(town, part, 1)
    first, second = (town.visit(parts={part.sku: 1}) for _ in range(2))
    later = TOMORROW + timedelta(days=1)
    assert codes(town, second, later) == set()
    asked = Wanted(
        town.session.get_one(Site, first.work_order.site_id),
        Needs(duration_minutes=60, parts={part.sku: 1}),
        3,
    )
    window = {"start": at(10, days=1), "end": at(12, days=1)}
    kept = hold(town.session, by=None, wanted=asked, **window, minutes=5)
    assert codes(town, second, later) == {"PARTS"}
    book(town.session, by=None, visit=first, **window, channel="phone", hold_id=kept.id)
    assert codes(town, second, later) == {"PARTS"}
    steps(town, first, "cancelled")
    hold(town.session, by=None, wanted=asked, **window, minutes=5)
    now.set(at(8.2))
    assert codes(town, second, later) == set()


def test_a_draft_of_another_day_that_needs_the_stores_piece_keeps_it(town: Town) -> None:
    """R-511: published with the piece on Ada's van, drafted to Ben, who has none."""
    ada, ben, part = both_days(town), both_days(town), a_part(town.session)
    rest: dict[str, Any] = {"break_minutes": 0, "break_earliest": None, "break_latest": None}
    a_shift(town.session, ben, starts_at=at(8, days=2), ends_at=at(16, days=2), **rest)
    van_stock(town.session, ada, part, 1)
    in_store(town, part, 1)
    visit, asked = (town.visit(parts={part.sku: 1}) for _ in range(2))
    published(town, (ada, visit, 9))
    later = TOMORROW + timedelta(days=1)
    assert codes(town, asked, later) == set()
    head = heads.locked(town.session, town.territory.id, TOMORROW)
    town.plan_of([(ben, visit, at(9, days=1))], head, state="draft")
    assert codes(town, asked, later) == {"PARTS"}


def test_a_draft_that_was_never_published_is_forgotten(town: Town, now: MovableClock) -> None:
    """R-511: the day is over; the piece is there for whoever asks now."""
    both_days(town)
    part = a_part(town.session)
    in_store(town, part, 1)
    visit, asked = (town.visit(parts={part.sku: 1}) for _ in range(2))
    a_shift(
        town.session, both_days(town), starts_at=at(8, days=9), ends_at=at(16, days=9), break_minutes=0,
        break_earliest=None, break_latest=None,
    )  # fmt: skip
    head = heads.locked(town.session, town.territory.id, DAY)
    town.plan_of([(both_days(town), visit, at(9))], head, state="draft")
    later = DAY + timedelta(days=9)
    assert codes(town, asked, later) == {"PARTS"}
    now.set(at(8, days=4))
    assert codes(town, asked, later) == set()


def test_visits_without_the_stores_parts_are_not_read(town: Town) -> None:
    """However many visits are planned, opening a day asks the same and reads those that need its parts."""
    ada, part, other = both_days(town), a_part(town.session), a_part(town.session)
    in_store(town, part, 1)
    published(town, (ada, town.visit(parts={part.sku: 1}), 9))
    with asked() as few:
        [found] = shares(town.session, town.territory.id, drafted=True, skus={part.sku})
    for hour in (10, 11, 12):
        town.visit(technician=ada, state="published", planned_start=at(hour), planned_end=at(hour + 1))
    town.visit(
        parts={other.sku: 1}, technician=ada, state="published", planned_start=at(13), planned_end=at(14)
    )
    with asked() as many:
        assert shares(town.session, town.territory.id, drafted=True, skus={part.sku}) == [found]
    assert len(many) == len(few)


def test_a_visit_takes_the_stores_last_piece_along_to_another_day(town: Town) -> None:
    """R-511: what it has on the day it leaves is there for it, and for nobody else until it has moved."""
    ada = both_days(town)
    rest: dict[str, Any] = {"break_minutes": 0, "break_earliest": None, "break_latest": None}
    a_shift(town.session, ada, starts_at=at(8, days=2), ends_at=at(16, days=2), **rest)
    part = a_part(town.session)
    in_store(town, part, 1)
    moved, other = (town.visit(parts={part.sku: 1}) for _ in range(2))
    book(town.session, by=None, visit=moved, start=at(10, days=1), end=at(12, days=1), channel="phone")
    later = DAY + timedelta(days=2)
    assert codes(town, moved, later) == set()
    assert codes(town, other, later) == {"PARTS"}
    book(town.session, by=None, visit=moved, start=at(10, days=2), end=at(12, days=2), channel="phone")
    assert moved.planned_start is not None
    assert moved.planned_start.date() == later
    assert codes(town, other, TOMORROW) == {"PARTS"}
