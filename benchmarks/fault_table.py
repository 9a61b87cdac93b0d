"""Every row of the table of faults that the campaign does, in order."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks import fault_rows, fault_rows_disk, fault_rows_plans, fault_rows_shown
from benchmarks import fault_rows_served as served
from benchmarks.fault_rows import FaultRow, Found
from benchmarks.fault_rows_served import Site


@dataclass(frozen=True, slots=True)
class ServedRow:
    """A row of the table that needs a server: what happens, how often it asks for, and how it is done."""

    number: int
    what: str
    cases: int
    run: Callable[[int, random.Random, Site], Found]


SERVED = (
    ServedRow(2, "operations, every fifth answer lost after the commit", 10_000, served.row_2),
    ServedRow(3, "orders of the batches of 20 phones, web servers killed meanwhile", 1_000, served.row_3),
    ServedRow(5, "ends of a body of 4 KB before its last byte", served.BODY_BYTES, served.row_5),
    ServedRow(14, "revoked phones", 500, served.row_14),
    ServedRow(16, "uploads cut five times, misplaced, damaged, too late, sent twice", 1_000, served.row_16),
)
DIRECT: tuple[FaultRow, ...] = (*fault_rows.ROWS, *fault_rows_plans.ROWS, *fault_rows_disk.ROWS)
"""Against the protocol and a database of their own."""
SHOWN: tuple[FaultRow, ...] = fault_rows_shown.ROWS
ALL: tuple[FaultRow | ServedRow, ...] = tuple(sorted((*DIRECT, *SHOWN, *SERVED), key=lambda one: one.number))
