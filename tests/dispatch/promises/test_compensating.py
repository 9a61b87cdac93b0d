"""What customers get for broken promises: amounts are rules, money is exact (R-605, R-802)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dispatch.access.rules import Role
from dispatch.contracts.house_rules import change_house_rules
from dispatch.customers.model import Customer
from dispatch.events import CompensationGranted, Event
from dispatch.messages.commands import write
from dispatch.messages.model import Message
from dispatch.promises import alarming, compensating
from dispatch.promises.alarming import Sight
from dispatch.promises.model import Compensation
from dispatch.promises.rules import AlarmPolicy, CompensationDecided
from dispatch.settings import Settings
from dispatch.work_orders.commands import stop_waiting, wait_for
from dispatch.work_orders.model import Visit
from tests.builders import DAY, a_contract, a_principal, a_promise, a_visit, an_order, at
from tests.dispatch.conftest import MovableClock

SUPERVISOR = a_principal(Role.SUPERVISOR)
FIFTY_YUAN = {"missing_part_compensation_minor": 5_000, "compensation_authority_minor": 5_000}
"""The example of the rule book: one day for a missing part, a coupon of 50 yuan."""


@pytest.fixture
def visit(session: Session, now: MovableClock, recorded: list[Event]) -> Visit:
    """A promised visit of an order in yuan."""
    found = a_visit(session, order=an_order(session, currency="CNY"))
    a_promise(session, found)
    return found


def rules(session: Session, **changes: int) -> None:
    """The house's."""
    change_house_rules(session, by=SUPERVISOR, changes=changes)


def by_contract(session: Session, visit: Visit, **own: int) -> None:
    """A contract of the customer with rules of its own."""
    customer = session.get_one(Customer, visit.work_order.customer_id)
    visit.work_order.contract_id = a_contract(session, customer=customer, house_rules=own).id
    session.flush()


def looked(session: Session, visit: Visit) -> list[Compensation]:
    """What there is for the visit's order after a round over orders that wait for a part."""
    compensating.for_missing_parts(session, visit.work_order.territory_id)
    mine = select(Compensation).where(Compensation.work_order_id == visit.work_order_id)
    return list(session.scalars(mine.order_by(Compensation.created_at)))


def waits(session: Session, visit: Visit) -> None:
    """The order waits for a part from now on."""
    wait_for(session, by=None, order=visit.work_order, reason="part")


def body_of(session: Session, event: Event) -> str:
    """What the message of an event says."""
    message_id = write(session, event=type(event).__name__, ids=event.payload(), settings=Settings())
    assert message_id is not None
    return session.get_one(Message, message_id).body


def test_a_day_for_a_missing_part_is_made_good_once(
    session: Session, visit: Visit, now: MovableClock, recorded: list[Event]
) -> None:
    """R-802: the example of the rule book, to the second and to the fen; told when it is given."""
    rules(session, **FIFTY_YUAN)
    waits(session, visit)
    now.set(at(8, days=1) - timedelta(seconds=1))
    assert looked(session, visit) == []
    now.set(at(8, days=1))
    [found] = looked(session, visit)
    assert (found.rule, found.amount_minor, found.currency) == ("missing_part", 5_000, "CNY")
    assert found.state == "granted"
    now.set(at(8, days=5))
    assert looked(session, visit) == [found]
    granted = [event for event in recorded if isinstance(event, CompensationGranted)]
    assert granted == [CompensationGranted(compensation_id=str(found.id))]
    body = body_of(session, granted[0])
    assert "CN¥50.00" in body
    assert "a part was missing" in body


@pytest.mark.parametrize("case", [(0, 1, "granted"), (3, 5_001, "proposed")])
def test_days_amount_and_authority_are_rules(
    session: Session, visit: Visit, now: MovableClock, case: tuple[int, int, str]
) -> None:
    """R-605, R-802: one minor unit beyond the authority is proposed, and told to nobody yet."""
    days, amount, state = case
    rules(session, **FIFTY_YUAN | {"missing_part_compensation_minor": amount, "missing_part_days": days})
    waits(session, visit)
    now.set(at(8, days=days))
    [found] = looked(session, visit)
    assert (found.amount_minor, found.state) == (amount, state)


def test_a_contract_agrees_on_amounts_of_its_own(session: Session, visit: Visit, now: MovableClock) -> None:
    """R-802: for a missing part and for a late arrival."""
    rules(session, **FIFTY_YUAN, late_compensation_minor=1_000)
    by_contract(session, visit, missing_part_compensation_minor=700, late_compensation_minor=0)
    waits(session, visit)
    now.set(at(8, days=1))
    [found] = looked(session, visit)
    assert (found.amount_minor, found.state) == (700, "granted")
    other = a_visit(session, order=an_order(session, currency="CNY"))
    a_promise(session, other, window_start=at(34), window_end=at(36))
    by_contract(session, other, late_compensation_minor=8_888)
    told(session, other)
    [late] = session.scalars(select(Compensation).where(Compensation.rule == "late_arrival"))
    assert (late.amount_minor, late.currency, late.state) == (8_888, "CNY", "proposed")


def told(session: Session, visit: Visit) -> None:
    """The customer is told that the promise breaks."""
    sight = Sight(visit.id, at(40), is_breaking=True)
    policy = AlarmPolicy(confirm=timedelta(0))
    alarming.look(session, visit.work_order.territory_id, DAY + timedelta(days=1), [sight], policy)


def test_nothing_is_owed_without_an_amount_a_promise_or_a_wait(
    session: Session, visit: Visit, now: MovableClock
) -> None:
    """R-802: rules are off by default; who was promised no window was promised nothing."""
    waits(session, visit)
    now.set(at(8, days=9))
    assert looked(session, visit) == []
    rules(session, **FIFTY_YUAN)
    stop_waiting(session, by=None, order=visit.work_order)
    assert looked(session, visit) == []
    unpromised = a_visit(session)
    waits(session, unpromised)
    now.set(at(8, days=19))
    assert looked(session, unpromised) == []
    wait_for(session, by=None, order=visit.work_order, reason="customer")
    now.set(at(8, days=29))
    assert looked(session, visit) == []


@pytest.mark.parametrize("state", ["done", "closed", "invoiced", "cancelled"])
def test_an_order_that_is_over_waits_for_nothing(
    session: Session, visit: Visit, now: MovableClock, recorded: list[Event], state: str
) -> None:
    """R-802: called off, or finished with another part: nothing is given, nobody is written to."""
    rules(session, **FIFTY_YUAN)
    waits(session, visit)
    visit.work_order.state = state
    session.flush()
    now.set(at(8, days=3))
    assert looked(session, visit) == []
    assert [event for event in recorded if isinstance(event, CompensationGranted)] == []


def test_only_what_will_be_given_is_foretold(session: Session, visit: Visit, now: MovableClock) -> None:
    """R-802: not what is given at once, nor what was given for the same promise before."""
    rules(session, **FIFTY_YUAN)
    waits(session, visit)
    assert compensating.foretold_for_part(session, visit.work_order) == (1, 5_000)
    now.set(at(8, days=1))
    assert len(looked(session, visit)) == 1
    stop_waiting(session, by=None, order=visit.work_order)
    waits(session, visit)
    assert compensating.foretold_for_part(session, visit.work_order) is None
    other = a_visit(session, order=an_order(session, currency="CNY"))
    a_promise(session, other)
    waits(session, other)
    rules(session, missing_part_days=0)
    assert compensating.foretold_for_part(session, other.work_order) is None


def test_each_wait_after_a_new_promise_is_made_good(
    session: Session, visit: Visit, now: MovableClock
) -> None:
    """R-802, R-309: not each new promise of the same wait, nor each wait under the same promise."""
    rules(session, **FIFTY_YUAN)
    waits(session, visit)
    now.set(at(8, days=1))
    assert len(looked(session, visit)) == 1
    a_promise(session, visit, ordinal=2, promised_at=at(9, days=1))
    now.set(at(8, days=3))
    assert len(looked(session, visit)) == 1
    stop_waiting(session, by=None, order=visit.work_order)
    waits(session, visit)
    now.set(at(8, days=4))
    assert len(looked(session, visit)) == 2
    stop_waiting(session, by=None, order=visit.work_order)
    waits(session, visit)
    now.set(at(8, days=9))
    assert len(looked(session, visit)) == 2


def test_what_a_supervisor_grants_is_told_and_what_is_refused_is_not(
    session: Session, visit: Visit, now: MovableClock, recorded: list[Event]
) -> None:
    """R-605, R-802."""
    rules(session, **FIFTY_YUAN | {"compensation_authority_minor": 0})
    visits = [visit, a_visit(session, order=an_order(session, currency="CNY"))]
    a_promise(session, visits[1])
    for one in visits:
        waits(session, one)
    now.set(at(8, days=1))
    [found] = looked(session, visit)
    [other] = looked(session, visits[1])
    assert {found.state, other.state} == {"proposed"}
    compensating.decide(session, by=SUPERVISOR, found=found, decision="granted")
    compensating.decide(session, by=SUPERVISOR, found=other, decision="refused")
    granted = [event for event in recorded if isinstance(event, CompensationGranted)]
    assert granted == [CompensationGranted(compensation_id=str(found.id))]
    with pytest.raises(CompensationDecided):
        compensating.decide(session, by=SUPERVISOR, found=other, decision="granted")
    assert session.scalar(select(func.sum(Compensation.amount_minor))) == 10_000


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("days", [1, 2])
def test_who_waits_for_a_part_is_told_what_that_is_worth(
    session: Session, visit: Visit, recorded: list[Event], language: str, days: int
) -> None:
    """R-802: before it happens, where it is given by rule."""
    rules(session, **FIFTY_YUAN | {"missing_part_days": days})
    session.get_one(Customer, visit.work_order.customer_id).language = language
    waits(session, visit)
    words = {
        "en": ["longer than a day, you", "longer than 2 days, you"],
        "zh": ["如等待超过 1 天，我们将补偿您 ¥50.00", "如等待超过 2 天，"],
    }
    assert words[language][days - 1] in body_of(session, recorded[-1])


def test_nothing_is_foretold_that_somebody_has_yet_to_decide(
    session: Session, visit: Visit, recorded: list[Event]
) -> None:
    """R-605."""
    rules(session, **FIFTY_YUAN | {"compensation_authority_minor": 4_999})
    waits(session, visit)
    assert "50.00" not in body_of(session, recorded[-1])
