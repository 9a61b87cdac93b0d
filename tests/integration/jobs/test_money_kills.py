"""Workers die while they settle and invoice: 0 lost, 0 doubled, no number burnt (R-602, reliability §4)."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dispatch import clock, db, outbox, queue
from dispatch.bootstrap import JOBS
from dispatch.events import VisitVerified
from tests.builders import a_technician, a_territory, frozen_clock
from tests.integration.jobs.conftest import MortalValkey
from tests.integration.jobs.money_program import FOLLOWERS
from tests.integration.jobs.nursery import Nursery, nursery
from tests.integration.jobs.workers import Start, workers
from tests.invariants import broken
from tests.job_handlers import QUICK
from tests.job_stage import Stage, wait_for
from tests.money_world import a_tariff, a_verified_order

pytestmark = [pytest.mark.kill, pytest.mark.slow]

POINTS = (
    "settle.before_begin",
    "settle.before_commit",
    "settle.after_commit",
    "issue.before_begin",
    "issue.after_number",
    "issue.before_commit",
    "issue.after_commit",
)


@pytest.fixture(scope="module")
def programs() -> Iterator[Nursery]:
    """Where workers of the money come from."""
    with nursery("tests.integration.jobs.money_program") as ready:
        yield ready


@pytest.fixture
def books(database_url: str, valkey: MortalValkey) -> Iterator[Stage]:
    """A company with a tariff, and this process wired to record events as an API server does."""
    engine = db.connect(database_url)
    db.configure(db.sessions(engine))
    queue.configure(valkey.url)
    outbox.register(JOBS, FOLLOWERS, timing=QUICK)
    clock.set_source(frozen_clock())
    with db.transaction() as session:
        a_tariff(session)
    yield Stage(engine)
    clock.set_source(None)
    queue.configure(None)
    outbox.register((), {})
    engine.dispose()


@pytest.fixture
def start(database_url: str, valkey: MortalValkey, programs: Nursery, tmp_path: Path) -> Iterator[Start]:
    """Starts workers with the billing jobs; ``crash_at`` arms one place, to go off once."""
    settings = {
        "DATABASE_URL": database_url,
        "REDIS_URL": valkey.url,
    }
    with workers(programs, tmp_path, settings, each_dies=True) as start_one:
        yield start_one


def verified(count: int) -> None:
    """Verified orders whose settlement is asked for, one transaction each."""
    with db.transaction() as session:
        place = a_territory(session)
        who = a_technician(session, territory=place)
    for _ in range(count):
        with db.transaction() as session:
            order = a_verified_order(session, territory=place, technician=who)
            event = VisitVerified(visit_id=str(order.visits[0].id), work_order_id=str(order.id))
            outbox.record(session, event)


def all_invoiced(books: Stage, count: int) -> bool:
    """Whether every order is invoiced and no run waits."""
    done = books.ask("select count(*) from work_order where state = 'invoiced'") == [(count,)]
    return done and books.states() == {"done": 2 * count}


def assert_in_order(books: Stage, count: int) -> None:
    """Settled once, invoiced once, numbers exactly 1..n, nothing parked, every sum right."""
    assert books.states() == {"done": 2 * count}
    settlements = "select state, count(*), count(distinct work_order_id) from settlement group by state"
    assert books.ask(settlements) == [("invoiced", count, count)]
    assert books.ask("select ordinal from invoice order by ordinal") == [(n + 1,) for n in range(count)]
    assert books.ask("select count(distinct work_order_id) from invoice") == [(count,)]
    assert books.ask("select next_number from number_series") == [(count + 1,)]
    assert books.ask("select state, count(*) from visit group by state") == [("closed", count)]
    with books.engine.connect() as connection:
        assert broken(connection) == {}


@pytest.mark.parametrize("point", POINTS)
def test_a_death_at_any_commit_point_loses_and_doubles_nothing(
    books: Stage, start: Start, tmp_path: Path, point: str
) -> None:
    """First worker and work-horse die together, then a horse of their successor dies alone, both here."""
    verified(2)
    doomed = start(point)
    wait_for((tmp_path / f"0.{point}").exists, seconds=30)
    doomed.kill()
    doomed.wait()
    verified(1)
    survivor = start(point)
    wait_for(lambda: all_invoiced(books, 3), seconds=30)
    assert (tmp_path / f"1.{point}").exists()
    assert survivor.poll() is None
    assert_in_order(books, 3)


def children(pid: int) -> list[int]:
    """Process ids of a worker's work-horses."""
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def test_random_deaths_of_horses_and_workers_leave_the_books_in_order(books: Stage, start: Start) -> None:
    """Twenty orders under fire: a kill every few hundredths of a second, a worker among twelve."""
    chance = random.Random(20260302)
    workers = [start(), start()]
    verified(20)
    kills = {"horse": 0, "worker": 0}
    end = time.monotonic() + 6
    while not all_invoiced(books, 20) and time.monotonic() < end:
        time.sleep(chance.uniform(0.05, 0.35))
        worker = chance.choice(workers)
        if chance.random() < 1 / 12:
            worker.kill()
            worker.wait()
            workers[workers.index(worker)] = start()
            kills["worker"] += 1
        elif horses := children(worker.pid):
            try:
                os.kill(horses[0], signal.SIGKILL)
                kills["horse"] += 1
            except ProcessLookupError:
                continue
    wait_for(lambda: all_invoiced(books, 20), seconds=45)
    assert kills["horse"] > 0
    assert_in_order(books, 20)
