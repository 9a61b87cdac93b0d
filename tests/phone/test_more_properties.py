"""The other half of the stories: test files are shared out over workers, so two of them judge at once."""

from __future__ import annotations

import pytest

from tests.phone.stories import EXAMPLES, PARTS, SEED, database_of_stories, stories_judged
from tests.services import TestServices


@pytest.mark.slow
@pytest.mark.parametrize("part", PARTS)
def test_every_property_holds_in_other_stories(services: TestServices, part: int) -> None:
    with database_of_stories(services):
        assert stories_judged(SEED + 1 + 2 * part) >= EXAMPLES
