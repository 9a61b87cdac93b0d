"""
The phone's protocol against real processes and threads, judged by the properties of reliability.md §2.9:
``python -m benchmarks.process_stories [--runs 200] [--steps 40] [--first 0]``.

One installation of its own, as ``truckroll up`` starts it. In each run a small company of its own works on it
at the same time: two phones of the reference client over the fault proxy, each in a thread, the desk in
another one, while web servers, workers and the scheduler are killed by SIGKILL. Then the network heals,
nobody is killed any more, the phones come home, and the properties are judged from the database and the
phones alone. Which thread comes first is left to the machine, so a seed repeats what is tried, not the run.

The clock is the real one, so nothing waits for 72 hours here and no visit is two days over; what a phone
would get anew (P7) is asked of the domain in this process. `benchmarks.phone_stories` has both.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import tempfile
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy.exc import OperationalError

from benchmarks import own_installation
from benchmarks.own_installation import installation, killing
from benchmarks.runs import Row, tail, write
from benchmarks.sources import Sources
from benchmarks.threads import together
from dispatch.errors import DispatchError
from dispatch.settings import Settings
from dispatch.simulation.fault_proxy import CLEAR, FaultProxy, Weather
from dispatch.simulation.phone import PACKED, Revoked
from dispatch.simulation.phone_answers import NothingDecided
from dispatch.simulation.phone_store import PhoneStore
from dispatch.simulation.traffic import PUSH
from dispatch.sync import protocol
from tests.phone import checks
from tests.phone.machine import IN_ORDER, KINDS, MOST_VISITS
from tests.phone.served import Heard, ServedPhone, ServedWorld
from tests.phone.world import PIECE, payload_of

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results" / "process-stories.jsonl"
MEASURE = "process stories"
RUNS, STEPS = 200, 40
STORM = Weather(dropped=0.03, lost=0.15, repeated=0.1, cut=0.1, late=0.2, late_seconds=(0.01, 0.2))
KILLED = ("web", "web", "web", "worker", "scheduler")
KILL_EVERY, HOME_SECONDS, QUIET_SECONDS = 3.0, 120.0, 20.0
PAUSE_SECONDS = 0.15
"""The desk's between two decisions, at most."""
BATCH = 50


def sources() -> list[Path]:
    """What a run goes through: the whole installation, this file and what the judge needs."""
    folders = (ROOT / name for name in ("api", "dispatch", "migrations", "tests/phone"))
    installed = [path for folder in folders for path in sorted(folder.rglob("*.py"))]
    return [Path(__file__), Path(own_installation.__file__), ROOT / "wsgi.py", *installed]


def version() -> str:
    """Name the state of everything that a run goes through, but for planning."""
    return Sources(folders=()).digest_for(*sources())


@dataclass
class Technician:
    """One phone, and what its owner does with it."""

    world: ServedWorld
    phone: ServedPhone
    chance: random.Random
    backup: PhoneStore | None = None
    has_lost_one: bool = False

    def live(self, steps: int) -> None:
        """Do so many things; what the network makes of them is its affair."""
        doings: Sequence[tuple[Callable[[], object], int]] = (
            (self.record, 6),
            (self.work, 6),
            (self.attach, 1),
            (self.push, 3),
            (self.push_oddly, 2),
            (self.push_at_once, 2),
            (self.send_files, 1),
            (self.pull, 3),
            (self.back_up, 1),
            (self.restore, 1),
            (self.change, 1),
            (self.lose, 1),
        )
        for does in self.chance.choices(*zip(*doings, strict=True), k=steps):
            with contextlib.suppress(NothingDecided):
                does()

    def record(self) -> None:
        """Anything about any visit."""
        self._note(self.chance.choice(KINDS))

    def work(self) -> None:
        """What is usual, in the usual order, as far as it goes."""
        for kind in IN_ORDER[: self.chance.randint(1, len(IN_ORDER))]:
            self._note(kind)

    def _note(self, kind: str) -> None:
        if held := self.phone.store.visits():
            visit_id = self.chance.choice(held)["id"]
            payload = payload_of(self.world, self.phone, kind, visit_id)
            self.phone.record(kind, visit_id=visit_id, payload=payload)

    def attach(self) -> None:
        """Announce a file."""
        if held := self.phone.store.visits():
            visit_id = self.chance.choice(held)["id"]
            self.phone.attach(visit_id, self.world.a_paper(), "application/pdf", purpose="before")

    def push(self) -> None:
        """Send what was recorded."""
        self.phone.push()

    def send_files(self) -> None:
        """Send bytes of files."""
        self.phone.send_files(piece_bytes=PIECE)

    def pull(self) -> None:
        """Take what is new."""
        self.phone.pull()

    def push_oddly(self) -> None:
        """What was sent long ago, what is out of order, or all but the first."""
        bodies = [kept.body for kept in self.phone.store.operations() if not kept.is_blank]
        unsent = self.phone.store.unsent(BATCH)
        ways = (bodies[: len(bodies) // 2], self.chance.sample(unsent, len(unsent)), unsent[1:])
        if batch := self.chance.choice(ways):
            self.phone.send(batch)

    def push_at_once(self) -> None:
        """The same batch by two threads, as when an app wakes up while it is sending."""
        if batch := self.phone.store.unsent(BATCH):
            body = self.phone.batch(batch)

            def send() -> None:
                with contextlib.suppress(NothingDecided):
                    self.phone.ask("POST", PUSH, content=body, headers=PACKED)

            together([send, send])

    def back_up(self) -> None:
        """The phone's owner backs it up."""
        self.backup = self.phone.store.copy()

    def restore(self) -> None:
        """P18: the phone comes back from its backup; what came later is gone."""
        if self.backup is not None:
            self.world.gone_epochs.add((self.phone.by.device_id, self.phone.store.setting("install_epoch")))
            self.phone.store.close()
            self.backup.restored()
            self.phone.store, self.backup = self.backup, None
            self.phone.pull()

    def change(self) -> None:
        """P14, P17: another version of the app, and the phone's clock is set."""
        self.phone.schema = self.chance.choice(sorted(protocol.PUSH_SCHEMAS))
        self.phone.set_clock(timedelta(hours=self.chance.randint(-100_000, 100_000)))

    def lose(self) -> None:
        """P13: the phone is lost, revoked, and tries all the same; its owner gets another one."""
        if self.has_lost_one:
            return
        self.has_lost_one, self.backup = True, None
        lost, self.phone = self.phone, self.world.given_another(self.phone)
        for does in (lost.push, lost.pull):
            with contextlib.suppress(Revoked, NothingDecided):
                does()
        self.phone.pull()

    def come_home(self) -> None:
        """Send everything until all of it is decided; then take what is new."""
        until, store = time.monotonic() + HOME_SECONDS, self.phone.store
        while time.monotonic() < until:
            with contextlib.suppress(NothingDecided):
                self.phone.push()
                self.phone.send_files(piece_bytes=PIECE)
                if not store.unsent(1) and not store.files_to_send():
                    self.phone.pull()
                    return


def office(world: ServedWorld, chance: random.Random, steps: int, done: Counter[str]) -> None:
    """The desk publishes, plans anew, calls off, and decides about what was refused."""
    never = threading.Event()

    def one() -> uuid.UUID:
        return chance.choice(list(world.told))

    def publish() -> None:
        if len(world.told) < MOST_VISITS:
            world.publish(chance.randrange(2), chance.randrange(6))

    doings: Sequence[Callable[[], object]] = (
        publish,
        lambda: world.reassign(one(), chance.randrange(2), chance.randrange(6)),
        lambda: world.cancel(one()),
        lambda: world.amend(one(), chance.randint(1, 4)),
        lambda: world.decide_rejections(apply=chance.random() < 0.5),
    )
    for does in chance.choices(doings, (3, 4, 1, 2, 3), k=steps):
        try:
            does()
        except DispatchError:
            done["desk refused"] += 1
        except OperationalError as why:
            done[f"desk {type(why.orig).__name__}"] += 1
        never.wait(chance.uniform(0, PAUSE_SECONDS))


@dataclass
class Stage:
    """Where runs take place: a server behind a bad line, and where it keeps files."""

    line: FaultProxy
    heard: Heard
    stored_in: Path
    calm: threading.Event = field(default_factory=threading.Event)

    def run(self, number: int, steps: int) -> tuple[list[str], Counter[str]]:
        """One company's hour: what was wrong at its end, and what was done."""
        self.line.weather = CLEAR
        self.heard.begin_anew()
        with contextlib.closing(ServedWorld.opened(self.line.url, self.stored_in, self.heard)) as world:
            return self._lived(world, number, steps)

    def _lived(self, world: ServedWorld, number: int, steps: int) -> tuple[list[str], Counter[str]]:
        chance, done = random.Random(number), Counter[str]()
        world.dice.seed(number)
        people = [
            Technician(world, phone, random.Random(chance.random()))
            for phone in world.phones
            if isinstance(phone, ServedPhone)
        ]
        for turn, person in enumerate(people):
            world.publish(turn, turn)
            person.phone.pull()
        self.line.weather = STORM
        self.calm.clear()
        desk = random.Random(chance.random())
        works = [lambda one=one: one.live(steps) for one in people]  # type: ignore[misc]
        together([*works, lambda: office(world, desk, steps // 2, done)])
        self.calm.set()
        self.line.weather = CLEAR
        together([one.come_home for one in people])
        wrong = judged(world, people)
        phones = (*world.phones, *world.retired)
        done["operations"] = sum(len(phone.store.operations()) for phone in phones)
        done["phones lost"] = len(world.retired)
        return wrong, done


def judged(world: ServedWorld, people: Sequence[Technician]) -> list[str]:
    """
    Every property that does not hold.

    Jobs of workers may still change a visit between a phone's last pull and the look at it, so those who
    differ look again until nothing is under way.
    """
    quiet = time.monotonic() + QUIET_SECONDS
    while found := list(_faults(world)):
        if time.monotonic() > quiet:
            return found
        time.sleep(0.5)
        for one in people:
            with contextlib.suppress(NothingDecided):
                one.phone.pull()
    return []


def _faults(world: ServedWorld) -> Iterator[str]:
    for check in checks.CHECKS:
        try:
            check(world)
        except Exception as why:  # noqa: BLE001 - what a check trips over is a fault as well
            yield f"{check.__name__}: {why!r:.300}"


def campaign(runs: range, steps: int) -> Row:
    """Every run on one installation; what was wrong is printed as it is found."""
    wrong: dict[int, list[str]] = {}
    done: Counter[str] = Counter()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="stories-") as name:
        room = Path(name)
        room.chmod(0o711)
        heard = Heard()
        with installation(room) as url, FaultProxy(url, CLEAR, seed=runs.start, traffic=heard) as line:
            stage = Stage(line, heard, Settings.from_environment().attachments)
            stage.calm.set()
            with killing(room, seed=runs.start, every=KILL_EVERY, kinds=KILLED, calm=stage.calm) as killed:
                for number in runs:
                    try:
                        found, counted = stage.run(number, steps)
                    except Exception as why:  # noqa: BLE001 - one run's fault does not end the others
                        found, counted = [repr(why)], Counter[str]()
                    finally:
                        stage.calm.set()
                    done += counted
                    if found:
                        wrong[number] = found
                        print(f"run {number}: {'; '.join(found)}", flush=True)
            fates: dict[str, Any] = dict(sorted(line.fates.items()))
    return {
        "measure": MEASURE,
        "version": version(),
        "first": runs.start,
        "runs": len(runs),
        "steps": steps,
        **{name.replace(" ", "_"): count for name, count in sorted(done.items())},
        "killed": dict(sorted(Counter(killed).items())),
        "fates": fates,
        "seconds": round(time.monotonic() - began, 1),
        "failed": sorted(wrong),
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Do the runs, print one line and write one row; 1 when anything was wrong."""
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--runs", type=int, default=RUNS)
    reader.add_argument("--steps", type=int, default=STEPS, help="of each technician in a run")
    reader.add_argument("--first", type=int, default=0, help="number of the first run")
    reader.add_argument(
        "--out", type=Path, metavar="FILE", help=f"append the row; official ones to {RESULTS}"
    )
    told = reader.parse_args(argv)
    row = campaign(range(told.first, told.first + told.runs), told.steps)
    write(told.out, row | tail())
    print(json.dumps(row))
    return 1 if row["failed"] else 0


if __name__ == "__main__":
    raise SystemExit(main())
