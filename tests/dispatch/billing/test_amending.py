"""Amended times and money: settled anew before it is invoiced, refused afterwards (reliability §2.4)."""

from __future__ import annotations

import threading
import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from dispatch import db
from dispatch.access.rules import Principal, Role
from dispatch.billing.commands import amend_times, issue, settle
from dispatch.billing.crediting import take_back
from dispatch.billing.model import Invoice, Settlement
from dispatch.errors import Stale
from dispatch.work_orders import refusals, timekeeping
from dispatch.work_orders.guards import CapacityForbidden
from dispatch.work_orders.model import Visit
from tests.builders import a_principal, a_user, a_visit, at
from tests.dispatch.conftest import MovableClock
from tests.money_world import a_tariff, a_verified_order, invoiced, settled
from tests.planning_world import runs_of


def desk(session: Session) -> Principal:
    """Somebody at the desk."""
    return Principal(a_user(session, Role.DISPATCHER).id, Role.DISPATCHER, None)


def labour(found: Settlement) -> list[int]:
    """What labour costs, in minor units."""
    return [line.net_minor for line in found.lines if line.kind == "labour"]


def amended(session: Session, visit: Visit, **times: datetime | int) -> Visit:
    """The visit with other times."""
    return amend_times(session, by=desk(session), visit=visit, times=times, reason="the gate's book")


@pytest.fixture
def evening(books: Session, now: MovableClock) -> Session:
    """The evening of the test day, when all times are over."""
    now.set(at(20))
    return books


def test_what_is_not_settled_yet_is_settled_by_the_amended_times(evening: Session) -> None:
    """R-601: an hour was told, two were worked."""
    a_tariff(evening)
    order = a_verified_order(evening, minutes=60)
    [visit] = order.visits
    amended(evening, visit, finished_at=at(11))
    assert labour(settled(evening, order)) == [12000]


def test_what_is_settled_and_not_invoiced_is_settled_anew(evening: Session) -> None:
    """R-601: the settlement of the former times is withdrawn; R-204: the new one exceeds the estimate."""
    a_tariff(evening)
    order = a_verified_order(evening, minutes=60)
    first = settled(evening, order)
    [visit] = order.visits
    amended(evening, visit, finished_at=at(11), paused_seconds=1800)
    assert first.state == "void"
    assert issue(evening, settlement_id=first.id) == []
    [run] = runs_of(evening, "billing.settle")
    assert run.payload["version"] == str(visit.version)
    again = settled(evening, order)
    assert (again.revision, again.state, labour(again)) == (2, "review", [9000])


def test_an_invoiced_visit_keeps_its_times_until_the_invoice_is_credited(evening: Session) -> None:
    """R-602."""
    a_tariff(evening)
    order = a_verified_order(evening, minutes=60)
    invoiced(evening, order)
    [visit] = order.visits
    with pytest.raises(refusals.RecordLocked):
        amended(evening, visit, finished_at=at(11))
    assert (visit.finished_at, timekeeping.changes_of(evening, visit)) == (at(10), [])
    billed = evening.scalars(select(Settlement).where(Settlement.work_order_id == order.id)).one()
    [note] = take_back(evening, settlement_id=billed.id, reason="times were wrong")
    amended(evening, visit, finished_at=at(11))
    again = settled(evening, order)
    assert (labour(again), note.net_minor) == ([12000], billed_net(evening, billed))


def billed_net(session: Session, settlement: Settlement) -> int:
    """The net sum of a settlement's invoices."""
    nets = session.scalars(select(Invoice.net_minor).where(Invoice.settlement_id == settlement.id))
    return sum(nets)


def test_what_changes_nothing_withdraws_nothing(evening: Session) -> None:
    a_tariff(evening)
    order = a_verified_order(evening, minutes=60)
    first = settled(evening, order)
    [visit] = order.visits
    before = visit.version
    amended(evening, visit, finished_at=at(10), paused_seconds=0)
    assert (first.state, visit.version) == ("approved", before)


@pytest.mark.parametrize(
    ("times", "refusal"),
    [
        ({"arrived_at": at(9.5)}, refusals.TimesContradict),
        ({"finished_at": at(8.5)}, refusals.TimesContradict),
        ({"finished_at": at(21)}, refusals.TimesContradict),
        ({"travelling_at": at(8, days=-32)}, refusals.TimesContradict),
        ({"started_at": at(12), "finished_at": at(11)}, refusals.TimesContradict),
    ],
)
def test_times_follow_one_another_and_are_over(
    evening: Session, times: dict[str, Any], refusal: type[Exception]
) -> None:
    [visit] = a_verified_order(evening, minutes=60).visits
    with pytest.raises(refusal):
        amended(evening, visit, **times)
    assert (visit.arrived_at, visit.started_at, visit.finished_at) == (at(9), at(9), at(10))


def test_a_gap_is_filled_and_what_has_not_happened_is_not(evening: Session) -> None:
    """Nobody told when they set out; a visit under way has no end yet."""
    [visit] = a_verified_order(evening, minutes=60).visits
    amended(evening, visit, travelling_at=at(8.5))
    [change] = timekeeping.changes_of(evening, visit)
    assert (change.name, change.before, change.value) == ("travelling_at", None, at(8.5).isoformat())
    under_way = a_visit(evening, state="on_site", arrived_at=at(9))
    for times in ({"started_at": at(9)}, {"finished_at": at(10)}, {"paused_seconds": 60}):
        with pytest.raises(refusals.TimeNotTold):
            amended(evening, under_way, **times)


def test_a_technician_does_not_amend(evening: Session) -> None:
    [visit] = a_verified_order(evening).visits
    me = a_principal(Role.TECHNICIAN, technician_id=visit.technician_id)
    with pytest.raises(CapacityForbidden):
        amend_times(evening, by=me, visit=visit, times={"finished_at": at(11)}, reason="mine")


def test_of_two_who_amend_the_same_version_one_wins(committed: Engine) -> None:
    """Race: the second one reads again; nothing is lost in silence."""
    with db.transaction() as session:
        [visit] = a_verified_order(session).visits
        visit_id, version, by = visit.id, visit.version, desk(session)
    results: list[str] = []
    ready = threading.Barrier(2)

    def amend(hour: float) -> None:
        ready.wait(timeout=30)
        try:
            with db.transaction() as session:
                amend_times(
                    session,
                    by=by,
                    visit=session.get_one(Visit, visit_id),
                    times={"finished_at": at(hour)},
                    reason="seen",
                    expected_version=version,
                )
            results.append(f"{hour}")
        except Stale:
            results.append("stale")

    run_together(lambda: amend(11), lambda: amend(12))
    [winner] = [result for result in results if result != "stale"]
    assert sorted(results) == sorted([winner, "stale"])
    with db.transaction() as session:
        visit = session.get_one(Visit, visit_id)
        [change] = timekeeping.changes_of(session, visit)
        assert (visit.finished_at, change.value) == (at(float(winner)), at(float(winner)).isoformat())


def test_an_invoice_and_an_amendment_at_once_never_disagree(committed: Engine) -> None:
    """Race: the invoice bills the former times and the amendment is refused, or there is no such invoice."""
    with db.transaction() as session:
        a_tariff(session)
        by = desk(session)
    for _ in range(5):
        with db.transaction() as session:
            order = a_verified_order(session, minutes=60)
            billed = settled(session, order)
            order_id, visit_id, settlement_id = order.id, order.visits[0].id, billed.id
        results = race_of_invoice(visit_id, settlement_id, by)
        assert results in (["issued", "locked"], ["amended", "withdrawn"])
        with db.transaction() as session:
            again = settle(session, work_order_id=order_id)
            assert again is not None
            assert labour(again) == ([6000] if results[0] == "issued" else [12000])


def race_of_invoice(visit_id: uuid.UUID, settlement_id: uuid.UUID, by: Principal) -> list[str]:
    """What became of an invoice and of an amendment that begin together, by name."""
    results: list[str] = []
    ready = threading.Barrier(2)

    def bill() -> None:
        ready.wait(timeout=30)
        with db.transaction() as session:
            made = issue(session, settlement_id=settlement_id)
        results.append("issued" if made else "withdrawn")

    def amend() -> None:
        ready.wait(timeout=30)
        try:
            with db.transaction() as session:
                visit = session.get_one(Visit, visit_id)
                amend_times(session, by=by, visit=visit, times={"finished_at": at(11)}, reason="seen")
            results.append("amended")
        except refusals.RecordLocked:
            results.append("locked")

    run_together(bill, amend)
    return sorted(results, key=["issued", "amended", "locked", "withdrawn"].index)


def run_together(*acts: Any) -> None:
    """Do several things in threads of their own."""
    threads = [threading.Thread(target=act) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
        assert not thread.is_alive()


def test_what_is_amended_is_on_record_with_who_when_and_why(evening: Session) -> None:
    [visit] = a_verified_order(evening).visits
    by = desk(evening)
    amend_times(evening, by=by, visit=visit, times={"finished_at": at(10.5)}, reason="the gate's book")
    [change] = timekeeping.changes_of(evening, visit)
    assert (change.kind, change.told, change.before, change.value) == (
        "amended",
        None,
        at(10).isoformat(),
        at(10.5).isoformat(),
    )
    assert (change.changed_by, change.reason, change.changed_at - at(20)) == (
        by.user_id,
        "the gate's book",
        timedelta(0),
    )
