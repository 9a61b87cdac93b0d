"""Clauses Record 1 to 5 of docs/reference/sync.md: phone and server show the same record (R-509)."""

from __future__ import annotations

import hashlib
import json
import uuid
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dispatch import clock, db
from dispatch.sync import protocol
from tests import builders
from tests.builders import frozen_clock
from tests.dispatch.sync.field import FINDINGS, SIGNED, Field, results

WORDS = st.text(
    st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("\n\t é漢ẞ\u202e🔧"),
    min_size=1,
    max_size=20,
)
PROSE = WORDS.filter(lambda words: bool(words.strip()))
LINE = PROSE.filter(lambda words: not set(words) & set("\n\t"))
FOUND = st.fixed_dictionaries(
    {"fault": PROSE, "cause": WORDS, "action": PROSE, "is_solved": st.booleans()},
    optional={
        "is_tested": st.booleans(),
        "use_explained": st.booleans(),
        "advised": st.lists(LINE, max_size=3),
        "documents_handed_over": st.lists(LINE, max_size=2),
        "measurements": st.lists(
            st.fixed_dictionaries({"name": LINE, "value": LINE}, optional={"unit": LINE}), max_size=2
        ),
    },
)
FITTED = st.fixed_dictionaries(
    {"direction": st.sampled_from(["in", "out"]), "quantity": st.just(1)},
    optional={"serial": st.none() | LINE, "lot": LINE},
)


def shown_to_sign(field: Field, visit: uuid.UUID, ops: list[dict[str, Any]], times: dict[str, Any]) -> Any:
    """The signature under the record as pulled with these operations on top."""
    shown = protocol.shown_after(field.record_of(visit), ops, times)
    return field.op(
        protocol.SIGN,
        visit,
        **{**SIGNED, "times": times},
        shown_sha256=protocol.record_digest(shown),
    )


def test_record_clause_1_the_hash_is_over_sorted_json_without_blanks() -> None:
    shown = {"b": [1, None, True], "a": '漢 "x"\n'}
    assert protocol.canonical(shown) == '{"a":"漢 \\"x\\"\\n","b":[1,null,true]}'
    expected = hashlib.sha256('{"a":"漢 \\"x\\"\\n","b":[1,null,true]}'.encode()).hexdigest()
    assert protocol.record_digest(shown) == expected


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(found=FOUND, fitted=st.lists(FITTED, max_size=3))
def test_record_clause_2_phone_and_server_agree_on_whatever_is_found_and_fitted(
    field: Field, found: dict[str, Any], fitted: list[dict[str, Any]]
) -> None:
    clock.set_source(frozen_clock())
    with db.transaction() as session:
        skus = [builders.a_part(session).sku for _ in fitted]
    fresh = Field.prepared()
    visit = fresh.visit()
    begun = [fresh.op(kind, visit) for kind in (protocol.TRAVEL, protocol.ARRIVE, protocol.START)]
    ops = [fresh.op(protocol.FINDING, visit, **found)]
    ops += [
        fresh.op(protocol.PART, visit, sku=sku, **part)
        for sku, part in zip(reversed(skus), fitted, strict=True)
    ]
    sign = shown_to_sign(fresh, visit, ops, {})
    told = results(fresh.push(*begun, *ops, sign))
    assert told == ["applied"] * len(told)


def test_record_clause_3_parts_are_sorted_and_have_all_their_fields(field: Field) -> None:
    visit = field.visit()
    with db.transaction() as session:
        low, high = sorted(builders.a_part(session).sku for _ in range(2))
    ops = [
        field.op(protocol.PART, visit, sku=high, direction="out", quantity=1, serial=" S1 "),
        field.op(protocol.PART, visit, sku=low, direction="in", quantity=3, lot="L1"),
        field.op(protocol.PART, visit, sku=low, direction="in", quantity=1, lot="L1"),
    ]
    expected = protocol.shown_after(field.record_of(visit), ops, {})["parts"]
    field.push(*ops)
    assert field.record_of(visit)["parts"] == expected
    assert expected[0] == {"sku": low, "direction": "in", "quantity": 1, "serial": "", "lot": "L1"}
    assert expected[2]["serial"] == "S1"


@pytest.mark.parametrize(("amount", "minor"), [("12.5", 1250), ("0.07", 7), ("100", 10_000)])
def test_record_clause_4_what_the_customer_agreed_to_is_shown(field: Field, amount: str, minor: int) -> None:
    visit = field.visit()
    agreed = {"amount": amount, "currency": "EUR", "approved_by_name": " Ann ", "method": "phone"}
    ops = [field.op(protocol.APPROVAL, visit, **agreed)]
    shown = protocol.shown_after(field.record_of(visit), ops, {})
    assert shown["approvals"] == [{"amount_minor": minor, "currency": "EUR", "by": "Ann"}]
    assert results(field.push(*ops, shown_to_sign(field, visit, ops, {}))) == ["applied", "applied"]


def test_record_clause_5_the_times_are_those_that_the_phone_showed(field: Field) -> None:
    visit = field.visit()
    begun = [field.op(kind, visit) for kind in (protocol.TRAVEL, protocol.ARRIVE, protocol.START)]
    found = field.op(protocol.FINDING, visit, **FINDINGS)
    times = {"arrived_at": "2016-01-01T09:00:00Z", "started_at": None}
    sign = shown_to_sign(field, visit, [found], times)
    assert results(field.push(*begun, found, sign))[-1] == "applied"
    ((shown,),) = field.ask("select shown from service_report where visit_id = :id", id=visit)
    assert json.loads(shown)["times"] == times
