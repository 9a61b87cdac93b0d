"""P1 to P18 as a state machine against a real database; `make campaign-sync` runs it for longer."""

from __future__ import annotations

import pytest

from tests.phone.stories import EXAMPLES, SEED, database_of_stories, stories_judged
from tests.services import TestServices


@pytest.mark.slow
def test_every_property_holds_whatever_happens_in_whatever_order(services: TestServices) -> None:
    with database_of_stories(services):
        assert stories_judged(SEED) >= EXAMPLES
