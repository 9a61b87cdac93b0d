"""Settlement: once per order, when everything is verified, with its reasons (decision 3)."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import clock
from dispatch.billing.commands import approve, issue, settle
from dispatch.billing.errors import BillingOnHold, NoTariff, SettlementNotInReview
from dispatch.billing.model import CreditNote, SettlementLine
from dispatch.contracts.house_rules import change_house_rules
from dispatch.contracts.rules import WARRANTY_DAYS
from dispatch.customers.model import Customer
from dispatch.money import CurrencyMismatch
from dispatch.technicians.model import BreakTaken
from dispatch.work_orders.model import Approval, PartUse, Visit, WorkOrder
from dispatch.work_orders.on_site_model import Withdrawal
from tests.builders import (
    DAY,
    a_contract,
    a_part,
    a_principal,
    a_technician,
    a_user,
    a_visit,
    at,
    frozen_clock,
    part_use,
)
from tests.money_world import a_tariff, a_verified_order, invoiced, settled
from tests.planning_world import runs_of


def test_a_verified_order_becomes_lines_with_payers(books: Session) -> None:
    """R-601: labour, way and parts apart, each with who pays and why."""
    tariff = a_tariff(books)
    order = a_verified_order(books, minutes=50)
    found = settled(books, order)
    assert [(line.kind, line.net_minor, line.payer) for line in found.lines] == [
        ("labour", 6000, "customer"),
        ("travel", 2000, "customer"),
        ("part", 1250, "customer"),
    ]
    assert (found.state, found.revision, found.rule_version.partition("/")[2]) == ("approved", 1, tariff.code)
    assert (order.visits[0].state, order.state) == ("closed", "closed")
    assert [run.payload for run in runs_of(books, "billing.issue_invoice")] == [
        {"event": "SettlementApproved", "settlement_id": str(found.id)}
    ]


def test_a_second_run_finds_the_settlement_made(books: Session) -> None:
    """I8, I9."""
    a_tariff(books)
    order = a_verified_order(books)
    assert settled(books, order) is settled(books, order)
    assert len(books.scalars(select(SettlementLine)).all()) == 3


@pytest.mark.parametrize("state", ["unplanned", "published", "working", "done"])
def test_settlement_waits_for_every_visit(books: Session, state: str) -> None:
    a_tariff(books)
    order = a_verified_order(books)
    a_visit(books, order=order, state=state)
    assert settle(books, work_order_id=order.id) is None
    assert order.visits[0].state == "verified"


@pytest.mark.parametrize("state", ["cancelled", "no_access"])
def test_visits_that_did_not_happen_are_not_waited_for(books: Session, state: str) -> None:
    a_tariff(books)
    order = a_verified_order(books)
    a_visit(books, order=order, state=state)
    assert settled(books, order).state == "approved"


def test_a_billing_hold_keeps_the_settlement_shut(books: Session) -> None:
    a_tariff(books)
    order = a_verified_order(books, visit={"billing_hold": True})
    assert settle(books, work_order_id=order.id) is None


def test_a_fully_covered_order_is_settled_without_charge(books: Session) -> None:
    """R-404."""
    a_tariff(books)
    order = a_verified_order(books, asset={"accepted_on": date(2025, 3, 2)})
    assert settled(books, order).state == "no_charge"
    assert runs_of(books, "billing.issue_invoice") == []


@pytest.mark.parametrize("by", ["the house", "the contract"])
def test_the_first_day_of_warranty_is_a_rule_of_the_house_and_of_a_contract(books: Session, by: str) -> None:
    """R-404: the last day of three years counted from the day after acceptance, and a day too late else."""
    a_tariff(books)
    accepted = DAY - timedelta(days=WARRANTY_DAYS)
    covered, paid = (a_verified_order(books, asset={"accepted_on": accepted}) for _ in range(2))
    assert settled(books, covered).state == "no_charge"
    own = {"warranty_counts_acceptance_day": True}
    if by == "the house":
        change_house_rules(books, by=a_principal(), changes=own)
    else:
        customer = books.get_one(Customer, paid.customer_id)
        terms: dict[str, bool] = dict.fromkeys(("covers_labour", "covers_travel"), False)
        paid.contract_id = a_contract(books, customer=customer, house_rules=own, **terms).id
        books.flush()
    assert {line.payer for line in settled(books, paid).lines} == {"customer"}


def test_a_contract_counts_only_on_the_days_it_is_valid(books: Session) -> None:
    a_tariff(books)
    order = a_verified_order(books)
    customer = books.get_one(Customer, order.customer_id)
    order.contract_id = a_contract(books, customer=customer, valid_until=date(2026, 3, 1)).id
    books.flush()
    assert {line.payer for line in settled(books, order).lines} == {"customer"}


def test_beyond_the_estimate_waits_for_a_person(books: Session) -> None:
    """R-204."""
    a_tariff(books)
    order = a_verified_order(books, minutes=120, labour_norm_minutes=120)
    found = settled(books, order)
    assert found.state == "review"
    assert "R-204" in (found.review_reason or "")
    assert runs_of(books, "billing.issue_invoice") == []
    approve(books, by=None, settlement=found)
    assert len(runs_of(books, "billing.issue_invoice")) == 1
    with pytest.raises(SettlementNotInReview):
        approve(books, by=None, settlement=found)


@pytest.mark.parametrize("by", ["the default", "the house", "the contract"])
def test_parts_far_above_the_norm_wait_for_a_person(books: Session, by: str) -> None:
    """R-204: two pumps of 12.50 where the fault usually takes one of 10; how far is too far is a rule."""
    a_tariff(books)
    order = a_verified_order(books, parts=2, estimate_parts_minor=2_500, parts_norm_minor=1_000)
    wider = {"over_repair_percent": 250}
    if by == "the house":
        change_house_rules(books, by=a_principal(), changes=wider)
    elif by == "the contract":
        customer = books.get_one(Customer, order.customer_id)
        terms: dict[str, bool] = dict.fromkeys(("covers_labour", "covers_travel"), False)
        order.contract_id = a_contract(books, customer=customer, house_rules=wider, **terms).id
        books.flush()
    found = settled(books, order)
    flagged = ("review", "R-204: parts for 2500, the norm is 1000")
    assert (found.state, found.review_reason) == (flagged if by == "the default" else ("approved", None))


def test_parts_of_a_later_revision_count_with_those_before(books: Session) -> None:
    """R-204: bit by bit is no way around the norm."""
    a_tariff(books)
    order = a_verified_order(books, estimate_parts_minor=10_000, parts_norm_minor=1_000)
    assert settled(books, order).state == "approved"
    a_late_part(books, order)
    found = settled(books, order)
    assert (found.revision, found.state) == (2, "review")
    assert found.review_reason == "R-204: parts for 2500, the norm is 1000"


def test_a_visit_added_after_the_settlement_is_settled_by_a_further_one(books: Session) -> None:
    """I3, I6: nothing twice, nothing forgotten."""
    a_tariff(books)
    order = a_verified_order(books)
    first = settled(books, order)
    later = a_visit(
        books,
        order=order,
        technician=a_technician(books),
        state="verified",
        started_at=at(12),
        finished_at=at(13),
    )
    books.refresh(order)
    second = settled(books, order)
    assert (first.revision, second.revision) == (1, 2)
    assert {line.source_key for line in second.lines} == {f"labour:{later.id}:2", f"travel:{later.id}:2"}
    assert later.state == "closed"
    assert second.state == "review"
    assert settled(books, order) is second


def a_late_part(books: Session, order: WorkOrder, **fields: Any) -> PartUse:
    """A part that a phone tells of when the order was settled."""
    return part_use(books, order.visits[0], a_part(books), **fields)


def test_a_part_told_of_after_the_settlement_is_billed_alone(books: Session) -> None:
    """I3: what was issued stays as it is; the part is judged against what is left of the estimate (R-204)."""
    a_tariff(books)
    order = a_verified_order(books)
    [issued] = invoiced(books, order)
    late = a_late_part(books, order, quantity=2)
    order.visits[0].billing_hold = True
    assert settle(books, work_order_id=order.id) is None
    order.visits[0].billing_hold = False
    second = settled(books, order)
    rows = [(line.source_key, line.quantity, line.net_minor, line.payer) for line in second.lines]
    assert rows == [(f"part:{late.id}:2", 2, 2500, "customer")]
    assert (second.state, (second.review_reason or "")[:5]) == ("review", "R-204")
    approve(books, by=None, settlement=second)
    [more] = issue(books, settlement_id=second.id)
    assert (more.net_minor, issued.net_minor) == (2500, 9250)
    assert settled(books, order) is second


@pytest.mark.parametrize("is_issued", [False, True])
def test_a_part_taken_back_after_the_settlement_is_not_paid(books: Session, is_issued: bool) -> None:
    """What is not invoiced is withdrawn, an invoice credited; the rest is settled anew, each fact once."""
    a_tariff(books)
    order = a_verified_order(books, parts=2)
    first = settled(books, order)
    if is_issued:
        approve(books, by=None, settlement=first)
        issue(books, settlement_id=first.id)
    uses = books.scalars(select(PartUse).where(PartUse.visit_id == order.visits[0].id)).all()
    uses[0].voided_by = a_user(books).id
    second = settled(books, order)
    assert first.state == ("invoiced" if is_issued else "void")
    assert [row.gross_minor for row in books.scalars(select(CreditNote))] == [13020] * is_issued
    assert [line.net_minor for line in second.lines] == [6000, 2000, 1250]
    assert [run.payload["settlement_id"] for run in runs_of(books, "billing.issue_invoice")][-1] == str(
        second.id
    )
    assert settled(books, order) is second


def agreed(books: Session, order: WorkOrder, minor: int) -> Approval:
    """What the customer agreed to pay at most."""
    told = {"currency": "EUR", "approved_by_name": "Customer", "method": "phone", "recorded_at": at(10)}
    approval = Approval(work_order_id=order.id, amount_minor=minor, **told)
    books.add(approval)
    books.flush()
    return approval


def withdrawn(books: Session, approval: Approval, visit: Visit) -> None:
    """The phone has taken the approval back, after the order was settled."""
    later = clock.now() + timedelta(minutes=1)
    row = Withdrawal(
        visit_id=visit.id,
        subject="approval",
        subject_id=approval.id,
        what="120.00 EUR",
        reason="another order",
        withdrawn_by=a_user(books).id,
        withdrawn_at=later,
        recorded_at=later,
    )
    books.add(row)
    books.flush()


@pytest.mark.parametrize("is_issued", [False, True])
def test_what_rested_on_an_approval_that_is_taken_back_is_settled_anew(
    books: Session, is_issued: bool
) -> None:
    """R-204: it counts no more, once somebody has looked; an invoice that was issued stays."""
    a_tariff(books)
    order = a_verified_order(books, parts=3)
    approval = agreed(books, order, 12_000)
    first = settled(books, order)
    assert first.state == "approved"
    if is_issued:
        issue(books, settlement_id=first.id)
    withdrawn(books, approval, order.visits[0])
    order.visits[0].billing_hold = True
    assert settled(books, order) is first
    order.visits[0].billing_hold = False
    clock.set_source(frozen_clock(clock.now() + timedelta(hours=1)))
    second = settled(books, order)
    if is_issued:
        assert (second, first.state) == (first, "invoiced")
        return
    assert (first.state, second.state, second.revision) == ("void", "review", 2)
    assert (second.review_reason or "").startswith("R-204")
    assert settled(books, order) is second


def test_nothing_is_released_while_somebody_has_yet_to_look(books: Session) -> None:
    """R-204: a case about the visit holds its bill."""
    a_tariff(books)
    order = a_verified_order(books, parts=3)
    found = settled(books, order)
    assert found.state == "review"
    order.visits[0].billing_hold = True
    with pytest.raises(BillingOnHold):
        approve(books, by=None, settlement=found)
    assert found.state == "review"
    order.visits[0].billing_hold = False
    assert approve(books, by=None, settlement=found).state == "approved"


def test_the_tariff_of_the_local_day_of_the_work_is_used(books: Session) -> None:
    """I20: half an hour after local midnight belongs to the new tariff, whatever the day is in UTC."""
    a_tariff(books, code="old")
    a_tariff(books, code="new", valid_from=date(2026, 3, 3))
    late = {"started_at": at(23), "finished_at": at(23.9)}
    early = {"started_at": at(23.5), "finished_at": at(24.5)}
    assert settled(books, a_verified_order(books, visit=late)).rule_version.endswith("/old")
    assert settled(books, a_verified_order(books, visit=early)).rule_version.endswith("/new")


def test_without_a_tariff_nothing_is_settled(books: Session) -> None:
    order = a_verified_order(books)
    with pytest.raises(NoTariff):
        settle(books, work_order_id=order.id)
    assert order.visits[0].state == "verified"


def test_currencies_are_never_mixed(books: Session) -> None:
    """I16."""
    a_tariff(books, currency="CNY")
    with pytest.raises(CurrencyMismatch):
        settle(books, work_order_id=a_verified_order(books).id)


def test_paused_time_is_not_billed(books: Session) -> None:
    a_tariff(books)
    order = a_verified_order(books, minutes=60, visit={"paused_seconds": 30 * 60})
    assert settled(books, order).lines[0].net_minor == 3000


def test_a_crew_is_charged_for_everybodys_work_and_one_way(books: Session) -> None:
    """R-203, R-601: labour of each member; settlement waits until the last of them is through."""
    a_tariff(books)
    order = a_verified_order(books, minutes=50, visit={"crew_size": 2})
    leader = order.visits[0]
    seat = {"order": order, "attempt": 1, "seat": 1, "leader_id": leader.id, "crew_size": 2}
    member = a_visit(books, technician=a_technician(books), state="done", **seat)
    assert settle(books, work_order_id=order.id) is None
    member.state = "verified"
    books.flush()
    found = settled(books, order)
    kinds = [(line.kind, line.source_key.split(":")[1]) for line in found.lines if line.kind != "part"]
    assert kinds == [
        ("labour", str(leader.id)),
        ("travel", str(leader.id)),
        ("labour", str(member.id)),
    ]
    assert {visit.state for visit in order.visits} == {"closed"}


def test_a_break_inside_a_visit_is_not_billed(books: Session) -> None:
    """R-509, R-601: of 80 minutes 25 were a break, 20 of them within the visit; 60 are billed, not 90."""
    a_tariff(books)
    order = a_verified_order(books, minutes=80)
    who = order.visits[0].technician_id
    books.add(BreakTaken(technician_id=who, started_at=at(10), ended_at=at(10 + 25 / 60)))
    books.flush()
    [labour, *_] = settled(books, order).lines
    assert (labour.quantity, labour.net_minor) == (Decimal("1.000"), 6000)
    assert labour.explanation.startswith("60 min worked, 20 min of break left out, 60 min billed")
