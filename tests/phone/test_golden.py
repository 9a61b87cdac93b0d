"""What phones of every schema ever shipped have recorded is read for ever (Identity 3, reliability §2.8)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from dispatch import clock, db, outbox
from dispatch.bootstrap import JOBS, SUBSCRIPTIONS
from dispatch.sync import protocol
from tests.phone import golden

KEPT = golden.kept()


@pytest.fixture(autouse=True)
def _committed(database_url: str) -> Iterator[None]:
    engine = db.connect(database_url)
    db.configure(db.sessions(engine))
    outbox.register(JOBS, SUBSCRIPTIONS)
    yield
    clock.set_source(None)
    outbox.register((), {})
    engine.dispose()


def kinds_of(corpus: dict[str, Any]) -> set[str]:
    """Operation kinds of which one at least was applied."""
    return {
        op["type"]
        for one in corpus["batches"]
        for op, receipt in zip(one["batch"]["ops"], one["receipts"], strict=True)
        if receipt["result"] == protocol.APPLIED
    }


def test_every_schema_has_a_corpus_and_every_operation_kind_is_in_the_newest() -> None:
    """Identity 3: push takes every version ever shipped; a kind that is added is recorded."""
    assert set(KEPT) == protocol.PUSH_SCHEMAS
    assert protocol.TYPES - kinds_of(KEPT[protocol.SCHEMA]) == set()
    assert {
        op["schema"] for one in KEPT.values() for told in one["batches"] for op in told["batch"]["ops"]
    } == set(KEPT)


@pytest.mark.parametrize("schema", sorted(KEPT))
def test_identity_clause_3_what_a_phone_of_any_schema_recorded_is_decided_as_it_was(schema: int) -> None:
    """Row 11, §2.8: the recorded batches, their receipts, what they leave; more may be told, not less."""
    corpus = KEPT[schema]
    receipts, state = golden.replayed(corpus)
    for one, now in zip(corpus["batches"], receipts, strict=True):
        for then, told in zip(one["receipts"], now, strict=True):
            assert golden.is_still_told(then, told), (then, told)
    assert state == corpus["state"]


@pytest.mark.parametrize("schema", sorted(KEPT))
def test_identity_clause_3_recorded_batches_sent_again_have_no_other_effect(schema: int) -> None:
    """P1, P3: the whole corpus twice."""
    corpus = KEPT[schema]
    twice = corpus | {"batches": [one for one in corpus["batches"] for _ in range(2)]}
    receipts, state = golden.replayed(twice)
    assert receipts[::2] == receipts[1::2]
    assert state == corpus["state"]


def test_schemas_differ_in_what_they_can_say_alone() -> None:
    """P17: the same day in every schema leaves the same but for the danger that schema 1 could not mark."""
    first, newest = KEPT[protocol.FIRST_SCHEMA]["state"], KEPT[protocol.SCHEMA]["state"]
    assert {name for name in newest if first[name] != newest[name]} == {"advice"}


def test_what_is_told_less_or_otherwise_is_noticed() -> None:
    told = {"result": "applied", "effect": {"left": [1, 2]}}
    assert golden.is_still_told(told, told | {"more": True})
    for less in ({"result": "rejected", "effect": {"left": [1, 2]}}, {"result": "applied"}):
        assert not golden.is_still_told(told, less)
    assert not golden.is_still_told(told, {"result": "applied", "effect": {"left": [1]}})
