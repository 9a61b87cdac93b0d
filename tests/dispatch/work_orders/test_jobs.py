"""Seats that nobody took are given up by the real job."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import text

from dispatch import clock, db, outbox, queue
from dispatch.work_orders import crews
from tests.builders import at
from tests.dispatch.work_orders.test_crews import a_crew
from tests.job_stage import Stage
from tests.planning_world import register_kinds

REFUSES = """
    create function refuse_one() returns trigger language plpgsql as
        $$ begin if old.id = '{visit_id}' then raise 'not this one'; end if; return new; end $$;
    create trigger refuse_one before update on visit for each row execute function refuse_one()
"""


@pytest.fixture
def night(database_url: str) -> Iterator[Stage]:
    """The night after the test day, without a queue server."""
    engine = db.connect(database_url)
    db.configure(db.sessions(engine))
    queue.configure(None)
    register_kinds()
    clock.set_source(lambda: at(17) + crews.PATIENCE + timedelta(hours=1))
    yield Stage(engine)
    clock.set_source(None)
    outbox.register((), {})
    engine.dispose()


def test_a_crew_that_cannot_be_released_holds_no_other_back(night: Stage) -> None:
    """R-203: each crew is released in a transaction of its own; the run that failed for one comes again."""
    with db.transaction() as session:
        found = [a_crew(session, "done", "accepted") for _ in range(3)]
        members = [str(member.id) for _, member in found]
    with night.engine.begin() as connection:
        connection.execute(text(REFUSES.format(visit_id=members[1])))
    [run_id] = night.request("work_orders.release_seats", "tonight")
    outbox.perform(run_id)
    states = dict(night.ask("select id::text, state from visit where leader_id is not null"))
    assert [states[one] for one in members] == ["cancelled", "accepted", "cancelled"]
    assert (night.run(run_id)["state"], night.run(run_id)["attempt"]) == ("ready", 1)
    night.tell("drop trigger refuse_one on visit")
    night.make_due()
    outbox.perform(run_id)
    assert (night.run(run_id)["state"], night.run(run_id)["result"]) == ("done", {"released": 1})
    assert night.ask("select count(*) from visit where state = 'accepted'") == [(0,)]
