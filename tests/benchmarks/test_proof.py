"""The benchmark of proofs makes valid rows, and counts only what is shown."""

import pytest

from benchmarks.proof import proved, summary, territories


def test_a_territory_is_planned_and_proved_in_one_row() -> None:
    [first, *others] = territories(9, [1], None)
    assert [other.kind for other in others] == ["day", "classic", "classic", "classic"]
    row = proved(first, seconds=4)
    assert row["measure"] == "proof"
    assert row["visits"] == 9
    assert row["valid"]
    assert row["bound"] <= row["cost"] <= row["planned"]
    assert row["proved"] == pytest.approx((row["cost"] - row["bound"]) / row["cost"])


def test_only_what_is_shown_counts() -> None:
    rows = [
        {"kind": "day", "proved": share, "cost": 9, "planned": planned, "cpu_seconds": 1.0}
        for share, planned in ((0.0, 10), (0.01, 9), (0.02, 9), (None, 9))
    ]
    assert summary(rows).startswith("day: 2 of 4 within 1 %, 1 optimal, 1 plans bettered")
