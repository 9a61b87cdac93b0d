"""Further rules of the machine of stories: what a desk does beside planning, and a technician's day."""

from __future__ import annotations

import contextlib
import uuid
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from dispatch.errors import DispatchError
from dispatch.sync import protocol
from tests.builders import MORNING
from tests.phone import desk
from tests.phone.direct import CURRENCY, JudgedPhone
from tests.phone.world import World

MOST_VISITS = 5
which = st.integers(0, 9)


class OfficeRules:
    """Mixed into a machine, which has the world and finds its visits and phones."""

    world: World

    def _visit(self, number: int) -> uuid.UUID:
        known = list(self.world.told)
        return known[number % len(known)]

    def _phone(self, number: int) -> JudgedPhone:
        return self.world.phones[number % len(self.world.phones)]

    @rule(technician=st.integers(0, 1), hour=st.integers(0, 5))
    def take_up(self, technician: int, hour: int) -> None:
        """What somebody handed over is planned."""
        if len(self.world.told) < MOST_VISITS:
            desk.take_up(self.world, technician, hour)

    @rule()
    def decide_cases(self) -> None:
        """What somebody has to look at is looked at."""
        desk.decide_cases(self.world)

    @rule(number=which, name=st.sampled_from(desk.MOMENTS), minutes=st.integers(0, 90))
    def amend_times(self, number: int, name: str, minutes: int) -> None:
        """The desk amends a time, where there is one and the times still follow one another."""
        with contextlib.suppress(DispatchError):
            desk.amend_times(self.world, self._visit(number), name, minutes)

    @rule()
    def admit(self) -> None:
        """P13: what a lost phone handed over counts when somebody admits it."""
        desk.admit(self.world)

    @rule(phone=which, kind=st.sampled_from((protocol.BREAK_START, protocol.BREAK_END, protocol.HAND_IN)))
    def record_day(self, phone: int, kind: str) -> None:
        """A technician rests, works on, or hands the day in."""
        one = self._phone(phone)
        payload = self._handed_in(one) if kind == protocol.HAND_IN else {}
        op_id = one.record(kind, visit_id=None, payload=payload)
        self.world.recorded[op_id] = MORNING + self.world.offset

    def _at_the_end(self) -> None:
        """What the desk may still do before everybody pulls for the last time."""
        dice = self.world.dice
        if dice.random() < 0.5:
            self.decide_cases()
        if dice.random() < 0.5:
            desk.take_up(self.world, dice.randrange(2), dice.randrange(6))
        if dice.random() < 0.5:
            name, minutes = dice.choice(desk.MOMENTS), dice.randrange(90)
            with contextlib.suppress(DispatchError):
                desk.amend_times(self.world, dice.choice(list(self.world.told)), name, minutes)

    def _handed_in(self, phone: JudgedPhone) -> dict[str, Any]:
        held = [one for one in phone.store.visits() if one["finished_at"]]
        return {
            "day": self.world.begins(0).date().isoformat(),
            "sheets": [one["number"] for one in held],
            "reasons": {"van": "no time"},
            "counted": {"cash": f"{self.world.dice.randrange(0, 4) * 5}.00"},
            "currency": CURRENCY,
            "stock": {},
        }
