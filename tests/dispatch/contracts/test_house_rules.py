"""Rules of the house: defaults, the company's, a contract's own."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy.orm import Session

from dispatch.contracts.commands import update_contract
from dispatch.contracts.house_rules import HouseRules, change_house_rules, house_rules, rules_row
from dispatch.contracts.rules import HouseRuleInvalid
from tests.builders import a_contract, a_customer, a_principal

ME = a_principal()


def test_a_contract_counts_before_the_company_and_the_company_before_the_default(session: Session) -> None:
    contract = a_contract(session, customer=a_customer(session))
    assert house_rules(session) == HouseRules()
    change_house_rules(session, by=ME, changes={"band_minutes": 20, "day_before": False})
    update_contract(session, by=ME, contract=contract, changes={"house_rules": {"band_minutes": 30}})
    assert house_rules(session).band_minutes == 20
    assert house_rules(session, contract) == HouseRules(band_minutes=30, day_before=False)


def test_null_goes_back_to_what_counts_otherwise(session: Session) -> None:
    change_house_rules(session, by=ME, changes={"band_minutes": 20})
    row = change_house_rules(session, by=ME, changes={"band_minutes": None})
    assert row.values == {}
    assert house_rules(session).band_minutes == 15


@pytest.mark.parametrize(
    "changes",
    [
        {"band_minutes": 121},
        {"band_minutes": -1},
        {"band_minutes": True},
        {"band_minutes": 1.5},
        {"day_before": 1},
        {"day_before": "yes"},
        {"no_such_rule": True},
        {"invite_first_days": 3, "invite_last_days": 5},
        {"invite_last_days": 10},
        {"escalation_dispatcher_percent": 81},
        {"escalation_dispatcher_percent": 60, "escalation_supervisor_percent": 50},
        {"escalation_supervisor_percent": 100},
        {"answer_phone_seconds": 0},
    ],
)
def test_values_that_no_rule_takes_are_refused_and_nothing_changes(
    session: Session, changes: dict[str, Any]
) -> None:
    with pytest.raises(HouseRuleInvalid):
        change_house_rules(session, by=ME, changes=changes)
    assert rules_row(session).values == {}
    contract = a_contract(session, customer=a_customer(session))
    with pytest.raises(HouseRuleInvalid):
        update_contract(session, by=ME, contract=contract, changes={"house_rules": changes})
    assert contract.house_rules == {}


def test_layers_that_were_each_good_never_fail_together(session: Session) -> None:
    contract = a_contract(session, customer=a_customer(session))
    update_contract(session, by=ME, contract=contract, changes={"house_rules": {"invite_last_days": 5}})
    change_house_rules(session, by=ME, changes={"invite_first_days": 4, "invite_last_days": 1})
    found = house_rules(session, contract)
    assert (found.invite_first_days, found.invite_last_days) == (4, 4)


def test_however_layers_meet_the_supervisor_is_never_told_before_the_dispatcher(session: Session) -> None:
    contract = a_contract(session, customer=a_customer(session))
    own = {"house_rules": {"escalation_dispatcher_percent": 75}}
    update_contract(session, by=ME, contract=contract, changes=own)
    lower = {"escalation_dispatcher_percent": 30, "escalation_supervisor_percent": 60}
    change_house_rules(session, by=ME, changes=lower)
    found = house_rules(session, contract)
    assert (found.escalation_dispatcher_percent, found.escalation_supervisor_percent) == (75, 75)


def test_what_a_contract_says_of_the_supervisor_counts_before_the_companys_dispatcher(
    session: Session,
) -> None:
    contract = a_contract(session, customer=a_customer(session))
    own = {"house_rules": {"escalation_supervisor_percent": 55}}
    update_contract(session, by=ME, contract=contract, changes=own)
    change_house_rules(session, by=ME, changes={"escalation_dispatcher_percent": 60})
    found = house_rules(session, contract)
    assert (found.escalation_dispatcher_percent, found.escalation_supervisor_percent) == (55, 55)
    usual = house_rules(session)
    assert (usual.escalation_dispatcher_percent, usual.escalation_supervisor_percent) == (60, 80)
