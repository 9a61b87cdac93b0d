"""
Faults of the technician's day as often as reliability.md §7 asks: ``python -m benchmarks.faults
[--rows 1,3] [--share 1] [--seed 1]``.

Against the protocol on a database of its own; one row of figures for each row of the table. What the
tests do at full size already (rows 5, 7, 9, 11, 13, 16, 17, 26, 30, 31) and what the load of phones does
(rows 2, 18, 29) is not done again here.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.fault_rows import ROWS, FaultRow
from benchmarks.quality import numbers
from benchmarks.runs import Row, tail, write
from dispatch import clock, db, outbox
from dispatch.bootstrap import JOBS, SUBSCRIPTIONS
from dispatch.embedded import services
from tests.builders import frozen_clock
from tests.services import migrate, remove_home, settings_for, short_home

RESULTS = Path(__file__).parent / "results" / "faults.jsonl"
MEASURE = "faults"


@contextmanager
def database() -> Iterator[None]:
    """A database of its own, and a clock that stands at eight in the morning."""
    home = short_home()
    try:
        with services.start(settings_for(home)) as running:
            migrate(running.database_url)
            engine = db.connect(running.database_url, pool_size=10)
            db.configure(db.sessions(engine))
            outbox.register(JOBS, SUBSCRIPTIONS)
            yield
            engine.dispose()
    finally:
        outbox.register((), {})
        clock.set_source(None)
        remove_home(home)


def measured(one: FaultRow, share: float, seed: int) -> Row:
    """One row of the table, as often as its share says."""
    clock.set_source(frozen_clock())
    cases, began = max(1, round(one.cases * share)), time.monotonic()
    found = one.run(cases, random.Random(seed))
    seconds = round(time.monotonic() - began, 1)
    head = {"measure": MEASURE, "row": one.number, "what": one.what, "cases": cases, "seed": seed}
    return {**head, **found, "seconds": seconds}


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print and write a row each; 1 when anything was wrong."""
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--rows", type=numbers, default=[one.number for one in ROWS])
    reader.add_argument("--share", type=float, default=1.0, help="of the cases that the table asks for")
    reader.add_argument("--seed", type=int, default=1)
    reader.add_argument(
        "--out", type=Path, metavar="FILE", help=f"append the rows; official ones to {RESULTS}"
    )
    told, wrong = reader.parse_args(argv), 0
    with database():
        for one in ROWS:
            if one.number not in told.rows:
                continue
            row = measured(one, told.share, told.seed) | tail()
            wrong += int(row["wrong"])
            write(told.out, row)
            print(json.dumps({name: value for name, value in row.items() if name != "machine"}), flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
