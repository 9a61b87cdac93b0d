"""Clauses Time 1 to 6 of docs/reference/sync.md (reliability §2.5, P14)."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.sync import protocol
from dispatch.sync.clock_repair import MONO, OFFSET, UNVERIFIED, DeviceClock, correct
from tests.builders import MORNING
from tests.dispatch.sync.field import Field, results

HOUR_MS = 3_600_000
SAME_BOOT = {"wall": "2016-01-01T00:00:00+00:00", "mono_ms": 5 * HOUR_MS, "boot_id": "b1"}


def pushed(field: Field, clock_told: dict[str, Any] | None, **op: Any) -> dict[str, Any]:
    """The receipt of setting out at a new visit, recorded with these clocks."""
    visit = field.visit()
    told = field.op(protocol.TRAVEL, visit) | op
    extra = {"clock": clock_told if clock_told is not None else {}}
    receipt: dict[str, Any] = json.loads(field.pushed([told], **extra).receipts[0])
    ((at, flagged),) = field.ask("select travelling_at, needs_review from visit where id = :id", id=visit)
    return receipt | {"travelling_at": at, "needs_review": flagged}


def test_time_clause_1_the_same_boot_is_corrected_by_the_clock_nobody_can_set(field: Field) -> None:
    told = pushed(
        field, SAME_BOOT, occurred_at="2099-01-01T00:00:00+00:00", mono_ms=3 * HOUR_MS, boot_id="b1"
    )
    assert (told["clock_quality"], told["travelling_at"]) == ("mono", MORNING - timedelta(hours=2))


def test_time_clause_2_another_boot_is_corrected_by_the_offset_of_the_wall_clock(field: Field) -> None:
    told = pushed(
        field, SAME_BOOT, occurred_at="2015-12-31T21:00:00+00:00", mono_ms=3 * HOUR_MS, boot_id="b0"
    )
    assert (told["clock_quality"], told["travelling_at"]) == ("offset", MORNING - timedelta(hours=3))


@pytest.mark.parametrize("occurred_at", ["2099-01-01T00:00:00+00:00", "1999-01-01T00:00:00+00:00"])
def test_time_clause_3_a_time_nobody_can_verify_needs_a_look(field: Field, occurred_at: str) -> None:
    told = pushed(field, None, occurred_at=occurred_at, mono_ms=None, boot_id=None)
    assert (told["result"], told["clock_quality"]) == ("applied_conflict", "unverified")
    assert (told["travelling_at"], told["needs_review"]) == (MORNING, True)
    assert field.ask("select kind from review_case where id = :id", id=told["case_id"]) == [
        ("clock_unverified",)
    ]


@pytest.mark.parametrize(
    ("occurred_at", "code"),
    [
        ("2026-03-02T08:00:00", "TIME_WITHOUT_ZONE"),
        ("2026-03-02", "TIME_WITHOUT_ZONE"),
        ("yesterday", "TIME_UNREADABLE"),
        (1_772_000_000, "TIME_UNREADABLE"),
        ("0001-01-01T00:00:00+14:00", "TIME_UNREADABLE"),
        (None, "TIME_UNREADABLE"),
    ],
)
def test_time_clause_4_a_time_without_zone_is_refused_by_name(
    field: Field, occurred_at: Any, code: str
) -> None:
    op = field.op(protocol.ACCEPT, field.visit()) | {"occurred_at": occurred_at}
    assert results(field.push(op)) == [f"rejected:{code}"]
    assert field.stored(op).body["occurred_at"] == occurred_at


def test_time_clause_5_order_is_seq_and_never_time(field: Field) -> None:
    """Row 8: a clock that jumps back changes no order."""
    visit = field.visit()
    travel = field.op(protocol.TRAVEL, visit) | {"occurred_at": "2026-03-02T07:59:00+02:00", "boot_id": None}
    arrive = field.op(protocol.ARRIVE, visit) | {"occurred_at": "2026-03-02T07:30:00+02:00", "boot_id": None}
    assert results(field.push(arrive, travel)) == ["applied", "applied"]
    ((travelling, arrived),) = field.ask(
        "select travelling_at, arrived_at from visit where id = :id", id=visit
    )
    assert travelling - arrived == timedelta(minutes=29)


def test_time_clause_5_the_hour_that_comes_twice_in_autumn_is_told_apart(field: Field) -> None:
    """Row 8: 2:50 in summer time is twenty minutes before 2:10 in winter time."""
    visit = field.visit()
    told = {"wall": "2025-10-26T03:00:00+01:00", "mono_ms": None, "boot_id": None}
    travel, arrive = (
        field.op(kind, visit) | {"occurred_at": f"2025-10-26T{hour}", "boot_id": None}
        for kind, hour in ((protocol.TRAVEL, "02:50:00+02:00"), (protocol.ARRIVE, "02:10:00+01:00"))
    )
    field.pushed([travel, arrive], clock=told)
    ((travelling, arrived),) = field.ask(
        "select travelling_at, arrived_at from visit where id = :id", id=visit
    )
    assert arrived - travelling == timedelta(minutes=20)


def test_time_clause_6_a_clock_that_is_off_by_more_than_five_minutes_is_flagged(field: Field) -> None:
    for minutes, is_flagged in ((4, False), (6, True), (-6, True)):
        wall = MORNING + timedelta(minutes=minutes)
        told = pushed(
            field,
            {"wall": wall.isoformat(), "mono_ms": None, "boot_id": None},
            occurred_at=wall.isoformat(),
            boot_id=None,
        )
        assert (told["clock_flagged"], told["needs_review"]) == (is_flagged, is_flagged)


MOMENTS = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
WHOLE = st.none() | st.integers(-(2**70), 2**70)
BOOTS = st.none() | st.sampled_from(["b1", "b2"])


@given(
    occurred_at=MOMENTS,
    wall=st.none() | MOMENTS,
    monos=st.tuples(WHOLE, WHOLE),
    boots=st.tuples(BOOTS, BOOTS),
)
def test_time_clause_3_no_clock_gives_a_time_in_the_future_or_long_ago(
    occurred_at: datetime,
    wall: datetime | None,
    monos: tuple[int | None, int | None],
    boots: tuple[str | None, str | None],
) -> None:
    """Row 8. P14: whatever the phone's clocks say, the time is bearable and says how it was found."""
    device = DeviceClock(wall, monos[0], boots[0])
    corrected = correct(occurred_at, monos[1], boots[1], device=device, now=MORNING)
    assert timedelta(0) <= MORNING - corrected.moment <= timedelta(days=400)
    assert corrected.quality in {MONO, OFFSET, UNVERIFIED}
