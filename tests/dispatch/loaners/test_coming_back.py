"""Units that come back after they were charged as lost (R-402)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch.billing.commands import issue
from dispatch.billing.model import CreditNote, Settlement
from dispatch.contracts.house_rules import change_house_rules
from dispatch.loaners import lending
from dispatch.loaners.commands import change_unit
from dispatch.loaners.model import LoanerUnit
from dispatch.loaners.rules import LoanOver
from dispatch.territories.model import Territory
from tests.builders import a_principal
from tests.dispatch.conftest import MovableClock
from tests.dispatch.loaners.loan_world import a_repair, overdue
from tests.money_world import a_tariff


@pytest.mark.parametrize("is_invoiced", [False, True])
def test_the_charge_of_a_unit_that_comes_back_after_all_is_taken_back_once(
    session: Session, place: Territory, now: MovableClock, *, is_invoiced: bool
) -> None:
    """R-402, R-602: withdrawn, or credited where it was invoiced; the unit is lent again."""
    a_tariff(session)
    loan = overdue(session, place, now)
    lending.chase(session)
    charge = session.get_one(Settlement, loan.settlement_id)
    if is_invoiced:
        issue(session, settlement_id=charge.id)
    now.set(now.moment + timedelta(days=400))
    waiting = lending.lend(session, by=None, order=a_repair(session, place))
    lending.give_back(session, loan=loan)
    with pytest.raises(LoanOver):
        lending.give_back(session, loan=loan)
    notes = session.scalars(select(CreditNote)).all()
    assert (loan.state, charge.state) == ("returned", "invoiced" if is_invoiced else "void")
    assert [note.net_minor for note in notes] == ([50_000] if is_invoiced else [])
    assert (waiting.state, waiting.unit_id) == ("reserved", loan.unit_id)
    assert lending.chase(session) == []


@pytest.mark.parametrize(("days", "is_credited"), [(30, True), (31, False)])
def test_the_house_may_give_no_credit_after_some_days(
    session: Session, place: Territory, now: MovableClock, days: int, *, is_credited: bool
) -> None:
    """R-402."""
    change_house_rules(session, by=a_principal(), changes={"loaner_credit_days": 30})
    a_tariff(session)
    loan = overdue(session, place, now)
    lending.chase(session)
    charge = session.get_one(Settlement, loan.settlement_id)
    issue(session, settlement_id=charge.id)
    now.set(now.moment + timedelta(days=days))
    lending.give_back(session, loan=loan)
    assert loan.state == "returned"
    assert len(session.scalars(select(CreditNote)).all()) == int(is_credited)


def test_a_lost_unit_that_was_entered_anew_stays_where_it_is(
    session: Session, place: Territory, now: MovableClock
) -> None:
    """R-402: somebody brought it back into use and lent it; the former loan's return frees nothing."""
    a_tariff(session)
    loan = overdue(session, place, now)
    lending.chase(session)
    unit = session.get_one(LoanerUnit, loan.unit_id)
    again = {"is_retired": False}
    change_unit(session, by=a_principal(), unit=unit, changes=again, company_currency="EUR")
    other = lending.lend(session, by=None, order=a_repair(session, place))
    lending.give_back(session, loan=loan)
    assert (unit.state, other.unit_id, loan.state) == ("reserved", unit.id, "returned")
