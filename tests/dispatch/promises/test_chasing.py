"""A customer asks when we come (R-105)."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import db
from dispatch.access.rules import Principal, Role
from dispatch.errors import DispatchError
from dispatch.promises import reminding
from dispatch.promises.chasing import answer, chasers_of, open_chasers, record_chaser, take
from dispatch.promises.model import Chaser, OfficeReminder
from dispatch.promises.rules import ChaserAnswered, ChaserTaken
from dispatch.work_orders.model import WorkOrder
from dispatch.work_orders.refusals import OrderFinished
from tests.builders import a_principal, a_promise, a_visit, an_order, at
from tests.dispatch.conftest import MovableClock


@pytest.fixture
def order(session: Session, now: MovableClock) -> WorkOrder:
    """An order of this morning."""
    assert now.moment == at(8)
    return an_order(session)


def test_the_second_chaser_reaches_the_supervisor(session: Session, order: WorkOrder) -> None:
    """R-105."""
    first, second, third = (record_chaser(session, by=None, order=order, channel="phone") for _ in range(3))
    assert [chaser.ordinal for chaser in (first, second, third)] == [1, 2, 3]
    assert [chaser.is_escalated for chaser in (first, second, third)] == [False, True, True]
    assert chasers_of(session, [order.id]) == {order.id: [first, second, third]}


def test_the_supervisors_chasers_come_first(session: Session, order: WorkOrder, now: MovableClock) -> None:
    record_chaser(session, by=None, order=order, channel="phone")
    record_chaser(session, by=None, order=order, channel="web")
    now.set(at(9))
    other = an_order(session)
    other.territory_id = order.territory_id
    record_chaser(session, by=None, order=other, channel="email")
    found = open_chasers(session, order.territory_id)
    assert [(chaser.work_order_id, chaser.ordinal) for chaser in found] == [
        (order.id, 2),
        (other.id, 1),
        (order.id, 1),
    ]


def test_of_a_finished_order_nobody_asks_any_more(session: Session, order: WorkOrder) -> None:
    record_chaser(session, by=None, order=order, channel="phone")
    order.state = "closed"
    session.flush()
    assert open_chasers(session, order.territory_id) == []
    with pytest.raises(OrderFinished):
        record_chaser(session, by=None, order=order, channel="phone")


def asked(session: Session, order: WorkOrder) -> Chaser:
    """The customer asks once more."""
    return record_chaser(session, by=None, order=order, channel="phone")


def test_a_chaser_is_taken_once_and_answered_once(
    session: Session, order: WorkOrder, now: MovableClock
) -> None:
    """R-105: who, when, and what the customer was told."""
    me, other = a_principal(Role.CALL_TAKER), a_principal(Role.DISPATCHER)
    chaser = asked(session, order)
    now.set(at(8.5))
    take(session, by=me, chaser=chaser)
    assert (chaser.taken_by, chaser.taken_at) == (me.user_id, at(8.5))
    for somebody in (me, other):
        with pytest.raises(ChaserTaken) as refusal:
            take(session, by=somebody, chaser=chaser)
        assert refusal.value.detail == {"by": str(me.user_id)}
    with pytest.raises(ChaserTaken):
        answer(session, by=other, chaser=chaser, told="Soon.")
    now.set(at(9))
    answer(session, by=me, chaser=chaser, told=" Between ten and twelve. ")
    assert (chaser.answered_by, chaser.answered_at) == (me.user_id, at(9))
    assert (chaser.told, chaser.promise_id) == ("Between ten and twelve.", None)
    assert open_chasers(session, order.territory_id) == []
    with pytest.raises(ChaserAnswered):
        answer(session, by=me, chaser=chaser, told="Again.")
    with pytest.raises(ChaserAnswered):
        take(session, by=other, chaser=chaser)


@pytest.mark.parametrize("role", [Role.SUPERVISOR, Role.ADMIN])
def test_a_supervisor_answers_what_somebody_else_has_taken(
    session: Session, order: WorkOrder, role: Role
) -> None:
    """R-105: who took it stays known."""
    me, above = a_principal(Role.CALL_TAKER), a_principal(role)
    chaser = asked(session, order)
    take(session, by=me, chaser=chaser)
    answer(session, by=above, chaser=chaser, told="At ten.")
    assert (chaser.taken_by, chaser.answered_by) == (me.user_id, above.user_id)


def test_an_answer_names_the_window_that_was_promised_since(
    session: Session, order: WorkOrder, now: MovableClock
) -> None:
    """R-105: not the one of which the customer asked."""
    visit = a_visit(session, order=order)
    a_promise(session, visit, promised_at=at(7))
    first = asked(session, order)
    now.set(at(9))
    newer = a_promise(session, visit, ordinal=2, promised_at=at(9), reason="delay")
    now.set(at(9.5))
    second = asked(session, order)
    answer(session, by=a_principal(), chaser=second, told="As promised at nine.")
    assert (first.promise_id, second.promise_id) == (newer.id, None)


def test_an_answer_is_one_to_every_time_before_but_not_to_those_after(
    session: Session, order: WorkOrder, now: MovableClock
) -> None:
    """R-105: of several times that a customer asked, what came after the answer stays open."""
    me, other = a_principal(), a_principal()
    first, second, third = (asked(session, order) for _ in range(3))
    take(session, by=other, chaser=first)
    answer(session, by=me, chaser=second, told="At ten.")
    assert [each.told for each in (first, second, third)] == ["At ten.", "At ten.", ""]
    assert (first.taken_by, second.taken_by) == (other.user_id, me.user_id)
    assert open_chasers(session, order.territory_id) == [third]


def test_the_supervisors_reminder_ends_with_the_answer_not_with_the_next_round(
    session: Session, order: WorkOrder, now: MovableClock
) -> None:
    """R-105: whoever takes it is named meanwhile; asked again, the supervisor hears again."""
    me = a_principal(Role.SUPERVISOR)

    def reminders() -> list[tuple[str, str, uuid.UUID | None]]:
        reminding.remind(session, order.territory_id)
        return [
            (each.kind, each.subject, each.user_id)
            for each in reminding.open_reminders(session, order.territory_id)
        ]

    second = [asked(session, order) for _ in range(2)][-1]
    assert reminders() == [("chaser", str(second.id), None)]
    take(session, by=me, chaser=second)
    assert reminders() == [("chaser", str(second.id), me.user_id)]
    answer(session, by=me, chaser=second, told="At ten.")
    assert list(reminding.open_reminders(session, order.territory_id)) == []
    assert reminders() == []
    third = asked(session, order)
    assert reminders() == [("chaser", str(third.id), None)]
    assert len(session.scalars(select(OfficeReminder)).all()) == 2


@pytest.mark.parametrize(
    ("act", "refusal"),
    [
        (lambda session, me, chaser: take(session, by=me, chaser=chaser), "CHASER_TAKEN"),
        (
            lambda session, me, chaser: answer(session, by=me, chaser=chaser, told="At ten."),
            "CHASER_ANSWERED",
        ),
    ],
)
def test_of_several_at_once_one_takes_it_and_one_answers(
    database_url: str, now: MovableClock, act: Callable[[Session, Principal, Chaser], Chaser], refusal: str
) -> None:
    """R-105: eight people in threads; the others are told who was first."""
    engine = db.connect(database_url, pool_size=12)
    sessions = db.sessions(engine)
    with sessions() as session:
        chaser_id = asked(session, an_order(session)).id
        db.commit(session)
    people = [a_principal(Role.CALL_TAKER) for _ in range(8)]
    gate = threading.Barrier(len(people))

    def one(me: Principal) -> tuple[uuid.UUID, str, str]:
        with sessions() as session:
            chaser = session.get_one(Chaser, chaser_id)
            gate.wait()
            try:
                act(session, me, chaser)
                db.commit(session)
            except DispatchError as error:
                return me.user_id, error.code, str(error.detail.get("by"))
            return me.user_id, "", str(me.user_id)

    with ThreadPoolExecutor(len(people)) as threads:
        found = list(threads.map(one, people))
    [winner] = [who for who, code, _ in found if code == ""]
    assert sorted(code for _, code, _ in found) == ["", *[refusal] * 7]
    assert {by for _, _, by in found} == {str(winner)}
    with sessions() as session:
        assert session.get_one(Chaser, chaser_id).taken_by == winner
    engine.dispose()
