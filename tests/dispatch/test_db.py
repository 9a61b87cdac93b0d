"""Identifiers made by the application itself."""

from __future__ import annotations

from dispatch.db import new_id


def test_ids_made_in_turn_sort_in_turn() -> None:
    """RFC 9562 §6.2: also those of one millisecond."""
    made = [new_id() for _ in range(5000)]
    assert made == sorted(made)
    assert len(set(made)) == 5000
    assert {(one.version, one.variant) for one in made} == {(7, "specified in RFC 4122")}
