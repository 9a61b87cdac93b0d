"""Missing and open hand-ins are chased until they arrive (R-603)."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
from sqlalchemy.orm import Session

from dispatch import outbox
from dispatch.access.rules import Role
from dispatch.contracts.house_rules import change_house_rules
from dispatch.hand_ins import chasing, queries, receiving
from dispatch.hand_ins.commands import hand_in
from dispatch.promises.model import OfficeReminder
from dispatch.promises.reminding import open_reminders
from dispatch.technicians.model import Technician
from tests.builders import DAY, a_principal, a_technician, a_user, a_visit, at
from tests.dispatch.conftest import MovableClock
from tests.dispatch.hand_ins.test_both_sides import SIGNED, collect
from tests.planning_world import register_kinds

ADMIN = a_principal(Role.ADMIN)


@pytest.fixture
def who(session: Session, now: MovableClock) -> Iterator[Technician]:
    """A technician who worked on the test day."""
    register_kinds()
    now.set(at(17))
    found = a_technician(session)
    collect(session, found, a_visit(session, technician=found, state="done"), 5000)
    yield found
    outbox.register((), {})


def reminded(session: Session, who: Technician) -> list[tuple[str, int, str]]:
    """Kind, level and role of the open reminders after a round."""
    chasing.chase(session, who.territory_id)
    return sorted((row.kind, row.level, row.role) for row in rows(session, who))


def rows(session: Session, who: Technician) -> list[OfficeReminder]:
    """The open reminders of the territory."""
    return list(open_reminders(session, who.territory_id))


def test_a_missing_hand_in_is_chased_in_the_evening_and_goes_up_in_the_morning(
    session: Session, who: Technician, now: MovableClock
) -> None:
    """R-603: phone and office list from eight in the evening, the supervisor from eight in the morning."""
    now.set(at(19.9))
    assert reminded(session, who) == []
    now.set(at(20))
    assert reminded(session, who) == [("hand_in", 1, "dispatcher")]
    assert rows(session, who)[0].subject == f"{who.id}:{DAY.isoformat()}"
    assert [one["kind"] for one in chasing.notices_of(session, who.id)] == ["hand_in"]
    assert chasing.chase(session, who.territory_id) == []
    now.set(at(8, days=1))
    both = [("hand_in", 1, "dispatcher"), ("hand_in", 2, "supervisor")]
    assert reminded(session, who) == both
    sheets = queries.expected(session, who, DAY).sheets
    record = hand_in(
        session,
        by=None,
        technician=who,
        day=DAY,
        sheets=sheets,
        reasons={},
        counted_minor={"cash": 5000},
        currency="EUR",
        signature=SIGNED,
    )
    assert [kind for kind, _, _ in reminded(session, who)] == ["open_hand_in"]
    cashier = a_principal(Role.FINANCE, user_id=a_user(session, Role.FINANCE).id)
    receiving.receive(session, by=cashier, hand_in=record, counted_minor={"cash": 5000}, currency="EUR")
    assert reminded(session, who) == []
    assert chasing.notices_of(session, who.id) == []


@pytest.mark.parametrize("days", [13, 20, 60])
def test_a_day_is_chased_until_it_is_handed_in(
    session: Session, who: Technician, now: MovableClock, days: int
) -> None:
    """R-603: money that nobody handed in is not forgotten; what was handed in is not owed again."""
    now.set(at(21))
    assert len(reminded(session, who)) == 1
    now.set(at(21, days=days))
    assert [(kind, level) for kind, level, _ in reminded(session, who)] == [("hand_in", 1), ("hand_in", 2)]
    [owed] = queries.owed_by(session, who)
    assert (owed.day, owed.money_minor, owed.is_supplement) == (DAY, {"cash": 5000}, False)
    hand_in(
        session,
        by=None,
        technician=who,
        day=DAY,
        sheets=owed.sheets,
        reasons={},
        counted_minor={"cash": 5000},
        currency="EUR",
    )
    now.set(at(21, days=2 * days))
    assert queries.owed_by(session, who) == []
    assert "hand_in" not in [kind for kind, _, _ in reminded(session, who)]


def test_who_did_not_work_is_not_chased(session: Session, who: Technician, now: MovableClock) -> None:
    """R-603: neither a colleague without visits, nor what is only planned."""
    a_visit(session, technician=a_technician(session), state="published")
    now.set(at(21))
    chasing.chase(session, who.territory_id)
    assert {row.subject.partition(":")[0] for row in rows(session, who)} == {str(who.id)}


def test_the_hours_are_the_houses_and_chasing_can_be_off(
    session: Session, who: Technician, now: MovableClock
) -> None:
    change_house_rules(session, by=ADMIN, changes={"hand_in_hour": 18})
    now.set(at(18))
    assert [kind for kind, _, _ in reminded(session, who)] == ["hand_in"]
    change_house_rules(session, by=ADMIN, changes={"hand_in_chase": False})
    assert reminded(session, who) == []


def test_a_dispute_is_the_supervisors_at_once(session: Session, who: Technician, now: MovableClock) -> None:
    sheets = queries.expected(session, who, DAY).sheets
    record = hand_in(
        session,
        by=None,
        technician=who,
        day=DAY,
        sheets=sheets,
        reasons={},
        counted_minor={"cash": 5000},
        currency="EUR",
    )
    record.state = "disputed"
    session.flush()
    assert reminded(session, who) == [("open_hand_in", 1, "supervisor")]


def test_too_much_cash_in_one_hand_is_told(session: Session, who: Technician) -> None:
    """R-603: the limit of custody is the house's."""
    assert reminded(session, who) == []
    change_house_rules(session, by=ADMIN, changes={"custody_limit_minor": 4999})
    assert reminded(session, who) == [("custody", 1, "dispatcher")]
    change_house_rules(session, by=ADMIN, changes={"custody_limit_minor": 5000})
    assert reminded(session, who) == []


def test_what_is_owed_is_told_by_territory(session: Session, who: Technician) -> None:
    assert [row.technician_id for row in queries.owed_within(session, who.territory_id)] == [who.id]
    assert queries.owed_within(session, uuid.UUID(str(a_technician(session).territory_id))) == []
