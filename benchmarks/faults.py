"""
Faults of the technician's day as often as reliability.md §7 asks: ``python -m benchmarks.faults
[--rows 1,3] [--share 1] [--seed 1]``.

One row of figures for each row of the table: some against the protocol on a database of its own, some over
HTTP against an installation whose web servers are killed meanwhile, and those without a number of times by
their tests. Row 15 is a program of its own (``benchmarks.month_offline``).
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.fault_rows import FaultRow, Found
from benchmarks.fault_rows_served import Site
from benchmarks.fault_table import ALL, DIRECT, SERVED, SHOWN, ServedRow
from benchmarks.own_installation import installation, killing
from benchmarks.quality import numbers
from benchmarks.runs import Row, tail, write
from dispatch import clock, db, outbox
from dispatch.bootstrap import JOBS, SUBSCRIPTIONS
from dispatch.embedded import services
from dispatch.settings import Settings
from tests.builders import frozen_clock
from tests.services import migrate, remove_home, settings_for, short_home

RESULTS = Path(__file__).parent / "results" / "faults.jsonl"
MEASURE = "faults"
KILL_EVERY = 60.0
"""Seconds from one kill of a web server to the next."""


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


@contextmanager
def site(seed: int) -> Iterator[Site]:
    """An installation of its own whose web servers die now and then."""
    with tempfile.TemporaryDirectory(prefix="faults-") as name:
        room = Path(name)
        room.chmod(0o711)
        with installation(room) as url, killing(room, seed=seed, every=KILL_EVERY, kinds=("web",)):
            yield Site(url, room, Settings.from_environment().attachments)


def measured(
    one: FaultRow | ServedRow, run: Callable[[int, random.Random], Found], share: float, seed: int
) -> Row:
    """One row of the table, as often as its share says."""
    cases, began = max(1, round(one.cases * share)), time.monotonic()
    found = run(cases, random.Random(seed))
    seconds = round(time.monotonic() - began, 1)
    head = {"measure": MEASURE, "row": one.number, "what": one.what, "cases": cases, "seed": seed}
    return {**head, **found, "seconds": seconds}


def rows(wanted: Sequence[int], share: float, seed: int) -> Iterator[Row]:
    """Do the rows that are wanted: those that share a database, then the served ones, then the tests."""
    direct, served, shown = (
        [one for one in some if one.number in wanted] for some in (DIRECT, SERVED, SHOWN)
    )
    if direct:
        with database():
            for one in direct:
                clock.set_source(frozen_clock())
                yield measured(one, one.run, share, seed)
    if served:
        with site(seed) as place:
            for each in served:
                yield measured(each, lambda cases, chance, r=each.run: r(cases, chance, place), share, seed)  # type: ignore[misc]
    for one in shown:
        yield measured(one, one.run, share, seed)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print and write a row each; 1 when anything was wrong."""
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--rows", type=numbers, default=[one.number for one in ALL])
    reader.add_argument("--share", type=float, default=1.0, help="of the cases that the table asks for")
    reader.add_argument("--seed", type=int, default=1)
    reader.add_argument(
        "--out", type=Path, metavar="FILE", help=f"append the rows; official ones to {RESULTS}"
    )
    told, wrong = reader.parse_args(argv), 0
    for found in rows(told.rows, told.share, told.seed):
        row = found | tail()
        wrong += int(row["wrong"])
        write(told.out, row)
        print(json.dumps({name: value for name, value in row.items() if name != "machine"}), flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
