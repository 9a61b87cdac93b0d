"""P1 to P18 as a state machine against a real database; `make campaign-sync` runs it for longer."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from dispatch import clock, db, outbox
from dispatch.bootstrap import JOBS, SUBSCRIPTIONS
from tests.phone.machine import SyncMachine
from tests.services import TestServices

EXAMPLES = int(os.environ.get("TRUCKROLL_SYNC_EXAMPLES", "24"))
STEPS = int(os.environ.get("TRUCKROLL_SYNC_STEPS", "50"))
PHASES = [Phase.explicit, Phase.generate] + ([Phase.shrink] if "TRUCKROLL_SYNC_SHRINK" in os.environ else [])
SEED = int(os.environ.get("TRUCKROLL_SYNC_SEED", "20261129"))


@pytest.fixture
def _database(services: TestServices) -> Iterator[None]:
    address = services.new_database()
    engine = db.connect(address, pool_size=5)
    db.configure(db.sessions(engine))
    outbox.register(JOBS, SUBSCRIPTIONS)
    yield
    clock.set_source(None)
    engine.dispose()
    services.drop_database(address)


@pytest.mark.slow
@pytest.mark.usefixtures("_database")
def test_every_property_holds_whatever_happens_in_whatever_order() -> None:
    SyncMachine.judged = 0
    run_state_machine_as_test(
        seed(SEED)(SyncMachine),
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            phases=PHASES,
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert SyncMachine.judged >= EXAMPLES
