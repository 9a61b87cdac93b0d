"""Vouchers stand for the cash they were paid from, complete or explained (R-603)."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from dispatch.access.rules import Principal
from dispatch.hand_ins import account, receiving, rules
from dispatch.hand_ins.papers import snapshot
from dispatch.hand_ins.rules import Signature, Voucher
from dispatch.money import CurrencyMismatch, Money
from dispatch.settings import Settings
from dispatch.technicians.model import Technician
from dispatch.work_orders.model import Visit
from tests.builders import a_principal
from tests.dispatch.hand_ins.test_both_sides import (
    STROKES,
    booked,
    cashier,
    collect,
    counted,
    handed,
    visit,
    who,
)

__all__ = ["cashier", "visit", "who"]


def test_papers_the_cashier_does_not_find_wait_for_the_technician(
    session: Session, who: Technician, cashier: Principal, visit: Visit
) -> None:
    """R-603: sheets and vouchers complete or explained."""
    record = handed(session, who, vouchers=[Voucher("P-1", "parking", 250)])
    assert record.vouchers == [{"number": "P-1", "kind": "parking", "amount_minor": 250}]
    with pytest.raises(rules.PaperUnknown):
        counted(session, cashier, record, missing={"P-2": "not there"})
    receipt = counted(session, cashier, record, missing={"P-1": "not in the envelope"})
    assert receipt.missing == [{"number": "P-1", "reason": "not in the envelope"}]
    assert record.state == "received"


def test_a_voucher_stands_for_the_cash_it_was_paid_from(
    session: Session, who: Technician, cashier: Principal, visit: Visit
) -> None:
    """R-603: 50.00 collected, 2.50 paid for parking, 47.50 handed in: nothing is owed, nothing in custody."""
    collect(session, who, visit, 700, "card")
    money = {"cash": 4750, "card": 700}
    record = handed(session, who, counted_minor=money, vouchers=[Voucher("P-1", "parking", 250)])
    rows = {row["method"]: (row["expected_minor"], row["vouchers_minor"]) for row in record.money}
    assert rows == {"cash": (4750, 250), "card": (700, 0)}
    receiving.receive(session, by=cashier, hand_in=record, currency="EUR", counted_minor=money)
    assert record.state == "closed"
    assert booked(session, who) == {"handed_in": 5450, "voucher": 250}
    [card, cash] = account.balances(session, who.id)
    assert [(one.custody_minor, one.owed_minor) for one in (card, cash)] == [(0, 0), (0, 0)]
    shown = snapshot(session, record, "en", Settings())
    assert [(row["collected_minor"], row["vouchers_minor"]) for row in shown["money"]] == [
        (700, 0),
        (5000, 250),
    ]


def test_a_voucher_that_is_not_there_is_owed_until_it_comes(
    session: Session, who: Technician, cashier: Principal, visit: Visit
) -> None:
    """R-603: lost in the envelope it lowers nothing; found next day it is a supplement, and counts once."""
    parking = [Voucher("P-1", "parking", 250)]
    record = handed(session, who, 4750, vouchers=parking)
    receipt = counted(session, cashier, record, 4750, missing={"P-1": "gone"}, reasons={"cash": "no voucher"})
    [row] = receipt.money
    assert (row["expected_minor"], row["difference_minor"], row["vouchers_minor"]) == (5000, -250, 0)
    signature = Signature("Ada", STROKES, receipt.shown_sha256)
    receiving.answer(session, by=a_principal(), hand_in=record, accepts=True, signature=signature)
    assert booked(session, who) == {"handed_in": 4750, "difference": 250}
    late = handed(session, who, 0, vouchers=parking)
    counted(session, cashier, late, 0, reasons={"cash": "it was in the van"})
    assert (late.supplement, late.state) == (1, "closed")
    assert booked(session, who) == {"handed_in": 4750, "difference": 0, "voucher": 250}
    with pytest.raises(rules.VoucherCounted):
        handed(session, who, 0, vouchers=parking)


def test_a_day_handed_in_before_vouchers_counted_is_received_as_it_was(
    session: Session, who: Technician, cashier: Principal, visit: Visit
) -> None:
    """R-603: its money rows tell of no vouchers, so none raises what is expected."""
    record = handed(session, who, 5000, vouchers=[Voucher("P-1", "parking", 250)])
    record.money = [{name: value for name, value in row.items() if name != "vouchers_minor"} | {
        "expected_minor": 5000, "difference_minor": 0} for row in record.money]  # fmt: skip
    session.flush()
    receipt = counted(session, cashier, record, missing={"P-1": "gone"})
    assert [(row["expected_minor"], row["difference_minor"]) for row in receipt.money] == [(5000, 0)]


@pytest.mark.parametrize(
    "vouchers",
    [
        [Voucher("P", "parking", -1)],
        [Voucher("P", "parking", 1), Voucher("P", "fuel", 1)],
    ],
    ids=["negative", "twice"],
)
def test_vouchers_that_mean_nothing_are_refused(
    session: Session, who: Technician, vouchers: list[Voucher]
) -> None:
    with pytest.raises(rules.CountInvalid):
        handed(session, who, 0, vouchers=vouchers)


def test_vouchers_are_in_the_companys_currency() -> None:
    with pytest.raises(CurrencyMismatch):
        rules.vouchers_of([("P", "parking", Money(1, "CNY"))], "EUR")
