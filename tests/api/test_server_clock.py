"""The server's clock runs three days ahead and back (row 9): what has a term keeps it, numbers go on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from dispatch import clock, db, outbox, scheduling
from dispatch.access.rules import Role
from dispatch.sweeping import overdue
from tests.api.company import ClientFor, Company
from tests.api.in_the_field import a_visit, asked, results, signed_in
from tests.money_world import a_tariff, a_verified_order, invoiced

AHEAD = timedelta(days=3)


@pytest.fixture
def offset() -> Iterator[list[timedelta]]:
    """How far the server's clock is off; replace the only element to set it."""
    off = [timedelta(0)]
    clock.set_source(lambda: datetime.now(UTC) + off[0])
    yield off
    clock.set_source(None)


def an_invoice() -> int:
    """Issue one; its number."""
    with db.transaction() as session:
        [invoice] = invoiced(session, a_verified_order(session))
        return int(invoice.number.rpartition("-")[2])


def keys() -> list[str]:
    """Runs that the scheduler wrote, by business key."""
    return [key for (key,) in asked("select key from job_run where key like '%:%-%' order by key")]


def test_leases_logins_and_numbers_are_unharmed_by_a_clock_three_days_ahead_and_back(
    company: Company, client_for: ClientFor, offset: list[timedelta]
) -> None:
    """Row 9: leases and logins live by the database's clock; no number is missing, no day runs twice."""
    admin, phone = client_for(Role.ADMIN), signed_in(company)
    visit_id = a_visit(company)
    phone.pull()
    with db.transaction() as session:
        a_tariff(session)
        run_id = outbox.request(session, "billing.settle", key="long", payload={})
    lease = outbox.take(run_id)
    assert lease is not None
    numbers = [an_invoice()]
    scheduling.tick()
    for off in (AHEAD, timedelta(0)):
        offset[0] = off
        assert outbox.take(run_id) is None
        assert admin.get("/v1/users").status_code == 200
        phone.record("visit.accept" if off else "visit.travel", visit_id=visit_id)
        phone.push()
        phone.pull()
        numbers.append(an_invoice())
        scheduling.tick()
        scheduling.tick()
    lease.heartbeat()
    first = numbers[0]
    assert numbers == [first, first + 1, first + 2]
    assert results(phone) == ["applied"] * 2
    with db.transaction() as session:
        assert session.query(outbox.JobRun).filter(overdue(3600), outbox.JobRun.id == run_id).count() == 0
    assert len(keys()) == len(set(keys()))
    phone.close()
