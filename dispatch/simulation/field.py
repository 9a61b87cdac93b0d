"""
Simulated technicians: they drive, work and sign on their phones, often without a connection.

Each one follows the stops on the own phone in the planned order. What really happens (drive, work, absent
customers, unsolved faults) comes from the generated day; the phone records it at the simulated moment and
sends it when there is a connection.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Protocol

from dispatch.money import Money
from dispatch.simulation.day_types import GeneratedCall, GeneratedDay, GeneratedTechnician
from dispatch.simulation.photos import a_photo
from dispatch.simulation.timeline import Timeline
from dispatch.sync import protocol
from dispatch.travel.provider import TravelTimes

OPEN = frozenset({"published", "accepted"})
LOOK_AGAIN = timedelta(minutes=30)
LONGER = timedelta(minutes=10)
"""So much longer than planned is told."""
WAIT_FOR_CUSTOMER = timedelta(minutes=12)
PHOTO_SHARE = 0.4
"""Of repairs that are photographed when they are done."""
STROKES = "M 10 60 C 40 10 65 10 95 60 S 150 110 180 60"
OFFLINE_SHARE = 0.35
"""Share of pushes that find no connection, as in cellars and lift shafts."""


class Phone(Protocol):
    """What a technician's phone can do."""

    def pull(self) -> None:
        """Fetch what the office changed."""

    def push(self) -> object:
        """Send what waits, and keep what was not answered."""

    def visits(self) -> Sequence[Mapping[str, Any]]:
        """Return the visits on the phone."""

    def record(
        self,
        kind: str,
        *,
        at: datetime,
        visit_id: str | None = None,
        payload: Mapping[str, Any] | None = None,
    ) -> object:
        """Write an operation durably on the phone."""

    def attach(self, visit_id: str, content: bytes, media_type: str, *, purpose: str) -> object:
        """Announce a file and keep its bytes until they are sent."""

    def send_files(self) -> int:
        """Send bytes that are announced and not there yet."""

    def shown_sha256(self, visit_id: str) -> str:
        """Return the hash of what the customer sees before signing."""


class Bill(NamedTuple):
    """What the customer will be charged for a visit, before and after tax, in minor units."""

    net_minor: int
    gross_minor: int


@dataclass(slots=True)
class Work:
    """Counts of one technician's day."""

    visits: int = 0
    no_access: int = 0
    unsolved: int = 0
    worked_minutes: int = 0
    offline_pushes: int = 0


class FieldTechnician:
    """One technician's day as happenings on the timeline."""

    def __init__(
        self,
        *,
        person: GeneratedTechnician,
        phone: Phone,
        timeline: Timeline,
        travel: TravelTimes,
        call_for: Callable[[str], GeneratedCall],
        day: GeneratedDay,
        bill: Callable[[GeneratedCall], Bill],
    ) -> None:
        self.person, self.phone, self.timeline, self.travel = person, phone, timeline, travel
        self.call_for = call_for
        self.day = day
        self.work = Work()
        self.handed_in = False
        self._bill = bill
        self._random = random.Random(f"{day.seed}:{person.number}")
        self._here = person.home.point
        self._break_over = False
        self._looked_at = timeline.now
        self._sheets: list[str] = []
        self._money: dict[str, int] = {}
        self._parts = {part.sku: part for part in day.parts}
        self._templates = {template.code: template for template in day.templates}
        self._sites = {site.number: site for site in day.sites}
        self.unfinished: list[str] = []

    def begin(self) -> None:
        """Start the shift."""
        self.timeline.at(self.person.shift_starts_at, self._next)

    def _next(self) -> None:
        """Look at the phone and set out for the next stop, rest, wait, or end the day."""
        now = self.timeline.now
        if self._take_break(now):
            return
        self._look()
        stop = self._next_stop(now)
        over = self.person.shift_ends_at
        if stop is None:
            if now >= over:
                self._hand_in()
            else:
                self.timeline.at(min(over, now + LOOK_AGAIN), self._next)
            return
        call = self.call_for(str(stop["id"]))
        drive = self._drive(call)
        delay = timedelta(minutes=call.course.departure_delay_minutes)
        leave = max(now + delay, _moment(stop["planned_start"]) - drive - timedelta(minutes=5))
        if leave > now + LOOK_AGAIN:
            self.timeline.at(now + LOOK_AGAIN, self._next)
            return
        self.timeline.at(leave, lambda: self._set_out(str(stop["id"]), drive))

    def _look(self) -> None:
        self.phone.pull()
        self._looked_at = self.timeline.now

    def _take_break(self, now: datetime) -> bool:
        if self._break_over or now < self.person.break_earliest:
            return False
        self._break_over = True
        self.timeline.at(now + timedelta(minutes=self.person.break_minutes), self._next)
        return True

    def _next_stop(self, now: datetime) -> Mapping[str, Any] | None:
        today = [
            visit
            for visit in self.phone.visits()
            if visit["state"] in OPEN
            and visit["planned_start"]
            and _moment(visit["planned_start"]) < now + timedelta(hours=14)
        ]
        return min(today, key=lambda visit: _moment(visit["planned_start"]), default=None)

    def _drive(self, call: GeneratedCall) -> timedelta:
        """True way to a site: road time with the day's traffic, then parking and access."""
        site = self._sites[call.site]
        matrix = self.travel.matrix([self._here, site.address.point])
        road = float(matrix.seconds[0, 1]) * call.course.travel_factor
        return timedelta(seconds=round(road) + 60 * (site.parking_minutes + site.access_minutes))

    def _set_out(self, visit_id: str, drive: timedelta) -> None:
        if self.timeline.now - self._looked_at > timedelta(minutes=4):
            self._look()
        still = {str(visit["id"]): visit for visit in self.phone.visits()}.get(visit_id)
        if still is None or still["state"] not in OPEN:
            self._next()
            return
        now = self.timeline.now
        if still["state"] == "published":
            self.phone.record("visit.accept", at=now, visit_id=visit_id)
        self.phone.record("visit.travel", at=now, visit_id=visit_id)
        self.phone.push()
        self.timeline.at(now + drive, lambda: self._arrive(visit_id))

    def _arrive(self, visit_id: str) -> None:
        now, call = self.timeline.now, self.call_for(visit_id)
        self._here = self._sites[call.site].address.point
        self.phone.record("visit.arrive", at=now, visit_id=visit_id)
        self._send()
        visit = next(item for item in self.phone.visits() if str(item["id"]) == visit_id)
        opens = _moment(visit["window_start"]) if visit["window_start"] else now
        if call.course.is_customer_absent and int(visit.get("attempt", 1)) == 1:
            self.timeline.at(max(now, opens) + WAIT_FOR_CUSTOMER, lambda: self._give_up(visit_id))
        else:
            self.timeline.at(max(now, opens), lambda: self._start(visit_id))

    def _give_up(self, visit_id: str) -> None:
        reason = {"reason": "nobody opened, the phone was not answered"}
        self.phone.attach(visit_id, a_photo(self._random), "image/jpeg", purpose="no_access")
        self.phone.record("visit.no_access", at=self.timeline.now, visit_id=visit_id, payload=reason)
        self.work.no_access += 1
        self._sheets.append(visit_id)
        if not self._goes_along(visit_id):
            self.unfinished.append(visit_id)
        self._send()
        self._next()

    def _start(self, visit_id: str) -> None:
        self.phone.record("visit.start", at=self.timeline.now, visit_id=visit_id)
        call, now = self.call_for(visit_id), self.timeline.now
        planned = timedelta(minutes=self._templates[call.template].duration_minutes)
        over = now + timedelta(minutes=call.course.work_minutes)
        if over - now > planned + LONGER:
            self.timeline.at(now + planned, lambda: self._tell_longer(visit_id, over))
        self.timeline.at(over, lambda: self._finish(visit_id))

    def _tell_longer(self, visit_id: str, over: datetime) -> None:
        """Say that work takes longer than planned, in whole quarters of an hour."""
        now = self.timeline.now
        left = 15 * -((now - over) // timedelta(minutes=15))
        told = {"remaining_minutes": left}
        self.phone.record(protocol.EXPECT, at=now, visit_id=visit_id, payload=told)
        self.phone.push()

    def _goes_along(self, visit_id: str) -> bool:
        """Whether a colleague leads the crew and keeps the record."""
        return any(str(visit["id"]) == visit_id and visit.get("leader_id") for visit in self.phone.visits())

    def _help(self, visit_id: str) -> None:
        """End the own part of a crew's work; findings, signature and money are the leader's."""
        self.phone.record("visit.finish", at=self.timeline.now, visit_id=visit_id, payload={})
        self.work.visits += 1
        self.work.worked_minutes += self.call_for(visit_id).course.work_minutes
        self._sheets.append(visit_id)
        self._send()
        self._next()

    def _finish(self, visit_id: str) -> None:
        if self._goes_along(visit_id):
            self._help(visit_id)
            return
        now, call = self.timeline.now, self.call_for(visit_id)
        template, course = self._templates[call.template], call.course
        self.phone.record("finding.add", at=now, visit_id=visit_id, payload=self._finding(call))
        if course.is_solved:
            for sku, quantity in template.parts.items():
                self.phone.record(
                    "part.add", at=now, visit_id=visit_id, payload=self._part(call, sku, quantity)
                )
        self._approval_if_dearer(visit_id, call)
        if self._random.random() < PHOTO_SHARE:
            self.phone.attach(visit_id, a_photo(self._random), "image/jpeg", purpose="after")
        outcome = {"is_solved": course.is_solved, "rating": course.rating}
        self._sign(visit_id, call)
        self.phone.record("visit.finish", at=now, visit_id=visit_id, payload=outcome)
        self._pay(visit_id, call)
        self.work.visits += 1
        self.work.worked_minutes += course.work_minutes
        self._sheets.append(visit_id)
        if not course.is_solved:
            self.work.unsolved += 1
            self.unfinished.append(visit_id)
        self._send()
        self._next()

    def _finding(self, call: GeneratedCall) -> dict[str, Any]:
        template = self._templates[call.template]
        return {
            "fault": template.title_en,
            "cause": "wear" if template.fault_class == "product" else "use",
            "action": "repaired and tested"
            if call.course.is_solved
            else "inspected, part or time is missing",
            "measurements": [{"name": "insulation", "value": "2.1", "unit": "MOhm"}],
            "advised": self._advice(),
            "use_explained": True,
            "documents_handed_over": [],
            "is_solved": call.course.is_solved,
            "is_tested": call.course.is_solved,
        }

    def _advice(self) -> list[dict[str, Any]]:
        """R-505: now and then something is advised, seldom a danger."""
        if self._random.random() >= 0.1:
            return []
        if self._random.random() < 0.2:
            return [{"text": "flue gas reaches the room", "is_danger": True}]
        return [{"text": "descale within 6 months", "is_danger": False}]

    def _part(self, call: GeneratedCall, sku: str, quantity: int) -> dict[str, Any]:
        year = self.day.day.year
        lot = f"LOT-{year}-B" if call.case in {"repeat", "old_repeat"} else f"LOT-{year}-A"
        return {"direction": "in", "sku": sku, "quantity": quantity, "lot": lot}

    def _approval_if_dearer(self, visit_id: str, call: GeneratedCall) -> None:
        """Ask the customer before the price passes the estimate by more than 10 % (R-204)."""
        likely = self._bill(call).net_minor
        visit = next(item for item in self.phone.visits() if str(item["id"]) == visit_id)
        estimate = int(visit["estimate_minor"])
        if likely * 10 <= estimate * 11 or self._random.random() < 0.2:
            return
        payload = {
            "amount": str(Money(likely, self.day.currency)),
            "currency": self.day.currency,
            "approved_by_name": self._customer_name(call),
            "method": "signature",
        }
        self.phone.record("approval.add", at=self.timeline.now, visit_id=visit_id, payload=payload)

    def _customer_name(self, call: GeneratedCall) -> str:
        return next(item.name for item in self.day.customers if item.number == call.customer)

    def _sign(self, visit_id: str, call: GeneratedCall) -> None:
        payload = {
            "shown_sha256": self.phone.shown_sha256(visit_id),
            "signed_by_name": self._customer_name(call),
            "signature_path": STROKES,
        }
        self.phone.record("report.sign", at=self.timeline.now, visit_id=visit_id, payload=payload)

    def _pay(self, visit_id: str, call: GeneratedCall) -> None:
        """Take money on site from customers who pay by cash, card or QR."""
        if call.course.payment_method == "transfer" or call.case != "paid" or not call.course.is_solved:
            return
        gross = self._bill(call).gross_minor
        payload = {
            "method": call.course.payment_method,
            "amount": str(Money(gross, self.day.currency)),
            "currency": self.day.currency,
            "reference": f"{self.person.number}-{call.number}",
        }
        self.phone.record("payment.add", at=self.timeline.now, visit_id=visit_id, payload=payload)
        method = call.course.payment_method
        self._money[method] = self._money.get(method, 0) + gross

    def _send(self) -> None:
        if self._random.random() < OFFLINE_SHARE:
            self.work.offline_pushes += 1
            return
        self.phone.push()
        self.phone.send_files()

    def _hand_in(self) -> None:
        """Close the day: sheets, counted money; now and then a coin is missing (R-603)."""
        self.phone.push()
        self.phone.send_files()
        self.phone.pull()
        numbers = {str(visit["id"]): str(visit["number"]) for visit in self.phone.visits()}
        counted = dict(self._money)
        if "cash" in counted and self._random.random() < 0.15:
            counted["cash"] -= 50
        payload = {
            "day": self.day.day.isoformat(),
            "sheets": [numbers[visit_id] for visit_id in self._sheets if visit_id in numbers],
            "reasons": {"van": "counted with the refill"},
            "counted": {method: str(Money(amount, self.day.currency)) for method, amount in counted.items()},
            "currency": self.day.currency,
        }
        shown = protocol.record_digest(protocol.handed_in_shown(payload))
        signed = {"shown_sha256": shown, "signed_by_name": self.person.name, "signature_path": STROKES}
        self.phone.record("day.hand_in", at=self.timeline.now, payload=payload | signed)
        self.phone.push()
        self.handed_in = True


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
