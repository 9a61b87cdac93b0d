"""P1 to P18 as a state machine against a real database; `make campaign-sync` runs it for longer."""

from __future__ import annotations

import pytest

from tests.phone.stories import EXAMPLES, PARTS, SEED, database_of_stories, stories_judged
from tests.services import TestServices


@pytest.mark.slow
@pytest.mark.parametrize("part", PARTS)
def test_every_property_holds_whatever_happens_in_whatever_order(services: TestServices, part: int) -> None:
    with database_of_stories(services):
        assert stories_judged(SEED + 2 * part) >= EXAMPLES
