"""Days that were handed in before there were two sides are closed, covered and booked (R-603)."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from dispatch import clock, db, migrating, outbox
from dispatch.billing.commands import record_payment
from dispatch.hand_ins import queries
from dispatch.hand_ins.account import balances
from dispatch.hand_ins.commands import hand_in
from dispatch.hand_ins.model import HandIn, HandInReceipt, KeeperEntry
from dispatch.money import Money
from dispatch.technicians.model import Technician
from tests.builders import DAY, a_technician, a_visit, at
from tests.planning_world import register_kinds


@pytest.mark.slow
def test_what_was_handed_in_before_is_closed_and_booked(database_url: str) -> None:
    """Taken back and taken again: the step finds the payments that were there, and books as counted."""
    register_kinds()
    clock.set_source(lambda: at(17))
    engine = db.connect(database_url)
    try:
        with Session(engine) as session:
            who = a_technician(session)
            visit = a_visit(session, technician=who, state="done")
            words = {"by": None, "order": visit.work_order, "method": "cash", "technician_id": who.id}
            early = record_payment(session, amount=Money(5000, "EUR"), received_at=at(11), **words)
            counted = {"sheets": [visit.number], "reasons": {}, "counted_minor": {"cash": 4900}}
            record = hand_in(session, by=None, technician=who, day=DAY, currency="EUR", **counted)
            clock.set_source(lambda: at(17) + timedelta(minutes=5))
            record_payment(session, amount=Money(700, "EUR"), received_at=at(12), **words)
            owed = queries.owed_by(session, who)
            assert [one.money_minor for one in owed] == [{"cash": 700}]
            session.commit()
            kept = (who.id, record.id, early.id)
        migrating.downgrade(database_url, "0023-1")
        migrating.upgrade(database_url)
        with engine.connect() as connection:
            states = connection.execute(text("select id, state, supplement, version from hand_in")).all()
            covered = connection.execute(text("select hand_in_id, payment_id from hand_in_payment")).all()
            booked = connection.execute(
                text("select technician_id, kind, amount_minor from keeper_entry order by kind")
            ).all()
        assert [tuple(row) for row in states] == [(kept[1], "closed", 0, 1)]
        assert [tuple(row) for row in covered] == [(kept[1], kept[2])]
        entries = [(kept[0], "difference", 100), (kept[0], "handed_in", 4900), (kept[0], "settled", 100)]
        assert [tuple(row) for row in booked] == entries
        with Session(engine) as session:
            [balance] = balances(session, kept[0])
        assert (balance.owed_minor, balance.custody_minor) == (0, 700)
    finally:
        engine.dispose()
        clock.set_source(None)
        outbox.register((), {})


@pytest.mark.slow
def test_what_was_settled_since_and_what_is_new_stays_as_it_is(database_url: str) -> None:
    """R-603: method by method: what differed before the account, what was settled, what differs since."""
    engine = db.connect(database_url)
    cases = {  # earlier, settled, since: what is owed afterwards
        "cash": ((100, 0, 0), 0),
        "card": ((100, 30, 0), 0),
        "qr": ((100, 120, 50), 30),
        "transfer": ((-20, 0, 50), 50),
        "cheque": ((0, 10, 50), 40),
    }
    try:
        with Session(engine) as session:
            who = a_technician(session)
            early, late = a_day_closed(session, who, 0), a_day_closed(session, who, 1)
            session.add(a_receipt(late))
            for method, ((earlier, settled, since), _) in cases.items():
                rows = [
                    (early.id, "difference", earlier),
                    (None, "settled", settled),
                    (late.id, "difference", since),
                ]
                for hand_in_id, kind, amount in rows:
                    if amount:
                        session.add(an_entry(who, hand_in_id, kind, method, amount))
            who_id = who.id
            session.commit()
        migrating.downgrade(database_url, "0025-1")
        migrating.upgrade(database_url)
        with Session(engine) as session:
            owed = {one.method: one.owed_minor for one in balances(session, who_id)}
        assert owed == {method: left for method, (_, left) in cases.items()}
        migrating.downgrade(database_url, "0025-1")
        with Session(engine) as session:
            owed = {one.method: one.owed_minor for one in balances(session, who_id)}
        assert owed == {method: sum(given) - 2 * given[1] for method, (given, _) in cases.items()}
        migrating.upgrade(database_url)
    finally:
        engine.dispose()


def a_day_closed(session: Session, who: Technician, days: int) -> HandIn:
    """A day that was handed in and closed."""
    moment = at(17, days=days)
    row = HandIn(
        technician_id=who.id, day=DAY + timedelta(days=days), state="closed", handed_in_at=moment,
        closed_at=moment, sheets_expected=[], sheets_missing=[], money=[],
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row


def a_receipt(hand_in: HandIn) -> HandInReceipt:
    """A cashier's count of it."""
    return HandInReceipt(
        hand_in_id=hand_in.id, received_by=uuid.uuid4(), received_at=at(18), money=[], stock=[], missing=[],
        note="", signed_by_name="C", shown="", shown_sha256="",
    )  # fmt: skip


def an_entry(
    who: Technician, hand_in_id: uuid.UUID | None, kind: str, method: str, amount: int
) -> KeeperEntry:
    """One line of the account."""
    return KeeperEntry(
        technician_id=who.id, hand_in_id=hand_in_id, kind=kind, method=method, currency="EUR",
        amount_minor=amount, reason="", booked_at=at(18), source=f"{kind}:{hand_in_id}:{method}",
    )  # fmt: skip
