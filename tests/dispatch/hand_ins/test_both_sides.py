"""The cashier counts again, both sign, differences are booked to the keeper (R-603)."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from dispatch import outbox
from dispatch.access.rules import Principal, Role
from dispatch.billing.commands import record_payment
from dispatch.errors import Stale
from dispatch.hand_ins import account, queries, receiving, rules
from dispatch.hand_ins.commands import hand_in
from dispatch.hand_ins.model import HandIn, HandInReceipt, KeeperEntry
from dispatch.hand_ins.papers import snapshot
from dispatch.hand_ins.rules import Signature
from dispatch.money import Money
from dispatch.parts import commands as parts
from dispatch.parts.counting import count, sign
from dispatch.parts.model import StockMovement
from dispatch.parts.rules import VAN, PartUnknown, Place
from dispatch.settings import Settings
from dispatch.technicians.model import Technician
from dispatch.work_orders.model import Visit
from tests.builders import DAY, a_part, a_principal, a_technician, a_user, a_visit, at, of, van_stock
from tests.dispatch.conftest import MovableClock
from tests.planning_world import register_kinds

STROKES = "M0 0L9 9"
SIGNED = Signature("Ada", STROKES, "a" * 64)


@pytest.fixture
def who(session: Session, now: MovableClock) -> Iterator[Technician]:
    """A technician at the end of the test day."""
    register_kinds()
    now.set(at(17))
    yield a_technician(session)
    outbox.register((), {})


@pytest.fixture
def cashier(session: Session) -> Principal:
    """Somebody at the counter."""
    return a_principal(Role.FINANCE, user_id=a_user(session, Role.FINANCE).id)


@pytest.fixture
def visit(session: Session, who: Technician) -> Visit:
    """A visit of the day, with fifty euros in cash."""
    done = a_visit(session, technician=who, state="done")
    collect(session, who, done, 5000)
    return done


def collect(session: Session, who: Technician, visit: Visit, cents: int, method: str = "cash") -> None:
    """Take money on site."""
    record_payment(
        session,
        by=None,
        order=visit.work_order,
        method=method,
        amount=Money(cents, "EUR"),
        received_at=at(11),
        technician_id=who.id,
    )


def handed(session: Session, who: Technician, cents: int = 5000, **fields: Any) -> HandIn:
    """The technician hands in what is owed, signed."""
    sheets = queries.expected(session, who, DAY).sheets
    words: dict[str, Any] = {"sheets": sheets, "reasons": {}, "signature": SIGNED}
    words |= {"counted_minor": {"cash": cents}, **fields}
    return hand_in(session, by=None, technician=who, day=DAY, currency="EUR", **words)


def counted(
    session: Session, by: Principal, record: HandIn, cents: int = 5000, **fields: Any
) -> HandInReceipt:
    """The cashier counts cash."""
    return receiving.receive(
        session, by=by, hand_in=record, currency="EUR", counted_minor={"cash": cents}, **fields
    )


def booked(session: Session, who: Technician) -> dict[str, int]:
    """Sums of the technician's account by kind."""
    rows = session.scalars(select(KeeperEntry).filter_by(technician_id=who.id))
    sums: dict[str, int] = {}
    for row in rows:
        sums[row.kind] = sums.get(row.kind, 0) + row.amount_minor
    return sums


def test_what_both_counted_alike_is_booked_at_once(
    session: Session, who: Technician, cashier: Principal, visit: Visit
) -> None:
    """R-603: the signature under the hand-in holds for the same figures."""
    record = handed(session, who, 4900)
    counted(session, cashier, record, 4900, reasons={"cash": "a coin was lost"})
    assert (record.state, record.received_by, record.closed_at) == ("closed", cashier.user_id, at(17))
    assert booked(session, who) == {"handed_in": 4900, "difference": 100}
    entry = session.scalars(select(KeeperEntry).filter_by(kind="difference")).one()
    assert (entry.reason, entry.technician_id) == ("a coin was lost", who.id)


def test_every_difference_needs_its_reason(
    session: Session, who: Technician, cashier: Principal, visit: Visit
) -> None:
    part = a_part(session)
    van_stock(session, who, part, 3)
    record = handed(session, who)
    with pytest.raises(rules.DifferenceUnexplained) as refusal:
        counted(session, cashier, record, 4000, counted_stock={part.sku: 2})
    assert refusal.value.detail["differences"] == ["cash", part.sku]
    counted(session, cashier, record, 4000, counted_stock={part.sku: 2}, note="all in a hurry")
    assert record.state == "received"


def test_an_unsigned_difference_waits_for_the_technician(
    session: Session, who: Technician, cashier: Principal, visit: Visit
) -> None:
    """R-603: nothing is booked to a keeper who did not sign."""
    record = handed(session, who, 4900, signature=None)
    receipt = counted(session, cashier, record, 4900, note="a coin")
    assert record.state == "received"
    assert booked(session, who) == {}
    signature = Signature("Ada", STROKES, receipt.shown_sha256)
    receiving.answer(session, by=a_principal(), hand_in=record, accepts=True, signature=signature)
    assert booked(session, who) == {"handed_in": 4900, "difference": 100}


def test_an_unsigned_hand_in_without_differences_closes(
    session: Session, who: Technician, cashier: Principal, visit: Visit
) -> None:
    record = handed(session, who, signature=None)
    counted(session, cashier, record)
    assert record.state == "closed"
    assert booked(session, who) == {"handed_in": 5000}


def test_both_sign_at_the_counter(
    session: Session, who: Technician, cashier: Principal, visit: Visit
) -> None:
    record = handed(session, who)
    receipt = counted(
        session,
        cashier,
        record,
        4500,
        note="5 short",
        signature_path=STROKES,
        countersigned=("Ada", STROKES),
    )
    assert record.state == "closed"
    assert (receipt.signature_path, receipt.signed_by_name) == (STROKES, "A user")
    [shown] = queries.shown(session, [record])
    assert [(word.kind, word.signed_by_name) for word in shown.words] == [("accepted", "Ada")]
    with pytest.raises(rules.HandInSignatureInvalid):
        counted(session, cashier, handed_later(session, who, visit), 100, signature_path="no strokes!")


def handed_later(session: Session, who: Technician, visit: Visit) -> HandIn:
    """A supplement of one euro."""
    collect(session, who, visit, 100)
    return handed(session, who, 100)


SUMS = {"cashier": {"handed_in": 4000, "difference": 1000}, "technician": {"handed_in": 5000}}


@pytest.mark.parametrize("stands", sorted(SUMS))
def test_a_dispute_is_decided_by_a_supervisor_with_a_reason(
    session: Session, who: Technician, cashier: Principal, visit: Visit, stands: str
) -> None:
    """R-603: the technician does not accept the cashier's count."""
    record = handed(session, who)
    receipt = counted(session, cashier, record, 4000, note="ten short")
    signature = Signature("Ada", STROKES, receipt.shown_sha256)
    receiving.answer(
        session, by=a_principal(), hand_in=record, accepts=False, signature=signature, reason="I counted 50"
    )
    assert record.state == "disputed"
    assert booked(session, who) == {}
    with pytest.raises(rules.OwnCount):
        receiving.decide(session, by=cashier, hand_in=record, stands="cashier", reason="I am sure")
    judge = a_principal(Role.SUPERVISOR)
    with pytest.raises(Stale):
        receiving.decide(
            session, by=judge, hand_in=record, stands=stands, reason="recounted", expected_version=1
        )
    receiving.decide(session, by=judge, hand_in=record, stands=stands, reason="recounted")
    assert record.state == "closed"
    assert booked(session, who) == SUMS[stands]
    with pytest.raises(rules.DayClosed):
        receiving.decide(session, by=judge, hand_in=record, stands=stands, reason="again")


def test_the_van_is_booked_as_it_was_counted(
    session: Session, who: Technician, cashier: Principal, visit: Visit
) -> None:
    """R-511, R-603: a movement `counted` in the keeper's van; what nobody counted stays."""
    mine, theirs, neither = a_part(session), a_part(session), a_part(session)
    for part in (mine, theirs, neither):
        van_stock(session, who, part, 5)
    record = handed(session, who, counted_stock={mine.sku: 4})
    counted(
        session,
        cashier,
        record,
        counted_stock={theirs.sku: 7},
        note="moved about",
        countersigned=("Ada", STROKES),
    )
    moved = session.scalars(select(StockMovement).filter_by(technician_id=who.id, reason="counted"))
    assert {(row.part_id, row.change) for row in moved} == {(mine.id, -1), (theirs.id, 2)}
    assert queries.van_of(session, who.id) == {mine.sku: 4, theirs.sku: 7, neither.sku: 5}


@pytest.mark.usefixtures("visit")
@pytest.mark.parametrize("is_signed_before", [True, False])
def test_one_shortage_is_booked_once_however_often_it_is_counted(
    session: Session, who: Technician, cashier: Principal, now: MovableClock, is_signed_before: bool
) -> None:
    """R-511: counted at the hand-in, again by the office, and received a day later."""
    part = a_part(session)
    van_stock(session, who, part, 6)
    record = handed(session, who, counted_stock={part.sku: 5})
    now.set(at(20))
    place = Place(VAN, who.id)
    again = count(session, by=a_principal(), place=place, part=part, counted=5, reason="one is gone")
    if is_signed_before:
        sign(session, by=of(who), row=again)
    now.set(at(9, days=1))
    counted(session, cashier, record, note="one is gone", countersigned=("Ada", STROKES))
    if not is_signed_before:
        sign(session, by=of(who), row=again)
    assert (again.state, queries.van_of(session, who.id)) == ("booked", {part.sku: 5})


@pytest.mark.usefixtures("visit")
@pytest.mark.parametrize("at_the_counter", [5, 6])
def test_the_count_of_a_hand_in_takes_the_place_of_one_that_waits(
    session: Session, who: Technician, cashier: Principal, at_the_counter: int
) -> None:
    """R-603: what the technician counted before is not booked beside the count that both have signed."""
    part = a_part(session)
    van_stock(session, who, part, 6)
    early = count(session, by=of(who), place=Place(VAN, who.id), part=part, counted=5, reason="one is gone")
    record = handed(session, who, counted_stock={part.sku: at_the_counter})
    counted(session, cashier, record, note="looked together", countersigned=("Ada", STROKES))
    assert (early.state, queries.van_of(session, who.id)) == ("overtaken", {part.sku: at_the_counter})


def test_a_count_signed_while_the_day_waits_for_the_cashier_is_not_booked_again(
    session: Session, who: Technician, cashier: Principal, visit: Visit, now: MovableClock
) -> None:
    """R-603: counted before the hand-in, signed after it: the shortage that both tell of is one."""
    part = a_part(session)
    van_stock(session, who, part, 6)
    early = count(session, by=of(who), place=Place(VAN, who.id), part=part, counted=5, reason="one is gone")
    now.set(at(18))
    record = handed(session, who, counted_stock={part.sku: 5})
    sign(session, by=a_principal(), row=early)
    counted(session, cashier, record, note="one is gone", countersigned=("Ada", STROKES))
    assert queries.van_of(session, who.id) == {part.sku: 5}


@pytest.mark.usefixtures("visit")
@pytest.mark.parametrize("stands", ["cashier", "technician"])
def test_parts_that_move_between_the_counts_are_no_difference(
    session: Session, who: Technician, cashier: Principal, now: MovableClock, stands: str
) -> None:
    """R-511: two were fitted before the cashier counted; each count is held against its own moment."""
    part = a_part(session)
    van_stock(session, who, part, 5)
    record = handed(session, who, counted_stock={part.sku: 5})
    now.set(at(9, days=1))
    parts.move(
        session, by=None, technician_id=who.id, part_id=part.id, change=-2, reason="fitted", source="P1"
    )
    receipt = counted(session, cashier, record, counted_stock={part.sku: 2}, note="one is gone")
    assert record.state == "received"
    assert receipt.stock[0]["handed_difference"] == 0
    judge = a_principal(Role.SUPERVISOR)
    receiving.decide(session, by=judge, hand_in=record, stands=stands, reason="looked at the van")
    assert queries.van_of(session, who.id) == {part.sku: 2 if stands == "cashier" else 3}


def test_the_paper_shows_the_technicians_name_under_signed_figures_alone(
    session: Session, who: Technician, cashier: Principal, visit: Visit
) -> None:
    """R-603: a count the technician disputes stands on paper without the technician's drawing."""
    record = handed(session, who)
    receipt = counted(session, cashier, record, 4000, note="ten short")
    shown = snapshot(session, record, "en", Settings())
    assert "technician_signature" not in shown
    signature = Signature("Ada", STROKES, receipt.shown_sha256)
    receiving.answer(session, by=a_principal(), hand_in=record, accepts=True, signature=signature)
    assert snapshot(session, record, "en", Settings())["technician_signature"]["name"] == "Ada"


def test_a_part_that_does_not_exist_cannot_be_counted(
    session: Session, who: Technician, cashier: Principal, visit: Visit
) -> None:
    with pytest.raises(PartUnknown):
        handed(session, who, counted_stock={"NOTHING": 1})
    record = handed(session, who)
    with pytest.raises(PartUnknown):
        counted(session, cashier, record, counted_stock={"NOTHING": 1}, note="?")


def test_a_closed_day_refuses_another_count_but_takes_what_comes_later(
    session: Session, who: Technician, cashier: Principal, visit: Visit
) -> None:
    """R-603: late facts reopen the day as a supplement; nothing is lost, nothing is counted twice."""
    record = handed(session, who)
    counted(session, cashier, record)
    with pytest.raises(rules.DayClosed):
        counted(session, cashier, record)
    with pytest.raises(rules.AlreadyHandedIn):
        handed(session, who, 0)
    late = a_visit(session, technician=who, state="done")
    collect(session, who, late, 700, method="card")
    [owed] = queries.owed_by(session, who)
    assert (owed.is_supplement, owed.sheets, owed.money_minor) == (True, [late.number], {"card": 700})
    with pytest.raises(rules.DayClosed) as refusal:
        handed(session, who, 5000)
    assert refusal.value.detail["counted"] == ["cash"]
    more = handed(session, who, counted_minor={"card": 700})
    assert (more.supplement, more.state, more.sheets_expected) == (1, "handed_in", [late.number])
    assert queries.owed_by(session, who) == []


def test_differences_are_settled_at_most_once(
    session: Session, who: Technician, cashier: Principal, visit: Visit
) -> None:
    """R-603: the keeper owes the difference until it is paid, withheld or written off."""
    record = handed(session, who, 4900)
    counted(session, cashier, record, 4900, note="a coin")
    words: dict[str, Any] = {
        "by": cashier,
        "technician": who,
        "method": "cash",
        "how": "paid",
        "note": "paid in",
    }
    for cents in (101, -1, 0):
        with pytest.raises(rules.SettlementInvalid):
            account.settle(session, amount=Money(cents, "EUR"), **words)
    account.settle(session, amount=Money(60, "EUR"), **words)
    [balance] = account.balances(session, who.id)
    assert (balance.custody_minor, balance.owed_minor) == (0, 40)
    assert [row.kind for row in account.entries(session, who.id).items] == [
        "settled",
        "difference",
        "handed_in",
    ]
    with pytest.raises(rules.SettlementInvalid):
        account.settle(session, amount=Money(60, "EUR"), **words)


def test_a_repeated_answer_finds_the_first(
    session: Session, who: Technician, cashier: Principal, visit: Visit
) -> None:
    record, op_id = handed(session, who), uuid.uuid4()
    with pytest.raises(rules.NotReceived):
        receiving.answer(session, by=a_principal(), hand_in=record, accepts=True, signature=SIGNED)
    receipt = counted(session, cashier, record, 1, note="nearly nothing")
    signature = Signature("Ada", STROKES, receipt.shown_sha256)
    said = [
        receiving.answer(
            session, by=a_principal(), hand_in=record, accepts=True, signature=signature, op_id=op_id
        )
        for _ in range(2)
    ]
    assert said[0] is said[1]


@pytest.mark.parametrize("table", ["hand_in_receipt", "hand_in_payment", "keeper_entry", "hand_in_word"])
def test_what_was_counted_is_never_changed(
    session: Session, who: Technician, cashier: Principal, visit: Visit, table: str
) -> None:
    counted(session, cashier, handed(session, who), 4000, note="10 short", countersigned=("Ada", STROKES))
    with pytest.raises(IntegrityError, match="never changed"), session.begin_nested():
        session.execute(text(f"delete from {table}"))
