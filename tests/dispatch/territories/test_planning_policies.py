"""The policies that a territory may name are those of the planning engine."""

from __future__ import annotations

from dispatch.territories.rules import PLANNING_POLICIES
from optimizer.policy import policies


def test_the_names_are_those_of_the_engine() -> None:
    assert set(PLANNING_POLICIES) == set(policies())
