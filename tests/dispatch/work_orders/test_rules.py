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
MONTH = timedelta(days=30)


def past(
    technician: uuid.UUID | None, finished: datetime, state: VisitState = VisitState.CLOSED
) -> PastVisit:
    """A visit of an earlier order."""
    return PastVisit(uuid.uuid4(), technician, state, finished)


def test_whoever_repaired_the_fault_within_thirty_days_is_not_sent_again() -> None:
    """R-508."""
    visits = [past(ADA, at(8, days=-29)), past(BEN, at(8, days=-31)), past(None, at(8, days=-1))]
    assert rules.technicians_to_avoid(visits, at(8), MONTH) == (ADA,)


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
    assert rules.is_repeat(past(ADA, finished, state), at(8), MONTH) is expected


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
    told = Estimate.of(euros, euros, euros, "EUR")
    assert (told.labour_minor, told.parts_minor, told.travel_minor, told.currency) == (100, 100, 100, "EUR")
    with pytest.raises(CurrencyMismatch):
        Estimate.of(euros, Money(100, "CNY"), euros, "EUR")
    with pytest.raises(AmountInvalid):
        Estimate.of(Money(-1, "EUR"), euros, euros, "EUR")
