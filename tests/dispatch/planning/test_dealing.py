"""Scarce pieces of the store, dealt to the vans of those who can use them (R-511)."""

from __future__ import annotations

import itertools
import random
import uuid
from collections import Counter

import pytest

from dispatch.planning.dealing import Demand, deal


@pytest.mark.parametrize("seed", range(10))
def test_dealt_pieces_serve_as_many_visits_as_the_vans_can(seed: int) -> None:
    """R-511: one piece for each visit, against every way to send the visits; no more than the store has."""
    chance = random.Random(seed)
    crew = [uuid.UUID(int=number) for number in range(3)]
    held = {who: chance.randint(0, 1) for who in crew}
    wanted = [
        Demand({"P": 1}, frozenset(chance.sample(crew, chance.randint(1, 2))))
        for _ in range(chance.randint(1, 4))
    ]
    pieces = chance.randint(0, 3)
    given = deal("P", pieces, held, wanted)
    assert sum(given.values()) == pieces
    ways = [Counter(way) for way in itertools.product(*(sorted(one.able) for one in wanted))]
    best = max(
        sum(min(count, held[who]) for who, count in way.items())
        + min(pieces, sum(max(0, count - held[who]) for who, count in way.items()))
        for way in ways
    )
    served = max(sum(min(count, held[who] + given[who]) for who, count in way.items()) for way in ways)
    assert served >= best - 1
    assert not given.keys() - {who for one in wanted for who in one.able}
