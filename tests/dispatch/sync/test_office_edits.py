"""What the office corrects in a customer's file reaches the phones that show it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import select

from dispatch import db, outbox
from dispatch.customers import commands as customers
from dispatch.customers.model import Asset, Customer, Site
from dispatch.outbox import JobRun
from dispatch.work_orders.model import Visit
from tests.dispatch.sync.field import Field

KIND = "work_orders.tell_phones"


def corrected(field: Field, visit: uuid.UUID, what: str, changes: Mapping[str, Any]) -> int:
    """The office corrects a file, and its jobs are done; how many there were."""
    with db.transaction() as session:
        order = session.get_one(Visit, visit).work_order
        if what == "customer":
            customer = session.get_one(Customer, order.customer_id)
            customers.update_customer(session, by=field.desk, customer=customer, changes=changes)
        elif what == "asset":
            asset = session.get_one(Asset, order.asset_id)
            customers.update_asset(session, by=field.desk, asset=asset, changes=changes)
        else:
            site = session.get_one(Site, order.site_id)
            customers.update_site(session, by=field.desk, site=site, changes=changes)
    with db.transaction() as session:
        waiting = list(session.scalars(select(JobRun.id).where(JobRun.kind == KIND, JobRun.state == "ready")))
    for run_id in waiting:
        outbox.perform(str(run_id))
    return len(waiting)


def news(field: Field, visit: uuid.UUID, cursor: str) -> dict[str, Any]:
    """What a pull tells of the visit."""
    (change,) = [one for one in field.pull(cursor).changes if one["id"] == str(visit)]
    body: dict[str, Any] = change["body"]
    return body


@pytest.mark.parametrize(
    ("what", "changes", "place"),
    [
        ("customer", {"phone": "+358407654321"}, ("customer", "phone")),
        ("site", {"access_notes": "ring twice"}, ("site", "access_notes")),
        ("asset", {"serial": "S-77"}, ("asset", "serial")),
    ],
)
def test_pull_clause_16_a_corrected_file_comes_with_the_next_pull(
    field: Field, what: str, changes: Mapping[str, Any], place: tuple[str, str]
) -> None:
    visit, other = field.visit(), field.visit()
    cursor = field.pull().cursor
    assert corrected(field, visit, what, changes) == 1
    said = news(field, visit, cursor)[place[0]][place[1]]
    assert said == next(iter(changes.values()))
    assert [one["id"] for one in field.pull(cursor).changes] == [str(visit)]
    assert str(other) not in {one["id"] for one in field.pull(cursor).changes}


def test_pull_clause_16_each_correction_is_told_and_none_that_changes_nothing(field: Field) -> None:
    visit = field.visit()
    assert corrected(field, visit, "site", {"access_notes": "ring twice"}) == 1
    cursor = field.pull().cursor
    assert corrected(field, visit, "site", {"access_notes": "ring twice"}) == 0
    assert field.pull(cursor).changes == []
    assert corrected(field, visit, "site", {"access_notes": "knock"}) == 1
    assert news(field, visit, cursor)["site"]["access_notes"] == "knock"


def test_pull_clause_16_a_phone_that_holds_nothing_of_the_customer_hears_nothing(field: Field) -> None:
    visit, colleague = field.visit(), field.colleague()
    cursor = colleague.pull().cursor
    assert corrected(field, visit, "customer", {"name": "Another"}) == 1
    assert colleague.pull(cursor).changes == []
