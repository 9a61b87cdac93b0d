"""Contracts: coverage, due times, warranty, inspections (R-401, R-402, R-404, R-406)."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy.orm import Session

from dispatch.access.rules import Role
from dispatch.contracts import commands, queries, rules
from dispatch.contracts.commands import Terms
from dispatch.contracts.hours import DueTimes, due_times
from dispatch.customers.model import Customer
from dispatch.errors import NotFound
from tests import builders as b
from tests.dispatch.conftest import MovableClock
from tests.money_world import a_tariff

DAY = b.DAY


@pytest.fixture
def customer(session: Session, now: MovableClock) -> Customer:
    """A customer with a site."""
    return session.get_one(Customer, b.a_site(session).customer_id)


def test_a_contract_pays_within_its_days_only(session: Session, customer: Customer) -> None:
    contract = b.a_contract(
        session, customer=customer, valid_from=DAY, valid_until=DAY, covers_parts=True, covers_travel=False
    )
    assert rules.covered_by(contract, DAY) == {"labour", "part"}
    assert rules.covered_by(contract, date(2026, 3, 1)) == frozenset()
    assert rules.covered_by(contract, date(2026, 3, 3)) == frozenset()
    assert rules.covered_by(None, DAY) == frozenset()


def test_response_and_resolution_run_from_the_request_around_the_clock(
    session: Session, customer: Customer
) -> None:
    """R-401: 60 minutes, R-402: 12 hours; a night and a change of the clock do not stop them."""
    contract = b.a_contract(session, customer=customer, response_minutes=60, resolution_minutes=720)
    night = b.at(23.5, days=26)
    assert due_times(night, contract) == DueTimes(b.at(0.5, days=27), b.at(12.5, days=27))
    free = b.a_contract(session, customer=customer, response_minutes=None, resolution_minutes=None)
    assert due_times(night, free) == due_times(night, None) == DueTimes()


@pytest.mark.parametrize(
    ("last", "months", "expected"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2024, 1, 31), 1, date(2024, 2, 29)),
        (date(2026, 11, 30), 3, date(2027, 2, 28)),
        (date(2026, 3, 15), 12, date(2027, 3, 15)),
    ],
)
def test_the_next_inspection_is_due_some_months_later(last: date, months: int, expected: date) -> None:
    """R-406: quarterly by default; the 31st becomes the month's last day."""
    assert rules.next_due(last, months) == expected


def test_warranty_covers_the_day_of_acceptance_and_its_days_after_it() -> None:
    """R-404: three years of days, a leap day counted like any other."""
    assert rules.warranty_until(date(2025, 3, 2), rules.WARRANTY_DAYS) == date(2028, 3, 1)
    assert rules.warranty_until(date(2022, 3, 2), rules.WARRANTY_DAYS) == date(2025, 3, 1)
    assert rules.warranty_until(date(2026, 3, 2), 0) == date(2026, 3, 2)
    assert rules.warranty_until(None, rules.WARRANTY_DAYS) is None


def test_warranty_is_counted_from_the_day_of_acceptance_where_a_rule_says_so() -> None:
    """R-404: the first of its days is that day, so that it ends a day sooner; it always covers that day."""
    for accepted, last in ((date(2025, 3, 2), date(2028, 2, 29)), (date(2022, 3, 2), date(2025, 2, 28))):
        found = rules.warranty_until(accepted, rules.WARRANTY_DAYS, counts_acceptance_day=True)
        assert found == last
    for days in (0, 1):
        found = rules.warranty_until(date(2026, 3, 2), days, counts_acceptance_day=True)
        assert found == date(2026, 3, 2)
    assert rules.warranty_until(None, rules.WARRANTY_DAYS, counts_acceptance_day=True) is None


def test_the_tariff_of_the_day_says_how_long_warranty_lasts(session: Session) -> None:
    """R-404: newer terms count from their first day, none at all means three years."""
    a_tariff(session, code="OLD", valid_from=date(2026, 1, 1), warranty_days=730)
    a_tariff(session, code="NEW", valid_from=DAY, warranty_days=365)
    days = (date(2025, 12, 31), date(2026, 1, 1), date(2026, 3, 1), DAY)
    assert [queries.warranty_days_on(session, day) for day in days] == [1095, 730, 730, 365]


def test_the_assets_own_contract_comes_before_the_customers(session: Session, customer: Customer) -> None:
    site = b.a_site(session, customer=customer)
    asset, other = b.an_asset(session, site=site), b.an_asset(session, site=site)
    b.a_contract(session, customer=customer, valid_from=date(2025, 1, 1))
    newest = b.a_contract(session, customer=customer, valid_from=date(2026, 2, 1))
    own = b.a_contract(session, customer=customer, asset=asset)
    assert queries.for_asset(session, customer.id, asset.id, DAY) is own
    assert queries.for_asset(session, customer.id, other.id, DAY) is newest
    assert queries.for_asset(session, customer.id, None, DAY) is newest
    assert queries.for_asset(session, customer.id, asset.id, date(2030, 1, 1)) is None
    assert queries.for_asset(session, b.a_customer(session).id, asset.id, DAY) is None


def test_a_contract_is_made_changed_and_cared_for(session: Session, customer: Customer) -> None:
    """R-406."""
    given = {
        "by": None,
        "customer_id": customer.id,
        "asset_id": None,
        "valid_from": DAY,
        "valid_until": date(2027, 3, 1),
    }
    contract = commands.create_contract(
        session, number="K-1", terms=Terms(response_minutes=60, inspection_every_months=3), **given
    )
    assert contract.next_inspection_due_on == date(2026, 6, 2)
    seen = contract.version
    commands.mark_inspected(session, by=None, contract=contract, on=date(2026, 6, 10), expected_version=seen)
    assert contract.next_inspection_due_on == date(2026, 9, 10)
    everywhere = b.a_principal()
    assert queries.inspections_due(session, everywhere, date(2026, 9, 9)) == []
    assert queries.inspections_due(session, everywhere, date(2026, 9, 10)) == [contract]
    contract.inspection_every_months = None
    session.flush()
    with pytest.raises(rules.ContractInvalid, match="no inspections"):
        commands.mark_inspected(
            session, by=None, contract=contract, on=DAY, expected_version=contract.version
        )
    with pytest.raises(rules.ContractNumberTaken):
        commands.create_contract(session, number="K-1", terms=Terms(), **given)
    for number, terms in (("K-2", Terms(response_minutes=0)), ("K-3", Terms(inspection_every_months=-1))):
        with pytest.raises(rules.ContractInvalid):
            commands.create_contract(session, number=number, terms=terms, **given)


def test_a_refused_change_leaves_the_contract_as_it_was(session: Session, customer: Customer) -> None:
    contract = b.a_contract(session, customer=customer)
    with pytest.raises(rules.ContractInvalid):
        commands.update_contract(
            session,
            by=None,
            contract=contract,
            changes={"covers_parts": True, "valid_until": date(2020, 1, 1)},
        )
    session.flush()
    assert (contract.covers_parts, contract.valid_until) == (False, date(2026, 12, 31))
    commands.update_contract(session, by=None, contract=contract, changes={"response_minutes": 30})
    assert (contract.response_minutes, contract.version) == (30, 2)


def test_contracts_are_seen_through_the_customers_sites(session: Session, customer: Customer) -> None:
    """S1."""
    contract = b.a_contract(session, customer=customer)
    (site,) = session.query(b.Site).filter_by(customer_id=customer.id)
    here = b.a_principal(Role.FINANCE, territory_ids=frozenset({site.territory_id}))
    assert queries.find_contract(session, here, contract.id) is contract
    assert queries.list_contracts(session, here, customer_id=customer.id).items == (contract,)
    for nobody in (b.a_principal(territory_ids=frozenset()), b.of(b.a_technician(session))):
        with pytest.raises(NotFound):
            queries.find_contract(session, nobody, contract.id)
