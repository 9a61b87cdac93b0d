"""
The desk, two technicians, a bad network and dying servers in any order (reliability §2.9).

Every step is a transaction on a real database. When it ends, the network heals, everybody pushes and pulls,
and the properties are judged.
"""

from __future__ import annotations

import contextlib
import uuid
from datetime import timedelta
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from sqlalchemy import Connection

from dispatch.errors import DispatchError
from dispatch.simulation.phone import Revoked
from dispatch.simulation.phone_answers import NothingDecided
from dispatch.sync import protocol
from tests.builders import MORNING
from tests.phone import checks
from tests.phone.direct import GOOD, NETWORKS, JudgedPhone
from tests.phone.office_rules import MOST_VISITS, OfficeRules, which
from tests.phone.world import PIECE, World, payload_of

KINDS = [
    *sorted(protocol.STEPS_OF_A_VISIT),
    protocol.FINDING,
    protocol.PART,
    protocol.APPROVAL,
    protocol.ANSWER,
    protocol.WAIVE,
    protocol.SIGN,
    protocol.PAYMENT,
    protocol.DECLARE,
    protocol.CONSENT,
    *sorted(protocol.VOIDS),
    protocol.FILE_VOID,
    protocol.PROPOSE,
    protocol.EXPECT,
    protocol.HAND_OVER,
    protocol.SETTLE,
]
WAYS = ("part", "twice", "shuffled", "old", "gap")
IN_ORDER = (
    protocol.TRAVEL,
    protocol.ARRIVE,
    protocol.START,
    protocol.FINDING,
    protocol.ANSWER,
    protocol.SIGN,
    protocol.FINISH,
)

BEGUN = (protocol.TRAVEL, protocol.ARRIVE, protocol.START)
TOLD = (
    protocol.FINDING,
    protocol.PART,
    protocol.APPROVAL,
    protocol.CONSENT,
    protocol.PAYMENT,
    protocol.DECLARE,
    protocol.PAUSE,
)
ENDS = ((), (protocol.HAND_OVER,), (protocol.FINDING, protocol.ANSWER, protocol.WAIVE, protocol.FINISH))
TAKEN_BACK = {**protocol.VOIDS, protocol.FILE_VOID: protocol.DECLARE}

nets = st.sampled_from((GOOD, GOOD, *NETWORKS))


class SyncMachine(OfficeRules, RuleBasedStateMachine):
    """Anything that can happen between a desk and its technicians' phones."""

    judged = 0
    """How many days were judged to their end."""
    reader: ClassVar[Connection | None] = None
    """What judges ask through; it outlives stories."""

    @initialize(seed=st.integers(0, 2**16))
    def found(self, seed: int) -> None:
        """Begin with a company and a visit for each technician."""
        self.world = World.founded()
        self.world.reader = self.reader
        self.world.dice.seed(seed)
        self.backups: dict[Any, Any] = {}
        self.facts = checks.facts(self.world)
        for technician in (0, 1):
            self.world.publish(technician, technician)
        for phone in self.world.phones:
            phone.pull()
        if self.world.dice.random() < 0.4:
            self._begin(self.world.dice.choice(self.world.phones))

    def _begin(self, phone: JudgedPhone) -> None:
        """Somebody is at work or done when the story begins, with contact or without, in any schema."""
        dice = self.world.dice
        phone.schema = dice.choice(sorted(protocol.PUSH_SCHEMAS))
        told = dice.choices(TOLD, k=4)
        void = [gone for gone, kind in TAKEN_BACK.items() if kind in told and dice.random() < 0.5]
        for kind in (*BEGUN, *told, *void, *dice.choice(ENDS)):
            self._record(phone, 0, kind)
        if dice.random() < 0.3:
            self.reassign(dice.randrange(2), dice.randrange(2), dice.randrange(6))
        if dice.random() < 0.5:
            self._over(phone, GOOD, lambda one: one.push())
            for other in self.world.phones:
                self._over(other, GOOD, lambda one: one.pull())
                self._settle(other)

    def _settle(self, phone: JudgedPhone) -> None:
        """Who reads what is advised for the equipment does it, or hears that nobody wants it."""
        for number, held in enumerate(phone.store.visits()):
            if held.get("advice"):
                self._record(phone, number, protocol.SETTLE)

    @rule(technician=st.integers(0, 1), hour=st.integers(0, 5))
    def publish(self, technician: int, hour: int) -> None:
        """A new visit."""
        if len(self.world.told) < MOST_VISITS:
            self.world.publish(technician, hour)

    @rule(number=which, technician=st.integers(0, 1), hour=st.integers(0, 5))
    def reassign(self, number: int, technician: int, hour: int) -> None:
        """The desk plans a visit anew; what is over it cannot."""
        with contextlib.suppress(DispatchError):
            self.world.reassign(self._visit(number), technician, hour)

    @rule(number=which)
    def cancel(self, number: int) -> None:
        """The desk calls a visit off, if it still can."""
        with contextlib.suppress(DispatchError):
            self.world.cancel(self._visit(number))

    @rule(number=which, priority=st.integers(1, 4))
    def amend(self, number: int, priority: int) -> None:
        """The desk changes the urgency."""
        with contextlib.suppress(DispatchError):
            self.world.amend(self._visit(number), priority)

    @rule(phone=which, number=which, kind=st.sampled_from(KINDS))
    def record(self, phone: int, number: int, kind: str) -> None:
        """A technician records anything about a visit that the phone holds."""
        self._record(self._phone(phone), number, kind)

    @rule(phone=which, number=which, steps=st.integers(1, len(IN_ORDER)))
    def work(self, phone: int, number: int, steps: int) -> None:
        """A technician does what is usual, in the usual order."""
        for kind in IN_ORDER[:steps]:
            self._record(self._phone(phone), number, kind)

    def _record(self, phone: JudgedPhone, number: int, kind: str) -> None:
        held = phone.store.visits()
        if not held:
            return
        visit = held[number % len(held)]
        visit_id = visit["id"]
        if kind == protocol.SIGN and visit["record"] is None:
            return  # nobody signs what the phone does not show, as when its clock put the visit long ago
        payload = payload_of(self.world, phone, kind, visit_id)
        op_id = phone.record(kind, visit_id=visit_id, payload=payload)
        self.world.recorded[op_id] = MORNING + self.world.offset

    @rule(phone=which, number=which)
    def attach(self, phone: int, number: int) -> None:
        """A technician announces a file, perhaps one that was announced before."""
        one, held = self._phone(phone), self._phone(phone).store.visits()
        if held:
            visit_id = held[number % len(held)]["id"]
            papers = self.world.papers.setdefault(visit_id, [])
            if not papers or self.world.dice.random() < 0.7:
                papers.append(self.world.a_paper())
            one.attach(visit_id, self.world.dice.choice(papers), "application/pdf", purpose="before")

    @rule(phone=which, net=nets)
    def send_files(self, phone: int, net: str) -> None:
        """P15: a phone sends the bytes of its files; the server may die after it wrote a piece."""
        self._over(self._phone(phone), net, lambda one: one.send_files(piece_bytes=PIECE))

    @rule(phone=which, net=nets)
    def push(self, phone: int, net: str) -> None:
        """A phone pushes over the network as it is."""
        self._over(self._phone(phone), net, lambda one: one.push())

    @rule(phone=which, net=nets, way=st.sampled_from(WAYS))
    def push_oddly(self, phone: int, net: str, way: str) -> None:
        """A phone sends a part, twice, in disorder, what was sent long ago, or leaves one out."""
        one = self._phone(phone)
        bodies = [kept.body for kept in one.store.operations() if not kept.is_blank]
        unsent = one.store.unsent(200)
        batch = {
            "part": unsent[: max(1, len(unsent) // 2)],
            "twice": unsent + unsent,
            "shuffled": self.world.dice.sample(unsent, len(unsent)),
            "old": bodies[: max(1, len(bodies) // 2)],
            "gap": unsent[1:],
        }[way]
        if batch:
            self._over(one, net, lambda phone: phone.send(batch))

    @rule(phone=which, net=nets, page=st.sampled_from((1, 2, 500)), pages=st.sampled_from((None, 1, 2)))
    def pull(self, phone: int, net: str, page: int, pages: int | None) -> None:
        """A phone pulls, in pages of any size, and may lose contact in between."""
        one = self._phone(phone)
        one.line.page, one.line.breaks_after = page, pages
        self._over(one, net, lambda phone: phone.pull())
        one.line.page, one.line.breaks_after = protocol.PAGE, None

    def _over(self, phone: JudgedPhone, net: str, does: Any) -> None:
        phone.line.state = net
        with contextlib.suppress(NothingDecided):
            does(phone)
        phone.line.state = GOOD
        self._facts_did_not_shrink()

    @rule(phone=which)
    def back_up(self, phone: int) -> None:
        """The phone's owner backs it up."""
        one = self._phone(phone)
        self.backups[one.by.device_id] = one.store.copy()

    @rule(phone=which)
    def restore(self, phone: int) -> None:
        """P18: the phone comes back from its backup: a new installation, what came later is gone."""
        one = self._phone(phone)
        backup = self.backups.pop(one.by.device_id, None)
        if backup is not None:
            self.world.gone_epochs.add((one.by.device_id, one.store.setting("install_epoch")))
            backup.restored()
            one.store = backup

    @rule(phone=which, hours=st.integers(-100_000, 100_000))
    def set_clock(self, phone: int, hours: int) -> None:
        """P14: somebody sets the phone's clock; it also restarts."""
        one = self._phone(phone)
        one._now = lambda: self.world.now() + timedelta(hours=hours)  # type: ignore[method-assign]
        one.boot_id = uuid.uuid4().hex

    @rule(phone=which, schema=st.sampled_from(sorted(protocol.PUSH_SCHEMAS)))
    def install(self, phone: int, schema: int) -> None:
        """P17: the app is updated, or goes back to an older version."""
        self._phone(phone).schema = schema

    @rule(phone=which)
    def lose(self, phone: int) -> None:
        """P13: the phone is lost and revoked; it tries all the same, and hands over what it has not sent."""
        if len(self.world.retired) >= 2:
            return
        one = self._phone(phone)
        self.world.revoke(one)
        for does in (one.push, one.pull):
            with contextlib.suppress(Revoked, NothingDecided):
                does()
        self.world.name_key(one)
        one.surrender()

    @rule(apply=st.booleans())
    def decide(self, apply: bool) -> None:
        """The desk decides about a rejected operation."""
        with contextlib.suppress(DispatchError):
            self.world.decide_rejections(apply=apply)

    @rule(minutes=st.sampled_from((5, 60)))
    def wait(self, minutes: int) -> None:
        """Time passes."""
        self.world.advance(timedelta(minutes=minutes))

    def _facts_did_not_shrink(self) -> None:
        """P12: facts are only added."""
        now = checks.facts(self.world)
        assert all(now[name] >= before for name, before in self.facts.items()), "P12: a fact is gone"
        self.facts = now

    def teardown(self) -> None:
        """The network heals, what waited too long is decided, everybody pushes and pulls; then judge."""
        if not hasattr(self, "world"):
            return
        with self.world.directory:
            self._heal()
            self._facts_did_not_shrink()
            for check in checks.CHECKS:
                check(self.world)
        SyncMachine.judged += 1
        for phone in (*self.world.phones, *self.world.retired):
            phone.close()

    def _heal(self) -> None:
        world = self.world
        for _ in range(2):
            for phone in world.phones:
                phone.line.state = GOOD
                phone.push()
        for phone in world.phones:
            phone.pull()
        checks.phones_hold_what_the_office_has(world)
        world.advance(timedelta(hours=73))
        world.decide_held()
        self._at_the_end()
        for phone in world.phones:
            phone.push()
            phone.send_files(piece_bytes=PIECE)
            phone.send_files(piece_bytes=PIECE)
        for phone in world.phones:
            phone.pull()
