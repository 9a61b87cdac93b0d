"""What the reference phone forgets of its own operations."""

from __future__ import annotations

from typing import Any

from dispatch.simulation.phone_store import PhoneStore

SAID = {"fault": "Mrs Canary's boiler"}


def a_visit(*, is_revealed: bool = True) -> dict[str, Any]:
    """A change that gives a visit."""
    return {"kind": "put", "id": "v1", "body": {"id": "v1", "is_revealed": is_revealed, "version": 1}}


def said(store: PhoneStore, visit_id: str | None = "v1") -> str:
    """An operation of a visit; its op_id."""
    return str(
        store.add({"type": "finding.add", "schema": 2, "visit_id": visit_id, "payload": SAID})["op_id"]
    )


def take(store: PhoneStore, *op_ids: str, result: str = "applied") -> None:
    """Receipts arrive."""
    store.take_receipts([{"op_id": op_id, "result": result} for op_id in op_ids])


def pull(store: PhoneStore, *changes: dict[str, Any], acked: int, is_whole: bool = False) -> None:
    """A complete pull that includes the operations up to a number."""
    acked_seq = {store.install_epoch: acked}
    store.apply_pull(changes, cursor="c", acked_seq=acked_seq, is_whole=is_whole)


def payloads(store: PhoneStore) -> list[Any]:
    """What is kept of each operation."""
    return [kept.body["payload"] for kept in store.operations()]


EVICT = {"kind": "evict", "id": "v1"}


def test_an_evicted_visit_leaves_identity_and_receipt_of_acknowledged_operations() -> None:
    """P9: not the payload; what has no receipt or is not acknowledged stays whole, to be sent again."""
    store = PhoneStore()
    done, unheard, unsent, elsewhere = said(store), said(store), said(store), said(store, None)
    pull(store, a_visit(), acked=0)
    take(store, done, elsewhere)
    pull(store, acked=2)
    assert payloads(store) == [SAID, SAID, SAID, SAID]
    pull(store, EVICT, acked=2)
    assert payloads(store) == [None, SAID, SAID, SAID]
    kept = store.operations()[0]
    assert (kept.body["op_id"], kept.seq, kept.result, kept.is_blank) == (done, 1, "applied", True)
    assert store.receipt(done) == {"op_id": done, "result": "applied"}
    assert [one["op_id"] for one in store.unsent(10)] == [unheard, unsent]
    take(store, unheard)
    pull(store, acked=2)
    assert payloads(store) == [None, None, SAID, SAID]


def test_a_masked_visit_a_whole_scope_without_it_and_a_wipe_blank_as_well() -> None:
    for change in ("masked", "whole", "wiped"):
        store = PhoneStore()
        op_id = said(store)
        take(store, op_id)
        pull(store, a_visit(), acked=1)
        assert payloads(store) == [SAID]
        if change == "masked":
            pull(store, a_visit(is_revealed=False), acked=1)
        elif change == "whole":
            pull(store, acked=1, is_whole=True)
        else:
            store.wipe()
        assert payloads(store) == [None], change


def test_what_waits_for_the_desk_stays_whole() -> None:
    store = PhoneStore()
    store.hand_over([said(store)])
    pull(store, acked=1, is_whole=True)
    assert payloads(store) == [SAID]


def announced(store: PhoneStore, sha256: str = "a" * 64) -> str:
    """A file that waits to be sent; the op_id of its announcement."""
    told = {"sha256": sha256, "bytes": 3, "mime": "image/jpeg"}
    operation = {"type": "attachment.declare", "schema": 2, "visit_id": "v1", "payload": told}
    return str(store.add(operation, b"jpg")["op_id"])


def taken_back(store: PhoneStore, sha256: str = "a" * 64, visit_id: str = "v1") -> str:
    """The file is taken back; the op_id."""
    told = {"sha256": sha256, "reason": "blurred"}
    operation = {"type": "attachment.void", "schema": 2, "visit_id": visit_id, "payload": told}
    return str(store.add(operation)["op_id"])


def waiting(store: PhoneStore) -> list[str]:
    """Announcements of the files that are to be sent."""
    return [one.op_id for one in store.files_to_send()]


def test_a_file_that_was_taken_back_is_not_sent_and_its_bytes_go_when_the_office_has_heard() -> None:
    """Conflict 24: at once; announced again it is sent, another file and another visit's are."""
    store = PhoneStore()
    first, other = announced(store), announced(store, "b" * 64)
    take(store, first, other)
    taken_back(store, visit_id="v2")
    assert waiting(store) == [first, other]
    void = taken_back(store)
    assert waiting(store) == [other]
    again = announced(store)
    take(store, again)
    assert waiting(store) == [other, again]
    take(store, void)
    assert waiting(store) == [other, again]
    pull(store, acked=5, is_whole=True)
    assert [kept.is_blank for kept in store.operations()] == [True, False, False, True, False]


def test_a_file_is_sent_after_all_when_taking_it_back_was_rejected() -> None:
    store = PhoneStore()
    first = announced(store)
    take(store, first)
    void = taken_back(store)
    assert waiting(store) == []
    take(store, void, result="rejected")
    assert waiting(store) == [first]
