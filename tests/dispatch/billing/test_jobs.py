"""From the verified visit to the customer's mail through the real jobs, one run at a time and in batches."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import select

from dispatch import clock, db, outbox, queue
from dispatch.events import InvoiceIssued, VisitVerified
from dispatch.work_orders.model import ReviewCase, Visit
from dispatch.work_orders.verifying import decide_case, open_case
from tests.builders import frozen_clock
from tests.invariants import broken
from tests.job_stage import Stage
from tests.money_world import a_tariff, a_verified_order
from tests.planning_world import register_kinds


@pytest.fixture
def office(database_url: str) -> Iterator[Stage]:
    """A company with a tariff and no queue server."""
    engine = db.connect(database_url)
    db.configure(db.sessions(engine))
    queue.configure(None)
    register_kinds()
    clock.set_source(frozen_clock())
    with db.transaction() as session:
        a_tariff(session)
    yield Stage(engine)
    clock.set_source(None)
    outbox.register((), {})
    engine.dispose()


def verified(count: int) -> None:
    """Verified orders whose settlement is asked for."""
    for number in range(count):
        with db.transaction() as session:
            order = a_verified_order(session, name=f"Ada {number}")
            event = VisitVerified(visit_id=str(order.visits[0].id), work_order_id=str(order.id))
            outbox.record(session, event)


def do_all(office: Stage) -> None:
    """Perform whatever is ready until nothing is."""
    while ready := office.ask("select id, kind from job_run where state = 'ready' and ready_at <= now()"):
        for run_id, kind in ready:
            if outbox.job_of(kind).batch:
                outbox.perform_batch(kind)
            else:
                outbox.perform(str(run_id))


def test_a_verified_visit_ends_as_a_printed_invoice_and_a_message(office: Stage) -> None:
    """Chain steps 8 and 9."""
    verified(3)
    do_all(office)
    assert set(office.states()) == {"done"}
    kinds = dict(office.ask("select kind, count(*) from job_run group by kind"))
    assert kinds == {
        "billing.settle": 3,
        "loaners.follow": 3,
        "billing.issue_invoice": 3,
        "billing.render_invoice": 3,
        "messages.write": 3,
    }
    assert office.ask("select count(*), min(octet_length(content)) > 1000 from stored_document") == [
        (3, True)
    ]
    assert office.ask("select template, state, count(*) from message group by 1, 2") == [
        ("invoiced", "suppressed", 3)
    ]
    with office.engine.connect() as connection:
        assert broken(connection) == {}


def test_an_invoice_whose_turn_comes_late_waits_while_somebody_has_to_look(office: Stage) -> None:
    """Approved already, then a case holds billing: it is issued once when that is decided, and only then."""
    verified(1)
    [(run_id,)] = office.ask("select id from job_run where kind = 'billing.settle'")
    outbox.perform(str(run_id))
    assert office.ask("select state from settlement") == [("approved",)]
    with db.transaction() as session:
        visit = session.scalars(select(Visit)).one()
        case = open_case(session, by=None, visit=visit, kind="late_fact", detail={}, hold_billing=True)
        case_id = case.id
    do_all(office)
    assert office.ask("select count(*) from invoice") == [(0,)]
    with db.transaction() as session:
        decide_case(session, by=None, case=session.get_one(ReviewCase, case_id), decision="it counts")
    do_all(office)
    assert set(office.states()) == {"done"}
    assert office.ask("select state from settlement") == [("invoiced",)]
    assert office.ask("select count(*) from invoice") == [(1,)]


def test_every_job_may_come_twice(office: Stage) -> None:
    """I8, I9: at least once is the queue's promise, once is ours."""
    verified(2)
    do_all(office)
    office.tell("update job_run set state = 'ready', lease_token = null, ready_at = now()")
    do_all(office)
    assert set(office.states()) == {"done"}
    for table, count in (("settlement", 2), ("invoice", 2), ("stored_document", 2), ("message", 2)):
        assert office.ask(f"select count(*) from {table}") == [(count,)]


def test_one_paper_that_fails_does_not_keep_the_others(office: Stage) -> None:
    """The batch prints what can be printed; the bad run waits alone."""
    verified(2)
    with db.transaction() as session:
        [bad] = outbox.record(session, InvoiceIssued(invoice_id="0190f000-0000-7000-8000-000000000000"))
    do_all(office)
    assert office.run(str(bad))["state"] == "ready"
    assert "NoResultFound" in (office.run(str(bad))["error"] or "")
    assert office.ask("select count(*) from stored_document") == [(2,)]


def test_a_customer_that_cannot_be_printed_waits_for_a_person_and_burns_no_number(office: Stage) -> None:
    """R-602: the others are numbered without a gap."""
    verified(1)
    with db.transaction() as session:
        order = a_verified_order(session, name="bell \x07")
        outbox.record(session, VisitVerified(visit_id=str(order.visits[0].id), work_order_id=str(order.id)))
    verified(1)
    do_all(office)
    for _ in range(6):
        office.make_due()
        do_all(office)
    assert office.ask("select kind from job_run where state = 'parked'") == [("billing.issue_invoice",)]
    assert office.ask("select ordinal from invoice order by ordinal") == [(1,), (2,)]


def test_the_daily_log_job_corrects_the_days_before_it(office: Stage) -> None:
    """R-701."""
    with db.transaction() as session:
        payload = {"day": "2026-03-03", "days_back": "2"}
        run_id = outbox.request(session, "performance.write_daily_log", "2026-03-03", payload)
    outbox.perform(str(run_id))
    assert office.run(str(run_id))["result"] == {"logs": 3}
    assert office.ask("select day::text, scope from daily_log order by day") == [
        ("2026-03-01", "company"),
        ("2026-03-02", "company"),
        ("2026-03-03", "company"),
    ]
