"""Days that were handed in before there were two sides are closed, covered and booked (R-603)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from dispatch import clock, db, migrating, outbox
from dispatch.billing.commands import record_payment
from dispatch.hand_ins import queries
from dispatch.hand_ins.account import balances
from dispatch.hand_ins.commands import hand_in
from dispatch.money import Money
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
