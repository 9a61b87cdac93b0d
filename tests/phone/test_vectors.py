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
    assert {"approval.void", "consent.void", "attachment.void"} <= told
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


@pytest.mark.parametrize("vector", KEPT["receipts"], ids=lambda one: one["name"])
def test_a_receipts_number_follows_from_its_operation(vector: dict[str, Any]) -> None:
    """Receipt 1, by other means than in the product."""
    operation, receipt = vector["operation"], vector["receipt"]
    if vector["name"] in {"nothing", "no amount", "no way to pay"}:
        assert receipt is None
        return
    words = f"truckroll-receipt-v1\n{operation['install_epoch']}\n{operation['op_id']}"
    mark = hashlib.sha256(words.encode()).hexdigest()[:12].upper()
    assert receipt["number"] == f"PR-{mark[:4]}-{mark[4:8]}-{mark[8:]}"
    for language, title in (("en", "Provisional receipt"), ("zh", "临时收据")):
        lines = receipt["lines"][language]
        assert lines[0] == f"{title} {receipt['number']}"
        assert any(str(operation["payload"]["amount"]).split(".")[0] in line for line in lines[1:])


def test_what_is_left_to_pay_is_the_agreed_sum_with_tax_less_what_was_paid() -> None:
    """Receipt 2: 107.00 and 24 % are 132.68; of the approved 200.00 they make 248.00."""
    left = {one["name"]: one["receipt"]["left_minor"] for one in KEPT["receipts"] if one["receipt"]}
    assert left == {
        "cash with tax": 8_268,
        "all that is left": 0,
        "after another one here": 8_268,
        "beyond an approval": 24_799,
        "another currency": None,
        "nothing was estimated": None,
        "what was paid is not shown": None,
        "no rate is known": None,
    }


def test_what_is_taken_back_is_not_shown() -> None:
    """Record 10, Conflict 24: before the office has heard of any of it."""
    last = {one["name"]: one for one in KEPT["overlays"] if one["acked_seq"] == 0}
    assert last["approvals are taken back"]["shown"]["approvals"] == [
        {"amount_minor": 18_050, "currency": "EUR", "by": "B"}
    ]
    assert last["consents are taken back"]["shown"]["consents"] == []
    photograph = last["a photograph is taken back"]
    assert [one["question"] for one in photograph["shown"]["answers"]] == ["flue", "leak"]
    assert (photograph["files"], photograph["answers"]) == (["b" * 64], [True])
    assert [one["question"] for one in last["a replaced answer does not come back"]["shown"]["answers"]] == [
        "leak"
    ]
    assert [
        one["value"] for one in last["a file is taken back by one who shows another"]["shown"]["answers"]
    ] == [True, "b" * 64]


def told(story: str, do: str) -> list[dict[str, Any]]:
    """Steps of a kind of a story of the outbox."""
    steps = next(one["steps"] for one in KEPT["exchanges"] if one["name"] == story)
    return [step for step in steps if step["do"] == do]


def test_in_no_story_is_an_operation_lost_or_sent_after_its_final_receipt() -> None:
    """Receipts 1 and P1, judged by the kept steps alone: what is recorded stays until decided."""
    for story in KEPT["exchanges"]:
        recorded: set[str] = set()
        final: set[str] = set()
        for step in story["steps"]:
            if step["do"] == "record":
                recorded.add(step["operation"]["op_id"])
            for asked, answer in zip(step["asked"], step.get("answers", ()), strict=True):
                if step["do"] == "pull":
                    continue
                sent = {one["op_id"] for one in asked}
                assert sent <= recorded - final, story["name"]
                receipts = answer.get("body", {}).get("receipts", ())
                decided = {one["op_id"] for one in receipts if one["result"] != "held"}
                if step["outcome"] == "done":
                    final |= sent if step["do"] == "hand over" else decided
            assert {one["op_id"] for one in step["kept"]["operations"]} == recorded, story["name"]
            assert set(step["kept"]["to_send"]) == recorded - final, story["name"]
            assert all(
                one["has_payload"] for one in step["kept"]["operations"] if one["op_id"] not in final
            ), story["name"]


def test_what_is_not_ours_decides_nothing_and_changes_nothing() -> None:
    """Identity 4: portals, broken connections and answers to something else."""
    undecided = 0
    for story in KEPT["exchanges"]:
        kept = KEPT["exchanges"][0]["steps"][0]["kept"] | {"operations": [], "to_send": []}
        for step in story["steps"]:
            if step["outcome"] == "nothing decided":
                undecided += 1
                assert step["kept"] == kept, story["name"]
            kept = step["kept"]
    assert undecided >= 14


def test_a_wipe_leaves_words_only_in_what_nobody_has_yet() -> None:
    """Identity 2."""
    (push, *_) = [
        step
        for step in told("a revoked phone deletes, and hands over what it has not sent", "push")
        if step["outcome"] == "revoked"
    ]
    assert push["kept"]["visits"] == []
    assert push["kept"]["cursor"] is None
    assert {one["result"]: one["has_payload"] for one in push["kept"]["operations"]} == {
        "applied": False,
        None: True,
    }
    forged = told("an order to delete that is not signed for this phone is not obeyed", "push")
    assert all(step["kept"]["visits"] for step in forged)
