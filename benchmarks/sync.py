"""
Phones under load and bad networks: ``python -m benchmarks.sync [--phones 300] [--minutes 30] [--seed 1]``.

The reference client on as many phones as technicians, over the fault proxy, against an installation of its
own (web servers, workers, scheduler, PostgreSQL, Valkey). First arrivals that wait for nobody: pushes of 50
operations and pulls at moments drawn beforehand, while workers are killed. Then everybody's shift ends: all
operations and photographs of a day come at once. At the end phones and database are compared. The same
faults are met by the naive baseline (``benchmarks.naive_sync``) for the row beside. Stops by itself.

Faults of reliability.md §7: 2 (answers lost after the commit), 16 (uploads cut), 18 (workers killed by
SIGKILL), 29 (slow, narrow and broken link, heals some minutes after the shift's end).
"""

from __future__ import annotations

import argparse
import json
import os
import random
import tempfile
import threading
import time
import uuid
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from sqlalchemy import text

from benchmarks import naive_sync, office
from benchmarks.blackouts import blackouts
from benchmarks.field_phones import OF_A_VISIT, PHOTO_SIDE, Photographs, Technicians, effects_of, record_visit
from benchmarks.own_installation import installation, killing
from benchmarks.runs import Row, tail, write
from benchmarks.threads import together
from dispatch import db
from dispatch.simulation.fault_proxy import Answer, Exchange, FaultProxy, Weather
from dispatch.simulation.phone import PhoneClient
from dispatch.simulation.phone_answers import NothingDecided
from dispatch.simulation.traffic import PUSH, OperationCount, compared

RESULTS = Path(__file__).parent / "results" / "sync.jsonl"
BATCH = 50
"""Operations of a push of the steady part."""
PULL_EVERY, LEAD_SECONDS, SPREAD_SECONDS = 120.0, 2.0, 60.0
PIECE_BYTES = 64 * 1024
STORM = Weather(
    dropped=0.01,
    lost=0.2,
    repeated=0.02,
    cut=0.2,
    late=1.0,
    late_seconds=(0.4, 1.2),
    bytes_per_second=5_000,
)
HEALED = Weather(dropped=0.01, lost=0.2, repeated=0.02, cut=0.2)


@dataclass(frozen=True, slots=True)
class Load:
    """How much comes, and how bad the way is; all phones together unless a phone is named."""

    phones: int = 300
    minutes: float = 30.0
    rate: float = 30.0
    """Operations a second in the steady part."""
    operations: int = 60
    """Of each phone at the end of the shift, announcements of photographs included."""
    photos: int = 20
    """Of each phone at the end of the shift."""
    seed: int = 1
    heal_minutes: float = 3.0
    most_minutes: float = 30.0
    """After the shift's end; what is not there then counts as undecided."""
    storm: Weather = STORM
    healed: Weather = HEALED
    photo_side: int = PHOTO_SIDE

    def told(self) -> Row:
        """What a row says of its load, the faults included."""
        return {
            "phones": self.phones,
            "minutes": self.minutes,
            "rate": self.rate,
            "operations": self.operations,
            "photos_each": self.photos,
            "seed": self.seed,
            "heal_minutes": self.heal_minutes,
            "most_minutes": self.most_minutes,
            "photo_side": self.photo_side,
            "storm": _plain(self.storm),
            "healed": _plain(self.healed),
        }

    @property
    def pushes(self) -> int:
        """Pushes of the steady part."""
        return round(self.rate * self.minutes * 60 / BATCH)

    @property
    def last_visits(self) -> int:
        """Visits of each phone whose operations come at the end of the shift."""
        return max(1, (self.operations - self.photos) // OF_A_VISIT)


def _plain(weather: Weather) -> Row:
    """Weather as a row tells it and reads it back."""
    return {
        name: list(value) if isinstance(value, tuple) else value for name, value in asdict(weather).items()
    }


class Stopwatch(OperationCount):
    """Counts operations, and how long the server took for each kind of request."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: dict[str, list[float]] = {"push": [], "pull": [], "upload": []}
        self.is_steady = False
        self.failures = 0

    def answered(self, request: Exchange, answer: Answer) -> None:
        """Note what the server took, from the last byte of the request to the last of the answer."""
        super().answered(request, answer)
        kind = "push" if request.path == PUSH else "upload" if "/uploads" in request.path else "pull"
        if request.path.startswith("/v1/sync/") and (self.is_steady or kind == "upload"):
            self.seconds[kind].append(answer.seconds)
        self.failures += answer.status >= 500


@dataclass
class Shift:
    """One phone's part: when it pushes and pulls, and what it does meanwhile."""

    phone: PhoneClient
    moments: list[tuple[float, str]]
    visits: list[str]
    photos: Photographs
    load: Load
    waited: dict[str, list[float]] = field(default_factory=lambda: {"push": [], "pull": []})
    done: list[str] = field(default_factory=list)
    photographed: int = 0
    drained_after: float | None = None

    def steady(self, began: float) -> None:
        """Push and pull when it is time; what comes late counts from when it should have come."""
        for moment, kind in self.moments:
            _sleep_until(began + moment - LEAD_SECONDS)
            if kind == "push":
                for _ in range(BATCH // OF_A_VISIT):
                    self._do()
            _sleep_until(began + moment)
            try:
                self.phone.push() if kind == "push" else self.phone.pull()
            except NothingDecided:
                continue
            self.waited[kind].append(time.monotonic() - began - moment)

    def _do(self, photos: int = 0) -> None:
        visit_id = self.visits.pop(0)
        record_visit(self.phone, visit_id, [self.photos.take() for _ in range(photos)])
        self.done.append(visit_id)
        self.photographed += photos

    def work_offline(self) -> None:
        """Do the visits whose operations wait for the end of the shift."""
        share, more = divmod(self.load.photos, self.load.last_visits)
        for number in range(self.load.last_visits):
            self._do(share + (number < more))

    def come_home(self, began: float, moment: float) -> None:
        """Send everything, again and again until all of it is there."""
        _sleep_until(began + moment)
        store = self.phone.store
        while time.monotonic() < began + self.load.most_minutes * 60:
            try:
                self.phone.push()
                self.phone.send_files(piece_bytes=PIECE_BYTES)
                self.phone.pull()
            except NothingDecided:
                continue
            if not store.unsent(1) and not store.files_to_send():
                self.drained_after = time.monotonic() - began
                return


def _sleep_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.monotonic()))


def shifts_of(load: Load, phones: list[PhoneClient]) -> list[Shift]:
    """Draw who pushes and pulls when."""
    chance = random.Random(load.seed)
    length = load.minutes * 60
    photos = Photographs(chance, side=load.photo_side)
    moments: list[list[tuple[float, str]]] = [[] for _ in phones]
    for number in range(load.pushes):
        moments[number % len(phones)].append((chance.uniform(0, length), "push"))
    for _ in range(round(len(phones) * length / PULL_EVERY)):
        chance.choice(moments).append((chance.uniform(0, length), "pull"))
    return [
        Shift(phone, sorted(own), [visit["id"] for visit in phone.store.visits()], photos, load)
        for phone, own in zip(phones, moments, strict=True)
    ]


def visits_for(load: Load) -> int:
    """How many visits each phone needs."""
    pushes = -(-load.pushes // load.phones)
    return pushes * (BATCH // OF_A_VISIT) + load.last_visits


def run(load: Load, url: str, folder: Path) -> Row:
    """Let the load come to a server whose database this process is wired to; count what became of it."""
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    people = Technicians.hired(load.phones, visits_for(load), midnight, seed=load.seed)
    count = Stopwatch()
    with FaultProxy(url, Weather(), seed=load.seed, traffic=count) as line:
        shifts = shifts_of(load, list(people.phones(line.url, folder)))
        line.weather, count.is_steady = load.storm, True
        began = time.monotonic()
        with blackouts(line):
            together([lambda s=shift: s.steady(began) for shift in shifts])  # type: ignore[misc]
            count.is_steady = False
            for shift in shifts:
                shift.work_offline()
            last = [uuid.UUID(visit) for shift in shifts for visit in shift.done[-load.last_visits :]]
            told = office.tell(last, load.seed)
            home = time.monotonic()
            healing = threading.Timer(load.heal_minutes * 60, setattr, (line, "weather", load.healed))
            healing.start()
            chance, spread = random.Random(load.seed), min(SPREAD_SECONDS, load.heal_minutes * 60)
            waits = [chance.uniform(0, spread) for _ in shifts]
            together(
                [
                    lambda s=shift, w=wait: s.come_home(home, w)  # type: ignore[misc]
                    for shift, wait in zip(shifts, waits, strict=True)
                ]
            )
            healing.cancel()
        row = _told(load, shifts, count, line) | office.standing(told, [shift.phone for shift in shifts])
    for shift in shifts:
        shift.phone.close()
    return row


def _told(load: Load, shifts: list[Shift], count: Stopwatch, line: FaultProxy) -> Row:
    with db.transaction() as session:
        decided = {
            str(op_id): state
            for op_id, state in session.execute(text("select op_id, state from sync_operation"))
        }
    drained = [shift.drained_after for shift in shifts]
    late = [one for one in drained if one is not None]
    done = sum(len(shift.done) for shift in shifts)
    return {
        **compared([shift.phone for shift in shifts], decided),
        **effects_of(done, sum(shift.photographed for shift in shifts)),
        **count.told(),
        "visits": done,
        "photos": sum(shift.photographed for shift in shifts),
        "server_errors": count.failures,
        "faults": dict(sorted(line.fates.items())),
        "undrained_phones": drained.count(None),
        "drained_seconds": round(max(late), 1) if late else None,
        "drained_after_heal_seconds": round(max(late) - load.heal_minutes * 60, 1) if late else None,
        **{f"{kind}_at_server": percentiles(found) for kind, found in count.seconds.items()},
        **{
            f"{kind}_at_phone": percentiles([one for shift in shifts for one in shift.waited[kind]])
            for kind in ("push", "pull")
        },
    }


def percentiles(seconds: list[float]) -> dict[str, float | int]:
    """Median, 95 and 99 of a hundred, in milliseconds."""
    if not seconds:
        return {"count": 0}
    found = np.percentile(seconds, (50, 95, 99))
    return {"count": len(seconds)} | {
        name: round(1000 * float(value)) for name, value in zip(("p50", "p95", "p99"), found, strict=True)
    }


def _naive(load: Load, every: float) -> Row:
    """The baseline on the same servers, its workers killed as often."""
    return naive_sync.run(load, os.environ["DATABASE_URL"], os.environ["REDIS_URL"], every=every)


def parser_of_arguments() -> argparse.ArgumentParser:
    """The command line."""
    usual = Load()
    parser = argparse.ArgumentParser(description="phones under load and bad networks")
    parser.add_argument("--phones", type=int, default=usual.phones)
    parser.add_argument("--minutes", type=float, default=usual.minutes, help="of the steady part")
    parser.add_argument("--rate", type=float, help="operations a second; by default a tenth of the phones")
    parser.add_argument("--operations", type=int, default=usual.operations, help="of each phone at the end")
    parser.add_argument("--photos", type=int, default=usual.photos, help="of each phone at the end")
    parser.add_argument(
        "--heal", type=float, default=usual.heal_minutes, help="minutes until the link is good"
    )
    parser.add_argument("--most", type=float, default=usual.most_minutes, help="minutes for all to arrive")
    parser.add_argument("--every", type=float, default=20.0, help="seconds between kills of workers")
    parser.add_argument("--seed", type=int, default=usual.seed)
    parser.add_argument("--no-baseline", action="store_true", help="leave the naive baseline out")
    parser.add_argument("--out", type=Path, metavar="FILE", help="append the rows; official ones to results/")
    return parser


def main(arguments: list[str] | None = None) -> None:
    """Measure, and print both rows."""
    args = parser_of_arguments().parse_args(arguments)
    load = Load(
        phones=args.phones,
        minutes=args.minutes,
        rate=args.rate if args.rate is not None else args.phones / 10,
        operations=args.operations,
        photos=args.photos,
        seed=args.seed,
        heal_minutes=args.heal,
        most_minutes=args.most,
    )
    head = {"measure": "sync under load", **load.told()}
    with tempfile.TemporaryDirectory(prefix="sync-") as name:
        room = Path(name)
        room.chmod(0o711)
        with installation(room) as url, killing(room, seed=load.seed, every=args.every) as killed:
            rows = [{**head, "side": "truckroll", **run(load, url, room), "killed": len(killed)}]
            if not args.no_baseline:
                rows.append({**head, "side": "naive", **_naive(load, args.every)})
    for row in rows:
        write(args.out, row | tail())
        print(json.dumps(row, indent=1))


if __name__ == "__main__":
    main()
