"""Proposals to refill vans and the store (R-511)."""

from __future__ import annotations

import random
from typing import Any

import pytest

from dispatch import db
from dispatch.parts import commands, counting, rules, transferring
from dispatch.parts.model import Part
from dispatch.parts.moving import held_at, move_at
from dispatch.parts.rules import STORE, VAN, Place
from dispatch.parts.transferring import Wish
from dispatch.planning.refilling import Refill, refills, take_over
from tests.builders import a_part, a_principal, at, of
from tests.planning_world import Town

ME = a_principal()


def stocked(town: Town, place: Place, part: Part, held: int, level: tuple[int, int]) -> None:
    """What a place has and should have of a part."""
    if held:
        given = {"change": held, "reason": "loaded", "source": db.new_id().hex}
        move_at(town.session, by=ME, place=place, part_id=part.id, **given)
    counting.set_level(town.session, by=ME, place=place, part=part, minimum=level[0], target=level[1])


def proposed(town: Town) -> list[tuple[Any, int]]:
    """Whose, and how much."""
    return [(one.technician_id, one.quantity) for one in refills(town.session, town.territory.id)]


def test_vans_are_refilled_from_the_store_and_the_store_from_a_supplier(town: Town) -> None:
    """R-511: taken over once; what is on its way is not proposed again."""
    who, part = town.technician(), a_part(town.session)
    store = Place(STORE, town.territory.id)
    stocked(town, Place(VAN, who.id), part, 1, (2, 5))
    stocked(town, store, part, 3, (1, 4))
    found = refills(town.session, town.territory.id)
    assert [(one.technician_id, one.quantity, one.free) for one in found] == [(who.id, 3, 1), (None, 5, -1)]
    given = {"by": ME, "territory_id": town.territory.id}
    [transfer], [order] = take_over(town.session, **given, wanted=found)
    assert (transfer.state, transfer.giver_id, transfer.taker_id) == ("asked", None, who.id)
    assert proposed(town) == []
    with pytest.raises(rules.RefillOutdated):
        take_over(town.session, **given, wanted=found)
    commands.receive_order(town.session, by=ME, order=order, quantity=2, source="D1")
    assert (order.received, order.state) == (2, "ordered")
    assert commands.receive_order(town.session, by=ME, order=order, quantity=2, source="D1").is_repeated
    assert (order.received, proposed(town)) == (2, [])
    transferring.confirm(town.session, by=of(who), transfer=transfer)
    assert (held_at(town.session, store, part.id), proposed(town)) == (2, [])
    commands.receive_order(town.session, by=ME, order=order, quantity=3, source="D2")
    assert order.state == "received"
    with pytest.raises(rules.PartOrderOver):
        commands.cancel_order(town.session, by=ME, order=order)


def test_what_will_not_come_is_proposed_again(town: Town) -> None:
    part = a_part(town.session)
    stocked(town, Place(STORE, town.territory.id), part, 0, (1, 4))
    _, [order] = take_over(
        town.session, by=ME, territory_id=town.territory.id, wanted=refills(town.session, town.territory.id)
    )
    assert commands.cancel_order(town.session, by=ME, order=order).state == "cancelled"
    assert proposed(town) == [(None, 4)]
    with pytest.raises(rules.PartOrderOver):
        commands.receive_order(town.session, by=ME, order=order, quantity=1, source="D1")


def test_what_planned_visits_need_is_kept_for_them_and_ordered_if_it_is_nowhere(town: Town) -> None:
    """R-304, R-511: the shelf's two pieces are a visit's; the third it needs is ordered."""
    ada, ben, part = town.technician(), town.technician(), a_part(town.session)
    stocked(town, Place(STORE, town.territory.id), part, 2, (0, 0))
    stocked(town, Place(VAN, ben.id), part, 0, (1, 1))
    times = {"planned_start": at(15), "planned_end": at(16)}
    town.visit(parts={part.sku: 3}, technician=ada, state="published", **times)
    assert proposed(town) == [(None, 2)]


@pytest.mark.parametrize("seed", range(10))
def test_vans_are_proposed_no_more_than_the_store_has(town: Town, seed: int) -> None:
    """R-511: reckoned anew by hand; everybody below the minimum is filled or ordered for."""
    chance = random.Random(seed)
    part = a_part(town.session)
    here = chance.randint(0, 6)
    stocked(town, Place(STORE, town.territory.id), part, here, (0, 0))
    lacking = 0
    for _ in range(3):
        held, minimum = chance.randint(0, 4), chance.randint(0, 4)
        target = minimum + chance.randint(0, 2)
        stocked(town, Place(VAN, town.technician().id), part, held, (minimum, target))
        lacking += target - held if held < minimum else 0
    found = refills(town.session, town.territory.id)
    from_store = sum(one.quantity for one in found if one.technician_id)
    ordered = sum(one.quantity for one in found if one.technician_id is None)
    assert (from_store, ordered) == (min(here, lacking), max(0, lacking - here))


def test_only_what_is_proposed_is_taken_over(town: Town) -> None:
    part = a_part(town.session)
    stocked(town, Place(STORE, town.territory.id), part, 0, (1, 4))
    for quantity, refusal in ((5, rules.RefillOutdated), (0, rules.QuantityInvalid)):
        wanted = [Refill(None, part.sku, free=0, minimum=0, target=0, quantity=quantity)]
        with pytest.raises(refusal):
            take_over(town.session, by=ME, territory_id=town.territory.id, wanted=wanted)


def test_what_a_visits_van_asked_for_is_not_ordered_as_well(town: Town) -> None:
    """R-511: asked for, handed over and confirmed, the store's one piece is the visit's."""
    who, part = town.technician(), a_part(town.session)
    stocked(town, Place(STORE, town.territory.id), part, 1, (0, 0))
    times = {"planned_start": at(15), "planned_end": at(16)}
    town.visit(parts={part.sku: 1}, technician=who, state="published", **times)
    assert proposed(town) == []
    wish = Wish(territory_id=town.territory.id, part=part, quantity=1, giver_id=None, taker_id=who.id)
    transfer = transferring.ask(town.session, by=ME, wish=wish)
    assert proposed(town) == []
    transferring.hand_over(town.session, by=ME, transfer=transfer)
    assert proposed(town) == []
    transferring.confirm(town.session, by=of(who), transfer=transfer)
    assert proposed(town) == []
    town.visit(parts={part.sku: 1}, technician=who, state="published", **times)
    assert proposed(town) == [(None, 1)]
