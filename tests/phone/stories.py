"""Stories of a desk and its technicians' phones, each judged at its end."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from dispatch import clock, db, outbox
from dispatch.bootstrap import JOBS, SUBSCRIPTIONS
from tests.phone.machine import SyncMachine
from tests.services import TestServices

EXAMPLES = int(os.environ.get("TRUCKROLL_SYNC_EXAMPLES", "50"))
STEPS = int(os.environ.get("TRUCKROLL_SYNC_STEPS", "50"))
PARTS = range(int(os.environ.get("TRUCKROLL_SYNC_PARTS", "3")))
"""Of each of the two files: six times fifty stories of fifty steps."""
PHASES = [Phase.explicit, Phase.generate] + ([Phase.shrink] if "TRUCKROLL_SYNC_SHRINK" in os.environ else [])
SEED = int(os.environ.get("TRUCKROLL_SYNC_SEED", "20261129"))


@contextmanager
def database_of_stories(services: TestServices) -> Iterator[None]:
    """A database that all stories of a test share, as a company's phones do."""
    address = services.new_database()
    engine = db.connect(address, pool_size=5)
    db.configure(db.sessions(engine))
    outbox.register(JOBS, SUBSCRIPTIONS)
    try:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as SyncMachine.reader:
            yield
    finally:
        clock.set_source(None)
        engine.dispose()
        services.drop_database(address)


def stories_judged(first_seed: int) -> int:
    """
    Tell and judge as many stories as the environment asks for, always the same ones of a seed.

    The first that breaks a property is raised; returned is how many were judged to their end.
    """
    SyncMachine.judged = 0
    run_state_machine_as_test(
        seed(first_seed)(SyncMachine),
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            phases=PHASES,
            suppress_health_check=list(HealthCheck),
        ),
    )
    return SyncMachine.judged
