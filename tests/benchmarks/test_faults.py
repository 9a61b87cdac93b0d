"""The faults as often as the design asks: each row runs, and notices what is wrong."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest

from benchmarks import fault_rows, faults
from benchmarks.fault_rows import ROWS, FaultRow
from benchmarks.page import ASIDE
from benchmarks.runs import key_of
from dispatch import clock, db, outbox
from dispatch.bootstrap import JOBS, SUBSCRIPTIONS
from tests.builders import frozen_clock
from tests.dispatch.sync.field import Field


@pytest.fixture(autouse=True)
def _committed(database_url: str) -> Iterator[None]:
    engine = db.connect(database_url)
    db.configure(db.sessions(engine))
    outbox.register(JOBS, SUBSCRIPTIONS)
    clock.set_source(frozen_clock())
    yield
    clock.set_source(None)
    outbox.register((), {})
    engine.dispose()


def test_its_rows_are_told_apart_and_have_no_place_among_the_engines() -> None:
    """Two faults of one seed and one duration are two rows."""
    assert faults.MEASURE in ASIDE
    same = {"measure": faults.MEASURE, "seed": 1, "seconds": 2.5}
    assert key_of(same | {"row": 4}) != key_of(same | {"row": 6})


@pytest.mark.slow
@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"row-{row.number}")
def test_each_row_finds_nothing_wrong(row: FaultRow) -> None:
    found = row.run(2, random.Random(7))
    assert found["wrong"] == 0
    assert max(found.values()) >= 2


@pytest.mark.slow
def test_an_effect_that_follows_the_order_of_phones_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Row 3: the second order differs from the first by a payment."""
    days = iter(range(10))

    def odd(field: Field, sku: str) -> list[dict[str, Any]]:
        day = usual(field, sku)
        return day if next(days) else day[:-1]

    usual = fault_rows._day
    monkeypatch.setattr(fault_rows, "_day", odd)
    assert fault_rows.row_3(2, random.Random(1), phones=1)["wrong"] == 1


@pytest.mark.slow
def test_a_contradiction_that_no_case_names_is_noticed() -> None:
    """Row 12: the same work without the desk's word is no contradiction, so nothing is named."""
    field = Field.prepared()
    visit = field.visit()
    work = fault_rows._offline(field, visit, 5)
    told = field.push(*work)
    assert fault_rows._is_silent(field, visit, work, told) == 1
    assert {one["result"] for one in told} == {"applied"}


@pytest.mark.slow
def test_a_phone_that_is_not_revoked_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Row 14."""
    monkeypatch.setattr(fault_rows.access, "revoke_device", lambda *_, **__: None)
    found = fault_rows.row_14(1, random.Random(1))
    assert found["answered"] >= 2
    assert found["wrong"] >= 3


@pytest.mark.slow
def test_a_receipt_that_changes_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Row 1."""
    usual, turns = fault_rows._receipts, iter(range(10))

    def forgetful(field: Field, ops: Any) -> dict[str, str]:
        found = usual(field, ops)
        return {op_id: receipt + " " * next(turns) for op_id, receipt in found.items()}

    monkeypatch.setattr(fault_rows, "_receipts", forgetful)
    found = fault_rows.row_1(2, random.Random(1))
    assert found["other_receipts"] > 0
