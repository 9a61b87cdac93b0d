"""The committed test vectors are what the reference client computes; another client is held to them too."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from tests.phone import vectors

KEPT: dict[str, Any] = json.loads(vectors.PAGE.read_text(encoding="utf-8"))


def test_the_vectors_are_those_of_the_reference_client() -> None:
    assert vectors.made() == KEPT, "run python -m tests.phone.vectors"


@pytest.mark.parametrize("overlay", KEPT["overlays"], ids=lambda one: f"{one['name']}-{one['acked_seq']}")
def test_a_hash_is_that_of_the_canonical_text(overlay: dict[str, Any]) -> None:
    """Record 1: sorted keys, no blanks, UTF-8; written here by other means than in the product."""
    text = json.dumps(overlay["shown"], sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    assert hashlib.sha256(text.encode("utf-8")).hexdigest() == overlay["shown_sha256"]


def test_every_operation_that_changes_a_record_is_in_a_vector() -> None:
    told = {op["type"] for overlay in KEPT["overlays"] for op in overlay["operations"]}
    assert {"finding.void", "part.void", "contact.propose"} <= told
    assert {"finding.add", "part.add", "approval.add", "checklist.answer", "consent.add"} <= told
    assert len({overlay["shown_sha256"] for overlay in KEPT["overlays"]}) >= 12


def test_acknowledged_operations_are_not_laid_on_top_again() -> None:
    for overlay in KEPT["overlays"]:
        if overlay["acked_seq"] == len(overlay["operations"]):
            assert overlay["shown"] == KEPT["record"] | {
                "parts": overlay["shown"]["parts"],
                "times": overlay["times"],
            }
            assert overlay["state"] == "published"
