"""What tests of jobs share: a database with test handlers, questions to it, and waiting with a deadline."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from sqlalchemy import Engine, text

from dispatch import db, outbox, queue
from dispatch.outbox import Timing
from tests.job_handlers import JOBS, QUICK, TABLES

Answer = TypeVar("Answer")


class Stage:
    """One database whose jobs are the test's own."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def ask(self, question: str, **values: Any) -> list[tuple[Any, ...]]:
        """Rows of a query."""
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(question), values)]

    def tell(self, statement: str, **values: Any) -> None:
        """Change something and commit."""
        with self.engine.begin() as connection:
            connection.execute(text(statement), values)

    def request(self, kind: str, *keys: str, **payload: Any) -> list[str]:
        """Write runs as a command would, one transaction each; return their ids."""
        ids = []
        for key in keys:
            with db.transaction() as session:
                ids.append(str(outbox.request(session, kind, key, payload)))
        return ids

    def run(self, run_id: str) -> dict[str, Any]:
        """One run as it stands."""
        with self.engine.connect() as connection:
            row = connection.execute(text("select * from job_run where id = :id"), {"id": run_id}).one()
            return dict(row._mapping)

    def states(self) -> dict[str, int]:
        """How many runs are in which state."""
        return dict(self.ask("select state, count(*) from job_run group by state"))

    def effects(self) -> dict[str, int]:
        """How often each key took effect."""
        return dict(self.ask("select key, count(*) from effect group by key"))

    def lapse(self, run_id: str) -> None:
        """Let the lease of a run end now."""
        self.tell("update job_run set lease_until = now() - interval '1 second' where id = :id", id=run_id)

    def clear(self) -> None:
        """Empty the tables that tests of jobs write."""
        self.tell("truncate job_run, schedule, simulated_clock, effect, begun, gate")

    def make_due(self) -> None:
        """End every pause, so that failed runs may be taken at once."""
        self.tell("update job_run set ready_at = now() where state = 'ready'")


def make_tables(url: str) -> None:
    """Add the test handlers' tables to a migrated database."""
    engine = db.connect(url)
    with engine.begin() as connection:
        for table in TABLES.strip().splitlines():
            connection.execute(text(table))
    engine.dispose()


@contextmanager
def staged(url: str, redis_url: str | None, timing: Timing = QUICK) -> Iterator[Stage]:
    """Wire this process to a database, a queue and the test handlers."""
    engine = db.connect(url)
    db.configure(db.sessions(engine))
    queue.configure(redis_url)
    outbox.register(JOBS, {}, timing=timing)
    stage = Stage(engine)
    try:
        yield stage
    finally:
        queue.configure(None)
        outbox.register((), {})
        engine.dispose()


def wait_for(what: Callable[[], Answer], seconds: float = 15.0) -> Answer:
    """Ask again and again until the answer is true; fail at the deadline."""
    end = time.monotonic() + seconds
    while not (answer := what()):
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s")
        time.sleep(0.03)
    return answer
