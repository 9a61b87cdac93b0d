"""Policy of work orders on plain values."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

import pytest

from dispatch.money import AmountInvalid, CurrencyMismatch, Money
from dispatch.work_orders import rules
from dispatch.work_orders.lifecycle import VisitState
from dispatch.work_orders.rules import Estimate, PastVisit
from tests.builders import at

ADA, BEN = uuid.uuid4(), uuid.uuid4()


def past(
    technician: uuid.UUID | None, finished: datetime, state: VisitState = VisitState.CLOSED
) -> PastVisit:
    """A visit of an earlier order."""
    return PastVisit(uuid.uuid4(), technician, state, finished)


def test_whoever_repaired_the_fault_within_thirty_days_is_not_sent_again() -> None:
    """R-508."""
    visits = [past(ADA, at(8, days=-29)), past(BEN, at(8, days=-31)), past(None, at(8, days=-1))]
    assert rules.technicians_to_avoid(visits, at(8)) == (ADA,)


@pytest.mark.parametrize(
    ("finished", "state", "expected"),
    [
        (at(8, days=-30), VisitState.CLOSED, True),
        (at(8, days=-30) - timedelta(seconds=1), VisitState.CLOSED, False),
        (at(7), VisitState.DONE, True),
        (at(9), VisitState.DONE, False),
        (at(7), VisitState.CANCELLED, False),
    ],
)
def test_a_repeat_is_the_same_fault_within_thirty_days_of_a_finished_visit(
    finished: datetime, state: VisitState, expected: bool
) -> None:
    """R-508: exactly thirty days still count."""
    assert rules.is_repeat(past(ADA, finished, state), at(8)) is expected


@pytest.mark.parametrize(("cost", "expected"), [(10_000, False), (11_000, False), (11_001, True)])
def test_more_than_a_tenth_beyond_the_estimate_needs_approval(cost: int, expected: bool) -> None:
    """R-204."""
    assert rules.needs_approval(10_000, cost) is expected


@pytest.mark.parametrize(
    ("minutes", "norm", "expected"), [(120, 60, False), (121, 60, True), (500, 0, False)]
)
def test_labour_far_above_the_norm_is_flagged(minutes: int, norm: int, expected: bool) -> None:
    """R-204: no treatment of a small illness as a large one; without a norm nothing is flagged."""
    assert rules.is_over_repair(minutes, norm) is expected


@pytest.mark.parametrize(
    ("priority", "needs", "expected"), [(3, True, 4), (4, True, 4), (5, True, 5), (3, False, 3), (1, True, 2)]
)
def test_elderly_and_disabled_customers_come_a_step_earlier(
    priority: int, needs: bool, expected: int
) -> None:
    """R-106: but a matter of comfort never becomes an emergency."""
    assert rules.raised_priority(priority, needs_home_service=needs) == expected


def test_an_estimate_is_in_the_companys_currency_and_not_negative() -> None:
    """R-204."""
    euros = Money(100, "EUR")
    assert Estimate.of(euros, euros, euros, "EUR").total_minor == 300
    with pytest.raises(CurrencyMismatch):
        Estimate.of(euros, Money(100, "CNY"), euros, "EUR")
    with pytest.raises(AmountInvalid):
        Estimate.of(Money(-1, "EUR"), euros, euros, "EUR")
