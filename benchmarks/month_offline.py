"""
One phone comes back after thirty days without contact: ``python -m benchmarks.month_offline
[--operations 5000] [--photos 400] [--others 20] [--minutes 3] [--seed 1]``.

Row 15 of reliability.md §7, on an installation of its own: while the others push and pull at moments drawn
beforehand, first alone, then beside the one that sends a month's work and its photographs in one go. What
counts is that everything arrives once and is decided in the order of its numbers, and how much longer the
server takes for the others. Their requests pass a line of their own that is timed from the last byte of the
request. Everybody runs on the same processors as the server.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import text

from benchmarks import faults
from benchmarks.field_phones import (
    OF_A_VISIT,
    PHOTO_SIDE,
    Photographs,
    Technicians,
    effects_of,
    record_visit,
)
from benchmarks.own_installation import installation
from benchmarks.runs import Row, tail, write
from benchmarks.sync import BATCH, PIECE_BYTES, Load, Shift, percentiles
from benchmarks.threads import together
from dispatch import db
from dispatch.simulation.fault_proxy import CLEAR, Answer, Exchange, FaultProxy
from dispatch.simulation.phone import PhoneClient
from dispatch.simulation.phone_answers import NothingDecided
from dispatch.simulation.traffic import PUSH, compared
from tests.phone.logins import Login

ROW, WHAT = 15, "operations of thirty days without contact, and their photographs"
AWAY = timedelta(days=30)
SLOWER_PERCENT = 20
"""How much longer the others may wait."""
BEFORE, BESIDE = "before", "beside"
TIMED, OK, LAPSED = "/v1/sync/pu", 200, 401


@dataclass(frozen=True, slots=True)
class Month:
    """How much comes back, and what the others do meanwhile."""

    operations: int = 5_000
    """Announcements of photographs included."""
    photos: int = 400
    others: int = 20
    minutes: float = 3.0
    """Of the others alone, and the most that they go on beside."""
    pushes_a_minute: float = 30.0
    """Of all others together, 50 operations each."""
    seed: int = 1
    photo_side: int = PHOTO_SIDE

    @property
    def visits(self) -> int:
        """Visits of the one who was away."""
        return max(1, (self.operations - self.photos) // OF_A_VISIT)

    @property
    def pushes(self) -> int:
        """Pushes of all others, before and beside."""
        return 2 * round(self.pushes_a_minute * self.minutes)

    @property
    def visits_each(self) -> int:
        """Enough for whoever does most."""
        return max(self.visits, -(-self.pushes // self.others) * (BATCH // OF_A_VISIT))


class Away(PhoneClient):
    """A phone on whose clock time passes as its owner likes."""

    away = timedelta(0)

    def __init__(self, url: str, login: Login, store: Path) -> None:
        super().__init__(url, login, store, lambda: datetime.now(UTC) + self.away, patience_seconds=20)


class Watch:
    """
    How long the server took for the others' pushes and pulls, in each phase, and how many were not answered.

    A request belongs to the phase in which it came. Only what was answered as asked is timed; a refusal, an
    error and a connection that broke count as failures, or the busiest moments would look the quickest.
    """

    def __init__(self) -> None:
        self.phase: str | None = None
        self.seconds: dict[str, dict[str, list[float]]] = {
            name: {"push": [], "pull": []} for name in (BEFORE, BESIDE)
        }
        self.failed = 0
        self._asked: dict[int, tuple[str | None, Exchange]] = {}

    def left(self, request: Exchange) -> None:
        """Note in which phase it came; until it is answered it has failed."""
        if request.path.startswith(TIMED):
            self.failed += 1
            self._asked[id(request)] = self.phase, request

    def answered(self, request: Exchange, answer: Answer) -> None:
        """Note the time of a push or pull."""
        phase, known = self._asked.pop(id(request), (None, None))
        if known is not request or answer.status not in {OK, LAPSED}:
            return
        self.failed -= 1
        if answer.status == LAPSED:
            return
        if phase is not None:
            self.seconds[phase]["push" if request.path == PUSH else "pull"].append(answer.seconds)

    def slower_percent(self, kind: str) -> int | None:
        """By how many per cent the 95th of a hundred is longer beside than before."""
        before, beside = (percentiles(self.seconds[phase][kind]) for phase in (BEFORE, BESIDE))
        if not before["count"] or not beside["count"]:
            return None
        return round(100 * (beside["p95"] / before["p95"] - 1))


def run(month: Month, url: str, folder: Path) -> Row:
    """Let the month come back to a server whose database this process is wired to."""
    people = Technicians.hired(1 + month.others, month.visits_each, midnight(), seed=month.seed)
    watch, photos = Watch(), Photographs(random.Random(month.seed), side=month.photo_side)
    phone = Away(url, Login(people.usernames[0]), folder / "away.sqlite")
    phone.sign_in()
    phone.pull()
    work_for_a_month(phone, month, photos)
    others = Technicians(people.usernames[1:])
    with FaultProxy(url, CLEAR, seed=month.seed, traffic=watch) as line:
        shifts = list(shifts_of(month, list(others.phones(line.url, folder)), photos))
        seconds = _meanwhile(month, watch, shifts, phone)
        row = _told(month, watch, shifts, phone, seconds)
    for one in (phone, *(shift.phone for shift in shifts)):
        one.close()
    return row


def midnight() -> datetime:
    """When the visits' day begins."""
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def work_for_a_month(phone: Away, month: Month, photos: Photographs) -> None:
    """Do every visit without contact, spread over the days on the phone's own clock."""
    visits = [visit["id"] for visit in phone.store.visits()][: month.visits]
    share, more = divmod(month.photos, len(visits))
    for number, visit_id in enumerate(visits):
        phone.away = AWAY * (number + 1) / len(visits)
        record_visit(phone, visit_id, [photos.take() for _ in range(share + (number < more))])


def shifts_of(month: Month, phones: Sequence[PhoneClient], photos: Photographs) -> Iterator[Shift]:
    """Draw who pushes and pulls when, over both phases."""
    chance, length = random.Random(month.seed), 2 * month.minutes * 60
    moments: list[list[tuple[float, str]]] = [[] for _ in phones]
    for number in range(month.pushes):
        moments[number % len(phones)].append((chance.uniform(0, length), "push"))
        chance.choice(moments).append((chance.uniform(0, length), "pull"))
    for phone, own in zip(phones, moments, strict=True):
        visits = [visit["id"] for visit in phone.store.visits()]
        yield Shift(phone, sorted(own), visits, photos, Load())


def _meanwhile(month: Month, watch: Watch, shifts: Sequence[Shift], phone: PhoneClient) -> float:
    """The others alone, then beside the one who comes back; return how long that takes in seconds."""
    began = time.monotonic()
    taken: list[float] = []

    def come_back() -> None:
        time.sleep(max(0.0, began + month.minutes * 60 - time.monotonic()))
        watch.phase, home = BESIDE, time.monotonic()
        send_all(phone)
        watch.phase = None
        taken.append(time.monotonic() - home)

    watch.phase = BEFORE
    together([*(lambda one=shift: one.steady(began) for shift in shifts), come_back])  # type: ignore[misc]
    for shift in shifts:
        send_all(shift.phone)
    return taken[0]


def send_all(phone: PhoneClient, most_seconds: float = 1_800.0) -> None:
    """Everything in one go, again where the server was busy."""
    until = time.monotonic() + most_seconds
    while time.monotonic() < until and (phone.store.unsent(1) or phone.store.files_to_send()):
        try:
            phone.push()
            phone.send_files(piece_bytes=PIECE_BYTES)
        except NothingDecided:
            continue
    phone.pull()


def _told(month: Month, watch: Watch, shifts: Sequence[Shift], phone: PhoneClient, seconds: float) -> Row:
    with db.transaction() as session:
        decided = {
            str(op_id): state
            for op_id, state in session.execute(text("select op_id, state from sync_operation"))
        }
    found = compared([phone, *(shift.phone for shift in shifts)], decided)
    visits = month.visits + sum(len(shift.done) for shift in shifts)
    effects = effects_of(visits, month.photos)
    names = ("lost", "undecided", "invented", "disagreeing", "rejected")
    disorder = out_of_order(phone)
    slower = {f"{kind}_slower_percent": watch.slower_percent(kind) for kind in ("push", "pull")}
    return {
        "cases": sum(1 for _ in phone.store.operations()),
        "photos": month.photos,
        "others": month.others,
        "minutes": month.minutes,
        "pushes_a_minute": month.pushes_a_minute,
        "photo_side": month.photo_side,
        "others_failed": watch.failed,
        "others_pushes": sum(len(shift.done) for shift in shifts) // (BATCH // OF_A_VISIT),
        **{name: found[name] for name in names},
        **effects,
        "out_of_order": disorder,
        **{
            f"{kind}_{phase}": percentiles(watch.seconds[phase][kind])
            for phase in (BEFORE, BESIDE)
            for kind in ("push", "pull")
        },
        **slower,
        "seconds": round(seconds, 1),
        "wrong": sum(found[name] for name in names) + sum(effects.values()) + disorder + watch.failed,
    }


def out_of_order(phone: PhoneClient) -> int:
    """How often a step of a visit was taken after one that the phone had recorded later (P5)."""
    question = text(
        "select count(*) from (select o.seq,"
        " lag(o.seq) over (partition by e.visit_id order by e.id) as before"
        " from visit_event e join sync_operation o on o.op_id = e.op_id"
        " where o.device_id = cast(:id as uuid)) step where before > seq"
    )
    with db.transaction() as session:
        return int(session.execute(question, {"id": phone.store.setting("device_id")}).scalar_one())


def main(arguments: list[str] | None = None) -> int:
    """Measure, print and write one row; 1 when anything was wrong."""
    usual = Month()
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--operations", type=int, default=usual.operations)
    reader.add_argument("--photos", type=int, default=usual.photos)
    reader.add_argument("--others", type=int, default=usual.others)
    reader.add_argument("--minutes", type=float, default=usual.minutes)
    reader.add_argument(
        "--rate", type=float, default=usual.pushes_a_minute, help="pushes a minute of all others"
    )
    reader.add_argument("--seed", type=int, default=usual.seed)
    reader.add_argument(
        "--out", type=Path, metavar="FILE", help=f"append the row; official ones to {faults.RESULTS}"
    )
    told = reader.parse_args(arguments)
    month = Month(
        told.operations,
        told.photos,
        told.others,
        minutes=told.minutes,
        pushes_a_minute=told.rate,
        seed=told.seed,
    )
    with tempfile.TemporaryDirectory(prefix="month-") as name:
        room = Path(name)
        room.chmod(0o711)
        with installation(room) as url:
            row = run(month, url, room)
    row = {"measure": faults.MEASURE, "row": ROW, "what": WHAT, "seed": month.seed, **row}
    write(told.out, row | tail())
    print(json.dumps(row, indent=1))
    return 1 if row["wrong"] else 0


if __name__ == "__main__":
    raise SystemExit(main())
