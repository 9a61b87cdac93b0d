"""The customer's link: one visit for whoever holds it, nothing for whoever guesses (R-309)."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.promises import linking
from dispatch.promises.rules import LinkInvalid, LinkOver
from tests.dispatch.conftest import MovableClock

KEY = linking.signing_key(b"a secret of tests")
NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
VISIT = uuid.UUID(int=7)


def test_a_link_names_its_visit_until_it_ends(now: MovableClock) -> None:
    token = linking.write(VISIT, key=KEY, now=NOW)
    assert linking.read(token, key=KEY) == VISIT
    now.set(NOW + linking.GOOD_FOR - timedelta(seconds=1))
    assert linking.read(token, key=KEY) == VISIT
    now.set(NOW + linking.GOOD_FOR)
    with pytest.raises(LinkOver):
        linking.read(token, key=KEY)


def test_a_link_of_another_installation_is_none(now: MovableClock) -> None:
    token = linking.write(VISIT, key=linking.signing_key(b"another secret"), now=NOW)
    with pytest.raises(LinkInvalid):
        linking.read(token, key=KEY)


@given(at=st.integers(0, 48), bit=st.integers(0, 7))
def test_a_link_with_any_bit_changed_is_none(at: int, bit: int) -> None:
    import base64

    token = linking.write(VISIT, key=KEY, now=datetime.now(UTC))
    raw = bytearray(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    raw[at % len(raw)] ^= 1 << bit
    changed = base64.urlsafe_b64encode(bytes(raw)).rstrip(b"=").decode()
    with pytest.raises(LinkInvalid):
        linking.read(changed, key=KEY)


@given(token=st.text(max_size=120))
def test_any_other_text_is_no_link(token: str) -> None:
    with pytest.raises(LinkInvalid):
        linking.read(token, key=KEY)
