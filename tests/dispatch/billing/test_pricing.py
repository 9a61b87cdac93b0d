"""Prices from plain facts: who pays, how much, what a person must look at (R-404, R-405, R-508, R-601)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.billing import pricing
from dispatch.billing.pricing import OrderFacts, PartFacts, Prices, VisitFacts

DAY = date(2026, 3, 2)
PRICES = Prices("2026", "EUR", 6000, 30, 15, 2000, Decimal("0.24"), 1095, 10)
FACTS = OrderFacts(
    order_id="o",
    worked_on=DAY,
    fault_class="product",
    is_repeat=False,
    accepted_on=None,
    maker_warranty_until=None,
    contract_covers=frozenset(),
    estimate_minor=9250,
    approved_minor=0,
    labour_norm_minutes=60,
    visits=(VisitFacts("v", "DS-1", 3600),),
    parts=(PartFacts("p", "Pump", "泵", 1, 1250),),
)
RATES = st.sampled_from(["0", "0.05", "0.06", "0.13", "0.24", "0.255"]).map(Decimal)


def payers(facts: OrderFacts, prices: Prices = PRICES) -> dict[str, str]:
    """Kind of line to its payer."""
    return {line.kind: line.payer for line in pricing.lines_of(facts, prices)}


def test_labour_travel_and_parts_are_lines_of_their_own() -> None:
    """R-601."""
    lines = pricing.lines_of(FACTS, PRICES)
    assert [(line.kind, line.net_minor, line.payer) for line in lines] == [
        ("labour", 6000, "customer"),
        ("travel", 2000, "customer"),
        ("part", 1250, "customer"),
    ]


@pytest.mark.parametrize(("after_days", "payer"), [(0, "goodwill"), (1095, "goodwill"), (1096, "customer")])
def test_own_warranty_lasts_three_years_from_acceptance(after_days: int, payer: str) -> None:
    """R-404: the last day counts."""
    facts = replace(FACTS, accepted_on=DAY - timedelta(days=after_days))
    assert set(payers(facts).values()) == {payer}


def test_the_maker_pays_until_the_warranty_ends_and_before_our_own() -> None:
    """R-405."""
    facts = replace(FACTS, maker_warranty_until=DAY, accepted_on=DAY)
    assert set(payers(facts).values()) == {"maker"}
    over = replace(facts, maker_warranty_until=DAY - timedelta(days=1))
    assert set(payers(over).values()) == {"goodwill"}


def test_labour_and_way_of_a_repeat_are_free_its_parts_are_not() -> None:
    """R-508."""
    assert payers(replace(FACTS, is_repeat=True)) == {
        "labour": "goodwill",
        "travel": "goodwill",
        "part": "customer",
    }


def test_our_warranty_runs_from_the_day_of_acceptance() -> None:
    """R-404: not before it, and the last day counts."""
    last = DAY - timedelta(days=PRICES.warranty_days)
    for accepted, payer in ((last, "goodwill"), (last - timedelta(days=1), "customer")):
        assert set(payers(replace(FACTS, accepted_on=accepted)).values()) == {payer}
    assert set(payers(replace(FACTS, accepted_on=DAY + timedelta(days=1))).values()) == {"customer"}


@pytest.mark.parametrize("counts", [True, False])
def test_our_warranty_is_counted_from_acceptance_or_the_day_after(*, counts: bool) -> None:
    """R-404: the day before acceptance and the day past the last one are the customer's."""
    last = PRICES.warranty_days - counts
    ages = {-1: "customer", 0: "goodwill", 1: "goodwill", last: "goodwill", last + 1: "customer"}
    for age, payer in ages.items():
        accepted = DAY - timedelta(days=age)
        facts = replace(FACTS, accepted_on=accepted, warranty_counts_acceptance_day=counts)
        assert set(payers(facts).values()) == {payer}, age


def test_a_contract_pays_what_it_covers() -> None:
    """R-601."""
    facts = replace(FACTS, contract_covers=frozenset({"labour", "travel"}))
    assert payers(facts) == {"labour": "contract", "travel": "contract", "part": "customer"}


def test_a_use_fault_is_covered_by_nothing() -> None:
    """R-201."""
    facts = replace(
        FACTS,
        fault_class="use",
        is_repeat=True,
        accepted_on=DAY,
        maker_warranty_until=DAY,
        contract_covers=frozenset({"labour", "travel", "part"}),
    )
    assert set(payers(facts).values()) == {"customer"}


@pytest.mark.parametrize(
    ("seconds", "minutes"),
    [(0, 30), (1, 30), (1800, 30), (1801, 45), (2700, 45), (2701, 60), (3600, 60), (3601, 75)],
)
def test_work_is_billed_in_increments_after_a_minimum_block(seconds: int, minutes: int) -> None:
    assert pricing.billable_minutes(seconds, PRICES) == minutes


@pytest.mark.parametrize(
    ("estimate", "approved", "asks"),
    [(9250, 0, False), (8410, 0, False), (8409, 0, True), (8000, 9249, True), (8000, 9250, False)],
)
def test_more_than_a_tenth_beyond_the_estimate_needs_approval(
    estimate: int, approved: int, *, asks: bool
) -> None:
    """R-204: 92.50 is charged; the approval must cover all of it."""
    facts = replace(FACTS, estimate_minor=estimate, approved_minor=approved)
    reason = pricing.review_reason(facts, PRICES, pricing.lines_of(facts, PRICES))
    assert (reason is not None) is asks


def test_work_far_above_the_norm_is_looked_at_even_within_the_estimate() -> None:
    """R-204: the over-repair flag; not when nobody outside pays."""
    facts = replace(FACTS, estimate_minor=10**6, visits=(VisitFacts("v", "DS-1", 121 * 60),))
    lines = pricing.lines_of(facts, PRICES)
    assert "norm" in (pricing.review_reason(facts, PRICES, lines) or "")
    free = replace(facts, accepted_on=DAY)
    assert pricing.review_reason(free, PRICES, pricing.lines_of(free, PRICES)) is None


@pytest.mark.parametrize(
    ("norm", "before", "percent", "is_flagged"),
    [
        (None, 0, 200, False),
        (625, 0, 200, False),
        (624, 0, 200, True),
        (1250, 0, 100, False),
        (1249, 0, 100, True),
        (0, 0, 200, True),
        (1000, 750, 200, False),
        (1000, 751, 200, True),
    ],
)
def test_parts_far_above_the_norm_are_looked_at_even_within_the_estimate(
    norm: int | None, before: int, percent: int, *, is_flagged: bool
) -> None:
    """R-204: 12.50 for a pump; at the boundary it passes, one cent beyond it is looked at."""
    facts = replace(
        FACTS,
        estimate_minor=10**6,
        parts_norm_minor=norm,
        parts_before_minor=before,
        over_repair_percent=percent,
    )
    reason = pricing.review_reason(facts, PRICES, pricing.lines_of(facts, PRICES)) or ""
    assert ("parts for" in reason) is is_flagged
    free = replace(facts, accepted_on=DAY)
    assert pricing.review_reason(free, PRICES, pricing.lines_of(free, PRICES)) is None
    without = replace(facts, parts=())
    assert pricing.review_reason(without, PRICES, pricing.lines_of(without, PRICES)) is None


@pytest.mark.parametrize(("minutes", "percent", "is_flagged"), [(90, 150, False), (91, 150, True)])
def test_how_far_above_the_norm_is_too_far_is_a_rule(minutes: int, percent: int, *, is_flagged: bool) -> None:
    """R-204."""
    visits = (VisitFacts("v", "DS-1", minutes * 60),)
    facts = replace(FACTS, estimate_minor=10**6, visits=visits, over_repair_percent=percent)
    reason = pricing.review_reason(facts, PRICES, pricing.lines_of(facts, PRICES))
    assert (reason is not None) is is_flagged


def test_whoever_looks_sees_what_was_told_of_labour_parts_and_travel_and_every_reason() -> None:
    """R-204."""
    facts = replace(
        FACTS,
        estimate_minor=6_000,
        estimate_by_kind={"labour": 3_000, "part": 1_000, "travel": 2_000},
        visits=(VisitFacts("v", "DS-1", 121 * 60),),
        parts_norm_minor=100,
    )
    reason = pricing.review_reason(facts, PRICES, pricing.lines_of(facts, PRICES))
    assert reason == (
        "R-204: 16750 charged beyond the estimate of 6000 without approval: "
        "labour 13500 of 3000, part 1250 of 1000, travel 2000 of 2000; "
        "R-204: 121 min worked, the norm is 60; "
        "R-204: parts for 1250, the norm is 100"
    )


def test_the_estimate_is_what_the_same_work_will_cost() -> None:
    """R-204."""
    assert pricing.estimate(60, 1250, PRICES) == (6000, 1250, 2000)


def test_yen_has_no_decimals_and_rounds_half_up() -> None:
    yen = replace(PRICES, currency="JPY", labour_per_hour_minor=4999, tax_rate=Decimal("0.1"))
    facts = replace(FACTS, visits=(VisitFacts("v", "DS-1", 1800),), parts=())
    labour, travel = pricing.lines_of(facts, yen)
    assert (labour.net_minor, travel.net_minor) == (2500, 2000)
    assert pricing.totals([labour.net_minor, travel.net_minor], yen.tax_rate).tax_minor == 450


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=12), RATES)
def test_the_taxes_of_the_lines_are_the_tax_of_the_sum(nets: list[int], rate: Decimal) -> None:
    """I3, EN 16931: rounded once, and still every line has its share."""
    sums = pricing.totals(nets, rate)
    assert sum(sums.taxes) == sums.tax_minor
    assert sums.tax_minor == int((sum(nets) * rate).quantize(Decimal(1), rounding=ROUND_HALF_UP))
    assert sums.net_minor + sums.tax_minor == sums.gross_minor


@given(
    st.integers(0, 200_000),
    st.integers(0, 100_000),
    st.integers(1, 240),
    st.integers(0, 240),
    st.integers(1, 99),
)
def test_every_line_is_its_printed_quantity_times_its_price(
    seconds: int, price: int, increment: int, minimum: int, pieces: int
) -> None:
    """I5: whoever multiplies what is printed finds what is charged."""
    prices = replace(
        PRICES, labour_per_hour_minor=price, increment_minutes=increment, minimum_minutes=minimum
    )
    facts = replace(
        FACTS, visits=(VisitFacts("v", "DS-1", seconds),), parts=(PartFacts("p", "P", "P", pieces, price),)
    )
    for line in pricing.lines_of(facts, prices):
        product = line.quantity * line.unit_price_minor
        assert line.net_minor == int(product.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def test_the_same_facts_have_the_same_fingerprint_and_others_another() -> None:
    """I8: a settlement names what it was made from."""
    assert FACTS.fingerprint(PRICES) == replace(FACTS).fingerprint(PRICES)
    assert FACTS.fingerprint(PRICES) != replace(FACTS, is_repeat=True).fingerprint(PRICES)
    assert FACTS.fingerprint(PRICES) != FACTS.fingerprint(replace(PRICES, travel_fee_minor=1))
