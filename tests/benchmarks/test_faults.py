"""The faults as often as the design asks: each row runs, and notices what is wrong."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks import (
    fault_rows,
    fault_rows_disk,
    fault_rows_plans,
    fault_rows_served,
    fault_rows_shown,
    faults,
    month_offline,
)
from benchmarks.fault_rows import FaultRow
from benchmarks.fault_rows_served import Site
from benchmarks.fault_table import ALL, DIRECT, SERVED, SHOWN, ServedRow
from benchmarks.page import ASIDE
from benchmarks.runs import key_of
from dispatch import clock, db, outbox
from dispatch.bootstrap import JOBS, SUBSCRIPTIONS
from dispatch.simulation.phone import PhoneClient
from tests.api.company import settings_of_tests
from tests.builders import frozen_clock
from tests.dispatch.sync.field import Field


@pytest.fixture
def place(server: str, tmp_path: Path) -> Site:
    """A server on the database of this test, and the real time of day."""
    clock.set_source(None)
    outbox.register(JOBS, SUBSCRIPTIONS)
    return Site(server, tmp_path, settings_of_tests().attachments)


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


def test_the_campaign_does_every_row_of_the_technicians_day_as_often_as_the_design_asks() -> None:
    """Rows 1 to 17, 26, 30 and 31; the month without contact, row 15, is a program of its own."""
    times = {one.number: one.cases for one in ALL}
    assert sorted({*times, month_offline.ROW}) == [*range(1, 18), 26, 30, 31]
    assert len(ALL) == len(times)
    asked = {1: 10_000, 2: 10_000, 3: 1_000, 4: 500, 5: 4_096, 6: 1_000, 8: 2_000, 10: 200, 12: 5_000}
    asked |= {13: 1_000, 14: 500, 16: 1_000, 26: 100}
    assert {number: times[number] for number in asked} == asked
    assert {one.number for one in SHOWN} == times.keys() - asked


@pytest.mark.slow
@pytest.mark.parametrize("row", DIRECT, ids=lambda row: f"row-{row.number}")
def test_each_row_finds_nothing_wrong(row: FaultRow) -> None:
    found = row.run(2, random.Random(7))
    assert found["wrong"] == 0
    assert max(found.values(), default=0) >= 2 or row.number == 26


@pytest.mark.slow
@pytest.mark.parametrize("row", SERVED, ids=lambda row: f"row-{row.number}")
def test_each_served_row_finds_nothing_wrong(
    row: ServedRow, place: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fault_rows_served, "PHONES", 3)
    found = row.run(2, random.Random(7), place)
    assert found["wrong"] == 0
    assert max(found.values()) >= 2


@pytest.mark.slow
def test_an_effect_that_follows_the_order_of_phones_is_noticed(
    monkeypatch: pytest.MonkeyPatch, place: Site
) -> None:
    """Row 3: the second order differs from the first by a payment."""
    days = iter(range(10))

    def odd(phone: PhoneClient, visit_id: str, sku: str) -> list[Any]:
        day = usual(phone, visit_id, sku)
        return day if next(days) else day[:-1]

    usual = fault_rows_served._day
    monkeypatch.setattr(fault_rows_served, "_day", odd)
    monkeypatch.setattr(fault_rows_served, "PHONES", 1)
    assert fault_rows_served.row_3(2, random.Random(1), place)["wrong"] == 1


def test_tests_that_do_not_pass_are_wrong() -> None:
    """Rows 7, 9, 11, 17, 30, 31: a test that is not there shows nothing."""
    assert fault_rows_shown.run_tests(["tests/no_such_test.py::test_it"]) == {"passed": 0, "wrong": 1}
    [(number, (what, places))] = fault_rows_shown.named(
        "| 7 | A page | Kept | `tests/a.py::test_b` |"
    ).items()
    assert (number, what, places) == (7, "A page", ["tests/a.py::test_b"])


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
def test_a_phone_that_is_not_revoked_is_noticed(monkeypatch: pytest.MonkeyPatch, place: Site) -> None:
    """Row 14."""
    monkeypatch.setattr(fault_rows_served.access, "revoke_device", lambda *_, **__: None)
    monkeypatch.setattr(PhoneClient, "surrender", lambda _: 0)
    found = fault_rows_served.row_14(1, random.Random(1), place)
    assert found["answered"] >= 2
    assert found["wrong"] >= 3


@pytest.mark.slow
def test_a_row_that_is_turned_and_not_named_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Row 26."""
    monkeypatch.setattr(fault_rows_disk, "trail", lambda _: iter(()))
    monkeypatch.setattr(fault_rows_disk, "_cluster", lambda *_: {"pages": 0, "backup": 0})
    assert fault_rows_disk.row_26(3, random.Random(1))["trail"] == 6


@pytest.mark.slow
def test_a_second_winner_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Row 13."""
    monkeypatch.setattr(fault_rows_plans, "_publish", lambda *_: "published")
    assert fault_rows_plans.row_13(2, random.Random(1))["wrong"] == 2


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
