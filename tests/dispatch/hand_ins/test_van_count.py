"""The van is counted, explained or chased (R-603)."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from dispatch import outbox
from dispatch.access.rules import Role
from dispatch.contracts.house_rules import change_house_rules
from dispatch.hand_ins import chasing, queries, receiving, rules
from dispatch.hand_ins.commands import hand_in
from dispatch.hand_ins.model import HandIn
from dispatch.parts.counting import count, refuse, sign
from dispatch.parts.model import Part
from dispatch.parts.rules import VAN, Place
from dispatch.promises.reminding import open_reminders
from dispatch.technicians.model import Technician
from tests import builders as b
from tests.builders import DAY, a_principal, a_technician, a_user, at
from tests.dispatch.conftest import MovableClock
from tests.planning_world import register_kinds

ADMIN = a_principal(Role.ADMIN)


@pytest.fixture
def who(session: Session, now: MovableClock) -> Iterator[Technician]:
    """A technician at the end of the test day."""
    register_kinds()
    now.set(at(17))
    yield a_technician(session)
    outbox.register((), {})


def on_van(session: Session, who: Technician, quantity: int) -> Part:
    """A part of which the van should hold so many pieces."""
    part = b.a_part(session)
    b.van_stock(session, who, part, quantity)
    return part


def close_day(session: Session, who: Technician, **fields: Any) -> HandIn:
    """Hand the day in."""
    words: dict[str, Any] = {"day": DAY, "sheets": [], "reasons": {}, "counted_minor": {}} | fields
    return hand_in(session, by=None, technician=who, currency="EUR", **words)


def demand(session: Session) -> None:
    """The house wants every van counted."""
    change_house_rules(session, by=ADMIN, changes={"van_count_demanded": True})


def reminded(session: Session, who: Technician) -> list[tuple[int, str]]:
    """Level and role of the open reminders about the van, after a round."""
    chasing.chase(session, who.territory_id)
    found = open_reminders(session, who.territory_id)
    return sorted((row.level, row.role) for row in found if row.kind == "van_count")


def counted(session: Session, who: Technician, part: Part, pieces: int) -> None:
    """The technician counts a part on the van."""
    user = a_user(session, Role.TECHNICIAN, technician_id=who.id)
    seen = frozenset({who.territory_id})
    by = a_principal(Role.TECHNICIAN, user_id=user.id, technician_id=who.id, territory_ids=seen)
    count(session, by=by, place=Place(VAN, who.id), part=part, counted=pieces)


def test_a_house_may_demand_that_the_van_is_counted_or_explained(session: Session, who: Technician) -> None:
    """R-603: every part that should be there, at the hand-in or during the day."""
    pump, valve, gone = on_van(session, who, 2), on_van(session, who, -1), on_van(session, who, 0)
    demand(session)
    with pytest.raises(rules.VanUncounted) as refused:
        close_day(session, who)
    assert refused.value.detail["parts"] == sorted([pump.sku, valve.sku])
    with pytest.raises(rules.VanUncounted) as refused:
        close_day(session, who, counted_stock={pump.sku: 2, gone.sku: 0})
    assert refused.value.detail["parts"] == [valve.sku]
    with pytest.raises(rules.VanUncounted):
        close_day(session, who, reasons={"van": "  "})
    counted(session, who, pump, 2)
    record = close_day(session, who, counted_stock={valve.sku: 0})
    assert (record.van_uncounted, record.van_reason) == ([], "")


def test_a_reason_stands_for_the_count(session: Session, who: Technician) -> None:
    pump = on_van(session, who, 2)
    demand(session)
    record = close_day(session, who, reasons={"van": "The van is in the garage."})
    assert (record.van_uncounted, record.van_reason) == ([pump.sku], "The van is in the garage.")
    assert reminded(session, who) == []


def test_an_empty_van_needs_no_count(session: Session, who: Technician) -> None:
    demand(session)
    assert close_day(session, who).van_uncounted == []


def test_a_van_that_was_not_counted_is_chased_until_it_is(
    session: Session, who: Technician, now: MovableClock
) -> None:
    """R-603: the same clocks as for a missing hand-in; the phone says so in the own language."""
    pump = on_van(session, who, 2)
    who.language = "zh"
    record = close_day(session, who)
    assert (record.van_uncounted, reminded(session, who)) == ([pump.sku], [])
    now.set(at(20))
    assert reminded(session, who) == [(1, "dispatcher")]
    notices = [one for one in chasing.notices_of(session, who.id) if one["kind"] == "van_count"]
    assert [(one["day"], "清点" in one["text"]) for one in notices] == [(DAY.isoformat(), True)]
    now.set(at(8, days=1))
    assert reminded(session, who) == [(1, "dispatcher"), (2, "supervisor")]
    counted(session, who, pump, 2)
    assert reminded(session, who) == []
    assert not [one for one in chasing.notices_of(session, who.id) if one["kind"] == "van_count"]


def test_a_count_without_its_second_signature_is_chased(
    session: Session, who: Technician, now: MovableClock
) -> None:
    """R-603: the office is reminded at once, the person above a day later, the keeper by the phone."""
    part = on_van(session, who, 2)
    given = {"place": Place(VAN, who.id), "part": part, "reason": "one is gone"}

    def told() -> tuple[list[str], list[str]]:
        chasing.chase(session, who.territory_id)
        found = open_reminders(session, who.territory_id)
        notices = [one for one in chasing.notices_of(session, who.id) if one["kind"] == "open_count"]
        return [row.role for row in found if row.kind == "open_count"], [one["day"] for one in notices]

    own = count(session, by=b.of(who), counted=1, **given)
    assert told() == (["dispatcher"], []), "the keeper has signed already"
    now.set(at(17, days=1))
    assert told() == (["dispatcher", "supervisor"], [])
    sign(session, by=a_principal(), row=own)
    assert told() == ([], [])
    theirs = count(session, by=a_principal(), counted=0, **given)
    assert told() == (["dispatcher"], [(DAY + timedelta(days=1)).isoformat()])
    refuse(session, by=b.of(who), row=theirs, reason="it is in the drawer")
    assert told() == ([], [])


def test_the_cashiers_count_ends_the_chase(session: Session, who: Technician, now: MovableClock) -> None:
    pump = on_van(session, who, 2)
    record = close_day(session, who)
    now.set(at(20))
    assert len(reminded(session, who)) == 1
    cashier = a_principal(Role.FINANCE, user_id=a_user(session, Role.FINANCE).id)
    receiving.receive(
        session, by=cashier, hand_in=record, counted_minor={}, currency="EUR", counted_stock={pump.sku: 2}
    )
    assert reminded(session, who) == []


def test_the_rule_finds_what_a_plain_search_finds() -> None:
    """Generated vans: expected, counted; judged one part at a time."""
    chance = random.Random(5)
    for _ in range(300):
        skus = [uuid.UUID(int=chance.getrandbits(128)).hex[:6] for _ in range(chance.randint(0, 8))]
        expected = {sku: chance.choice((-2, -1, 0, 0, 1, 5)) for sku in skus}
        known = {sku for sku in skus if chance.random() < 0.5}
        found = rules.uncounted(expected, known)
        assert found == sorted(found)
        for sku in skus:
            assert (sku in found) == (expected[sku] != 0 and sku not in known)
        for reason in ("", "said"):
            for is_demanded in (False, True):
                is_refused = False
                try:
                    rules.check_van(found, reason, is_demanded=is_demanded)
                except rules.VanUncounted:
                    is_refused = True
                assert is_refused == bool(is_demanded and found and not reason)


def test_only_the_last_day_is_chased(session: Session, who: Technician, now: MovableClock) -> None:
    on_van(session, who, 2)
    close_day(session, who)
    now.set(at(21, days=1))
    assert len(reminded(session, who)) == 2
    close_day(session, who, day=b.DAY + b.timedelta(days=1))
    assert [row.day for row in queries.uncounted_vans(session, who.territory_id)] == [
        b.DAY + b.timedelta(days=1)
    ]
