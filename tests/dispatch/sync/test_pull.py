"""Clauses Pull 1 to 11 of docs/reference/sync.md."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

import pytest

from dispatch import clock, db, feed
from dispatch.access.rules import Role
from dispatch.checklists.commands import write_checklist
from dispatch.customers.contacts import add_contact
from dispatch.customers.model import Customer, Site
from dispatch.customers.rules import Person
from dispatch.sync import cursor as cursors
from dispatch.sync import protocol, pull, queries
from dispatch.sync.refusals import DeviceNeeded, Resync
from dispatch.work_orders import commands as visits
from dispatch.work_orders.model import Visit
from tests.builders import MORNING, a_call, a_principal, at, frozen_clock
from tests.dispatch.sync.field import KEY, Field


def told(pulled: queries.Pulled) -> dict[str, str]:
    """Kind of change by visit."""
    return {change["id"]: change["kind"] for change in pulled.changes}


def held(field: Field, cursor: str | None = None, *, page: int = protocol.PAGE) -> dict[str, Any]:
    """What a phone holds after pulling until complete, from nothing."""
    found: dict[str, Any] = {}
    while True:
        pulled = field.pull(cursor, page=page)
        apply(found, pulled.changes)
        cursor = pulled.cursor
        if pulled.complete:
            return found


def apply(found: dict[str, Any], changes: Iterable[Mapping[str, Any]]) -> None:
    """Apply changes as a phone does."""
    for change in changes:
        if change["kind"] == "put":
            found[change["id"]] = change["body"]
        else:
            found.pop(change["id"], None)


def test_pull_clause_1_without_a_cursor_the_whole_scope_is_given(field: Field) -> None:
    near = [field.visit(planned_start=at(9, days=day)) for day in (-6, 0, 13)]
    far = [field.visit(planned_start=at(9, days=day)) for day in (-8, 15)]
    cancelled = field.visit()
    field.cancel(cancelled)
    pulled = field.pull()
    assert pulled.complete
    assert set(told(pulled)) == {str(visit) for visit in near}
    assert not set(told(pulled)) & {str(visit) for visit in [*far, cancelled]}


def test_pull_clause_2_every_changed_visit_is_given_once_as_it_is_now(field: Field) -> None:
    visit, still = field.visit(), field.visit()
    start = field.pull()
    field.push(*field.whole_visit(visit))
    pulled = field.pull(start.cursor)
    assert told(pulled) == {str(visit): "put"}
    assert pulled.changes[0]["body"]["state"] == "verified"
    assert field.pull(pulled.cursor).changes == []
    assert str(still) in told(start)


def test_pull_clause_3_pages_are_given_until_complete(field: Field) -> None:
    every = {str(field.visit()) for _ in range(5)}
    first = field.pull(page=2)
    assert (len(first.changes), first.complete) == (2, False)
    assert set(held(field, page=2)) == every
    start = field.pull()
    for visit in every:
        field.push(field.op(protocol.ACCEPT, uuid.UUID(visit)))
    page = field.pull(start.cursor, page=2)
    assert (len(page.changes), page.complete) == (2, False)
    assert set(held(field, start.cursor, page=2)) == every


def test_pull_clause_4_no_row_is_missed_under_eight_writers(field: Field) -> None:
    """Reliability §0.1: rows appear out of order under concurrent writers; none may be skipped."""
    visit = field.visit()
    scope = feed.technician_scope(field.technician_id)
    start, seen, per_writer = field.pull().cursor, set(), 40

    def write(writer: int) -> None:
        for number in range(per_writer):
            with db.transaction() as session:
                feed.announce(session, scope, "visit", uuid.UUID(int=writer * 1000 + number + 1), version=1)
                session.flush()
                if number % 4 == writer % 4:
                    session.connection().exec_driver_sql("select pg_sleep(0.004)")

    writers = [threading.Thread(target=write, args=(writer,)) for writer in range(8)]
    for thread in writers:
        thread.start()
    cursor = start
    while any(thread.is_alive() for thread in writers):
        pulled = field.pull(cursor, page=25)
        seen |= set(told(pulled))
        cursor = pulled.cursor
    for thread in writers:
        thread.join()
    pulled = field.pull(cursor, page=25)
    while not pulled.complete:
        seen |= set(told(pulled))
        pulled = field.pull(pulled.cursor, page=25)
    seen |= set(told(pulled))
    written = {
        str(uuid.UUID(int=writer * 1000 + number + 1)) for writer in range(8) for number in range(per_writer)
    }
    assert written <= seen
    assert str(visit) not in seen


def test_pull_clause_4_a_row_of_a_running_transaction_comes_after_its_commit(field: Field) -> None:
    slow, fast = field.visit(), field.visit()
    start = field.pull().cursor
    scope = feed.technician_scope(field.technician_id)
    with db.transaction() as running:
        feed.announce(running, scope, "visit", slow, version=9)
        running.flush()
        with db.transaction() as quick:
            feed.announce(quick, scope, "visit", fast, version=9)
        during = field.pull(start)
        assert told(during) == {}
    assert set(told(field.pull(during.cursor))) == {str(slow), str(fast)}


def test_pull_clause_5_acked_seq_is_what_the_data_includes(field: Field) -> None:
    visit = field.visit()
    start = field.pull()
    assert start.acked_seq == {}
    with db.transaction() as running:
        feed.announce(running, "technician:somebody", "visit", visit, version=1)
        running.flush()
        assert field.pushed([field.op(protocol.ACCEPT, visit)]).acked_seq == {"phone-1": 1}
        during = field.pull(start.cursor)
        assert (during.acked_seq, told(during)) == ({}, {})
    after = field.pull(during.cursor)
    assert after.acked_seq == {"phone-1": 1}
    assert after.changes[0]["body"]["state"] == "accepted"
    assert field.pull().acked_seq == {"phone-1": 1}


@pytest.mark.parametrize("how", ["reassigned", "cancelled", "taken back"])
def test_pull_clause_6_a_visit_that_leaves_is_evicted(field: Field, how: str) -> None:
    visit = field.visit()
    start = field.pull()
    other = field.colleague()
    others_start = other.pull()
    if how == "reassigned":
        other.reassign(visit)
    elif how == "cancelled":
        field.cancel(visit)
    else:
        with db.transaction() as session:
            visits.release(session, by=field.desk, visit=session.get_one(Visit, visit), reason="ill")
    assert told(field.pull(start.cursor)) == {str(visit): "evict"}
    assert told(other.pull(others_start.cursor)) == ({str(visit): "put"} if how == "reassigned" else {})


def test_pull_clause_7_time_brings_visits_into_the_window_and_out_of_it(field: Field) -> None:
    old, future = field.visit(planned_start=at(9, days=-6)), field.visit(planned_start=at(9, days=15))
    start = field.pull()
    assert told(start) == {str(old): "put"}
    clock.set_source(frozen_clock(MORNING + timedelta(days=2)))
    later = field.pull(start.cursor)
    assert told(later) == {str(old): "evict", str(future): "put"}
    assert field.pull(later.cursor).changes == []


def test_pull_clause_7_a_visit_is_told_in_full_from_the_evening_before(field: Field) -> None:
    field.visit(planned_start=at(9, days=1))
    start = field.pull()
    assert start.changes[0]["body"]["is_revealed"] is False
    clock.set_source(frozen_clock(at(17.9)))
    before = field.pull(start.cursor)
    assert before.changes == []
    clock.set_source(frozen_clock(at(18)))
    (change,) = field.pull(before.cursor).changes
    assert change["body"]["customer"]["name"] == "Customer"


def test_pull_clause_8_a_masked_visit_holds_nothing_of_the_customer(field: Field) -> None:
    visit = field.visit(planned_start=at(9, days=2))
    ((name, phone, address),) = field.ask(
        "select c.name, c.phone, s.address from visit v join work_order o on o.id = v.work_order_id"
        " join customer c on c.id = o.customer_id join site s on s.id = o.site_id where v.id = :id",
        id=visit,
    )
    (change,) = field.pull().changes
    body = json.dumps(change)
    assert change["body"]["customer"]["name"] == "C**"
    assert change["body"]["customer"]["phone"] == f"{phone[:4]}****{phone[-4:]}"
    assert (change["body"]["record"], change["body"]["site"]["latitude"]) == (None, None)
    assert change["body"]["problem"] is None
    assert not any(text in body for text in (name, phone, address))


def test_a_visit_in_full_says_what_the_work_needs_and_nothing_else(field: Field) -> None:
    """R-502: what is wrong; R-508: lots that failed before; S3: nothing else of the customer's file."""
    visit = field.visit()
    with db.transaction() as session:
        order = session.get_one(Visit, visit).work_order
        order.refused_part_lots = ["L-7"]
        customer = session.get_one(Customer, order.customer_id)
        customer.email, customer.tax_id, customer.notes = "canary@example.org", "CANARY-1", "canary note"
    (change,) = field.pull().changes
    body = change["body"]
    assert "canary" not in json.dumps(change).lower()
    assert body["problem"] == {"description": "", "title_en": "NO_HEAT", "title_zh": "NO_HEAT"}
    assert (body["is_repeat"], body["refused_part_lots"]) == (False, ["L-7"])


def test_pull_clause_8_a_finished_visit_is_masked_again_after_48_hours(field: Field) -> None:
    visit = field.visit()
    field.push(*field.whole_visit(visit))
    start = field.pull()
    assert start.changes[0]["body"]["is_revealed"] is True
    clock.set_source(frozen_clock(MORNING + timedelta(hours=49)))
    (change,) = field.pull(start.cursor).changes
    assert (change["body"]["is_revealed"], change["body"]["record"]) == (False, None)


def test_pull_clause_8_answers_are_masked_again_with_the_record(field: Field) -> None:
    """Free text, scans and drawn signatures among the answers are the customer's as well."""
    questions = [
        {"key": "seen", "kind": "text", "text_en": "What do you see?", "text_zh": "看到什么？"},
        {"key": "drawn", "kind": "signature", "text_en": "Signature", "text_zh": "签名"},
    ]
    with db.transaction() as session:
        titles = {"title_en": "What is there", "title_zh": "现场"}
        written = write_checklist(session, by=None, code=f"c-{uuid.uuid4()}", questions=questions, **titles)
        pins = [{"code": written.code, "revision": written.revision}]
    visit = field.visit(checklists=pins)
    answers = {"seen": "Mrs Canary let me in", "drawn": "M1 1L77 77"}
    field.push(
        *(
            field.op(protocol.ANSWER, visit, checklist=written.code, question=key, value=value)
            | {"schema": 2}
            for key, value in answers.items()
        )
    )
    field.push(*field.whole_visit(visit))
    start = field.pull()
    assert all(value in json.dumps(start.changes) for value in answers.values())
    clock.set_source(frozen_clock(MORNING + timedelta(hours=49)))
    (change,) = field.pull(start.cursor).changes
    assert change["body"]["is_revealed"] is False
    assert [one["key"] for one in change["body"]["checklists"][0]["questions"]] == list(answers)
    assert change["body"]["checklists"][0]["answers"] == []
    assert not any(value in json.dumps(change) for value in answers.values())


def test_pull_clause_9_a_cursor_is_good_for_one_technician_one_database_and_90_days(field: Field) -> None:
    own = field.pull().cursor
    other = field.colleague().pull().cursor
    position = cursors.read(own, key=KEY, technician_id=field.technician_id)
    restored = cursors.Position("another epoch", position.scope_moment, position.xid)
    from_before = cursors.write(restored, key=KEY, technician_id=field.technician_id)
    for bad in (other, from_before, own[:-3], own[3:], "AAAA", "x", own.swapcase()):
        with pytest.raises(Resync):
            field.pull(bad)
    clock.set_source(frozen_clock(MORNING + timedelta(days=91)))
    with pytest.raises(Resync):
        field.pull(own)


def test_pull_clause_9_another_secret_makes_every_cursor_foreign(field: Field) -> None:
    cursor = field.pull().cursor
    with db.transaction() as session, pytest.raises(Resync):
        pull.pull(session, field.by, cursor=cursor, key=cursors.signing_key(b"another"))


def test_pull_clause_10_nothing_outside_the_scope_is_ever_given(field: Field) -> None:
    other = field.colleague()
    own, theirs = field.visit(), other.visit()
    start = field.pull()
    scope = feed.technician_scope(field.technician_id)
    with db.transaction() as session:
        feed.announce(session, scope, "visit", theirs, version=1)
    assert set(told(start)) == {str(own)}
    assert told(field.pull(start.cursor)) == {str(theirs): "evict"}
    with db.transaction() as session, pytest.raises(DeviceNeeded):
        queries.pull(session, a_principal(Role.TECHNICIAN, technician_id=own), cursor=None, key=KEY)


def test_pull_clause_11_going_on_by_cursors_gives_the_same_as_starting_anew(field: Field) -> None:
    """Reliability P8."""
    mine = [field.visit() for _ in range(4)]
    other, phone = field.colleague(), held(field)
    cursor = field.pull().cursor
    for act in (
        lambda: field.push(*field.whole_visit(mine[0])),
        lambda: other.reassign(mine[1]),
        lambda: field.cancel(mine[2]),
        lambda: field.reassign(mine[1]),
        lambda: field.push(field.op(protocol.DECLINE, mine[3], reason="ill")),
    ):
        act()
        pulled = field.pull(cursor)
        apply(phone, pulled.changes)
        cursor = pulled.cursor
    assert phone == held(field)
    assert set(phone) == {str(mine[0]), str(mine[1])}


def test_the_phone_says_how_a_marked_customer_is_served_and_helped_to_pay(field: Field) -> None:
    """R-106: in both languages, and nothing of the kind about anybody else."""
    visit = field.visit()
    assert held(field)[str(visit)]["customer"]["care"] is None
    with db.transaction() as session:
        order = session.get_one(Visit, visit).work_order
        session.get_one(Customer, order.customer_id).needs_home_service = True
    care = held(field)[str(visit)]["customer"]["care"]
    assert "help to pay at the door in cash or by card" in care["en"]
    assert "当面协助付款（现金或刷卡）" in care["zh"]


def test_the_phone_shows_whom_to_speak_with(field: Field) -> None:
    """R-103: with the customer's own order number, while the customer is told in full."""
    visit = field.visit()
    body = held(field)[str(visit)]
    assert (body["contact"], body["customer_reference"]) == (None, None)
    with db.transaction() as session:
        order = session.get_one(Visit, visit).work_order
        customer = session.get_one(Customer, order.customer_id)
        li = Person(name="Li", role="caretaker", phone="+358501112222", email="li@example.org")
        contact = add_contact(session, by=None, customer=customer, person=li)
        site = session.get_one(Site, order.site_id)
        order.call_id = a_call(session, site=site, contact_id=contact.id).id
        order.customer_reference = "PO-4711"
    body = held(field)[str(visit)]
    assert body["contact"] == {"name": "Li", "role": "caretaker", "phone": "+358501112222"}
    assert body["customer_reference"] == "PO-4711"
