"""Parts and van stock (R-507, R-511)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dispatch import db
from dispatch.money import CurrencyMismatch, CurrencyUnknown, Money
from dispatch.parts import commands, queries, rules
from dispatch.parts.model import StockMovement, VanStock
from dispatch.text import ChoiceUnknown, TextInvalid
from tests import builders as b
from tests.dispatch.conftest import MovableClock


def test_a_part_has_a_price_in_the_companys_currency(session: Session) -> None:
    given = {"by": None, "sku": "PUMP-1", "name_en": "Pump", "name_zh": "泵", "company_currency": "EUR"}
    part = commands.create_part(session, **given, price=Money(1250, "EUR"))
    assert (part.price_minor, part.currency, part.is_approved) == (1250, "EUR", True)
    with pytest.raises(rules.PartNumberTaken):
        commands.create_part(session, **given, price=Money(1, "EUR"))
    for price, refusal in (
        (Money(1, "USD"), CurrencyMismatch),
        (Money(1, "XX"), CurrencyUnknown),
        (Money(-1, "EUR"), rules.PriceInvalid),
        (Money(3_000_000_000, "EUR"), rules.PriceInvalid),
    ):
        with pytest.raises(refusal):
            commands.create_part(session, **{**given, "sku": "NEW"}, price=price)
    with pytest.raises(TextInvalid):
        commands.create_part(session, **{**given, "sku": "x" * 10_000}, price=Money(1, "EUR"))
    commands.update_part(
        session, by=None, part=part, changes={"price": Money(99, "EUR"), "is_approved": False}
    )
    assert (part.price_minor, part.is_approved) == (99, False)


def test_a_delivery_counts_once(session: Session, now: MovableClock) -> None:
    """R-511."""
    ada, part = b.a_technician(session), b.a_part(session)
    given = {"by": None, "technician_id": ada.id, "part": part, "quantity": 5, "source": "delivery 1"}
    assert commands.load_van(session, **given) == commands.Moved(5, is_repeated=False)
    assert commands.load_van(session, **given) == commands.Moved(5, is_repeated=True)
    assert session.scalar(select(func.count()).select_from(StockMovement)) == 1


def test_stock_may_turn_negative_and_says_so(session: Session, now: MovableClock) -> None:
    """R-511: what was fitted was fitted; the keeper explains it."""
    ada, part = b.a_technician(session), b.a_part(session)
    held = b.van_stock(session, ada, part, 1)
    moved = commands.move(
        session, by=None, technician_id=ada.id, part_id=part.id, change=-3, reason="fitted", source="use 1"
    )
    assert (moved.quantity, moved.is_short, held.quantity) == (-2, True, -2)
    assert [tuple(row) for row in queries.vans_below_zero(session, b.of(ada))] == [(held, part)]
    assert queries.vans_below_zero(session, b.of(b.a_technician(session))) == []
    here = b.a_principal(territory_ids=frozenset({ada.territory_id}))
    assert [(row[0].sku, row[1]) for row in queries.van_stock(session, here, ada.id)] == [(part.sku, -2)]
    elsewhere = b.a_principal(territory_ids=frozenset())
    assert queries.van_stock(session, elsewhere, ada.id) == []
    assert [movement.change for movement in queries.movements(session, here, ada.id)] == [-3]
    assert queries.movements(session, elsewhere, ada.id) == []


@pytest.mark.parametrize("quantity", [0, -1, 10_001, True])
def test_a_delivery_has_a_positive_quantity(session: Session, quantity: int) -> None:
    with pytest.raises(rules.QuantityInvalid):
        commands.load_van(
            session, by=None, technician_id=b.a_technician(session).id, part=b.a_part(session),
            quantity=quantity, source="d",
        )  # fmt: skip


def test_a_movement_has_a_known_reason(session: Session) -> None:
    with pytest.raises(ChoiceUnknown):
        commands.move(
            session, by=None, technician_id=b.a_technician(session).id, part_id=b.a_part(session).id,
            change=1, reason="lost", source="x",
        )  # fmt: skip


def test_unknown_parts_are_named(session: Session) -> None:
    part = b.a_part(session)
    assert queries.parts_named(session, [part.sku]) == {part.sku: part}
    with pytest.raises(rules.PartUnknown) as refused:
        queries.parts_named(session, [part.sku, "B", "A"])
    assert refused.value.detail["parts"] == ["A", "B"]
    assert part in queries.list_parts(session, b.a_principal()).items


def test_fifty_movements_at_once_lose_nothing(database_url: str) -> None:
    """S5: the stock is one sum, whoever writes it; each cause is sent twice."""
    engine = db.connect(database_url, pool_size=8)
    sessions = db.sessions(engine)
    with sessions() as session:
        ada, part = b.a_technician(session), b.a_part(session)
        session.commit()

    def fit(number: int) -> None:
        with sessions() as session:
            commands.move(
                session, by=None, technician_id=ada.id, part_id=part.id, change=-1, reason="fitted",
                source=f"use {number % 25}",
            )  # fmt: skip
            session.commit()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(fit, range(50)))
    with sessions() as session:
        assert session.scalar(select(VanStock.quantity)) == -25
        assert session.scalar(select(func.sum(StockMovement.change))) == -25
    engine.dispose()
