"""Counts what phones send and what the server makes of it, apart from both: operation by operation."""

from __future__ import annotations

import gzip
import json
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol

from dispatch.simulation.fault_proxy import Answer, Exchange
from dispatch.simulation.phone_store import Kept, PhoneStore
from dispatch.sync import protocol

PUSH = "/v1/sync/push"
COUNTED = ("sent", "duplicated", "replayed", "contradicted")


class Keeps(Protocol):
    """A phone, as far as its store is looked at."""

    @property
    def store(self) -> PhoneStore:
        """What the phone keeps."""


class OperationCount:
    """
    What passed the line.

    Counted are operations ``sent`` by phones, each time anew; ``duplicated``: they reached the server again
    after they were decided; ``replayed``: such were answered by the same receipt; and ``contradicted``: by
    another one.
    """

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._receipts: dict[str, str] = {}
        self._lock = threading.Lock()

    def left(self, request: Exchange) -> None:
        """Count the operations of a push."""
        if request.path == PUSH:
            with self._lock:
                self.counts["sent"] += sum(1 for _ in _operations(request))

    def answered(self, request: Exchange, answer: Answer) -> None:
        """Compare receipts with those that were given before."""
        if request.path != PUSH or answer.status != 200:
            return
        receipts = json.loads(answer.body)["receipts"]
        with self._lock:
            for receipt in receipts:
                if receipt["result"] != protocol.HELD:
                    self._compare(receipt["op_id"], json.dumps(receipt))

    def _compare(self, op_id: str, receipt: str) -> None:
        before = self._receipts.get(op_id)
        if before is None:
            self._receipts[op_id] = receipt
            return
        self.counts["duplicated"] += 1
        self.counts["replayed" if before == receipt else "contradicted"] += 1

    def told(self) -> dict[str, int]:
        """All counts by name."""
        return {name: self.counts[name] for name in COUNTED}


def _operations(request: Exchange) -> Iterator[Mapping[str, Any]]:
    packed = request.headers.get("Content-Encoding") == "gzip"
    yield from json.loads(gzip.decompress(request.body) if packed else request.body)["ops"]


def compared(phones: Iterable[Keeps], decided: Mapping[str, str]) -> dict[str, int]:
    """
    Compare what phones recorded with what the database says was decided (result by op_id).

    ``lost`` operations are in no database, ``undecided`` ones wait on either side, ``invented`` ones were
    recorded by no phone, and of ``disagreeing`` ones phone and database say different things.
    """
    made: dict[str, Kept] = {
        str(kept.body["op_id"]): kept for phone in phones for kept in phone.store.operations()
    }
    return {
        "made": len(made),
        "decided": sum(result != protocol.HELD for result in decided.values()),
        "rejected": sum(result == protocol.REJECTED for result in decided.values()),
        "lost": len(made.keys() - decided.keys()),
        "undecided": sum(
            kept.result is None or decided[op_id] == protocol.HELD
            for op_id, kept in made.items()
            if op_id in decided
        ),
        "invented": len(decided.keys() - made.keys()),
        "disagreeing": sum(
            kept.result is not None and kept.result != decided[op_id]
            for op_id, kept in made.items()
            if op_id in decided
        ),
    }


def faults(told: Mapping[str, int]) -> Iterator[str]:
    """Give what must not be, in words."""
    for name in ("lost", "undecided", "invented", "disagreeing", "contradicted"):
        if told[name]:
            yield f"{told[name]} operations of phones are {name}"
