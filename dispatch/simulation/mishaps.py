"""What goes wrong on the demo's day, and what the office does: illness at ten, limits that are over."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from dispatch.loaners.model import LoanerUnit
from dispatch.simulation.day_types import GeneratedCall, GeneratedDay, TrueCourse
from dispatch.simulation.desk import SOLVER_PATIENCE_SECONDS, Desk
from dispatch.simulation.seeding import World

UNITS_EACH, CHARGE_MINOR = 2, 40_000
BRINGING = TrueCourse(
    work_minutes=20,
    travel_factor=1.0,
    departure_delay_minutes=0,
    is_customer_absent=False,
    is_solved=True,
    rating=5,
    payment_method="transfer",
)


def seed_loaners(session: Session, day: GeneratedDay, world: World) -> None:
    """Put loaner units of every kind of equipment into the store."""
    for kind in sorted({asset.product_kind for asset in day.assets}):
        for number in range(1, UNITS_EACH + 1):
            session.add(
                LoanerUnit(
                    territory_id=world.territory_id,
                    product_kind=kind,
                    model=f"Loaner {kind}",
                    serial=f"L-{kind}-{number}",
                    charge_minor=CHARGE_MINOR,
                    currency=day.currency,
                    state="available",
                )
            )
    session.flush()


class Mishaps:
    """The office's answers to what goes wrong."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.day, self.world = desk, desk.day, desk.world

    def somebody_is_ill(self, now: datetime) -> str:
        """
        Let the technician with most work ahead fall ill; say what was in danger and what became of it.

        The impact is read before the absence is written; the absence asks for a plan by itself.
        """
        view = self.desk.day_view(self.day.day)
        ahead: dict[str, int] = {}
        for stop in (view["published"] or {"stops": []})["stops"]:
            if datetime.fromisoformat(stop["start"]) > now + timedelta(hours=1):
                ahead[stop["technician_id"]] = ahead.get(stop["technician_id"], 0) + 1
        if not ahead:
            return "nobody has work ahead, so nobody falls ill"
        technician = max(sorted(ahead), key=lambda who: ahead[who])
        away = {"starts_at": now.isoformat(), "ends_at": (now + timedelta(hours=14)).isoformat()}
        path = f"/v1/territories/{self.world.territory_id}/days/{self.day.day.isoformat()}"
        body = {"absences": [{"technician_id": technician, **away}]}
        dispatcher = self.desk.people["dispatcher"]
        endangered = dispatcher.create(f"{path}/impact", body)["items"]
        mended = sum(1 for row in endangered if row["repair"] and row["repair"]["keeps_promise"])
        dispatcher.create(f"/v1/technicians/{technician}/absences", {**away, "reason": "ill"})
        published = self._publish_for("absence")
        how = "a new plan was published" if published else "no plan came in time"
        return f"{len(endangered)} promises in danger, {mended} can be kept by others; {how}"

    def _publish_for(self, reason: str) -> bool:
        """Publish the proposal that was asked for by itself; bookings in between make it stale."""
        deadline = time.monotonic() + SOLVER_PATIENCE_SECONDS
        while time.monotonic() < deadline:
            view = self.desk.day_view(self.day.day)
            fresh = [plan for plan in view["proposals"] if plan["reason"] == reason]
            if fresh:
                if self.desk.publish(fresh[0]["id"], view["version"]):
                    return True
                self.desk.optimise_and_publish(self.day.day, 1.0, self.day.seed)
                return True
            time.sleep(0.2)
        return False

    def loaners(self) -> str:
        """Say what became of orders whose limit of resolution is over; publish what is planned of it."""
        self.publish_ways()
        rows = self._loans()
        if not rows:
            return "no loaner is needed"
        states = ", ".join(f"loaner {row['state']}" for row in rows)
        days = {start.astimezone(ZoneInfo(self.day.timezone)).date() for start in self._ways(rows)}
        when = "today" if self.day.day in days else "on a later day" if days else "when there is room"
        return f"{states}, delivery {when}"

    def publish_ways(self) -> None:
        """Publish the day's draft where it holds a unit's way that nobody's phone has yet."""
        waiting = self._ways(self._loans(), state="planned")
        if any(start.astimezone(ZoneInfo(self.day.timezone)).date() == self.day.day for start in waiting):
            self.desk.publish_draft(self.day.day)

    def _loans(self) -> list[dict[str, Any]]:
        path = f"/v1/territories/{self.world.territory_id}/loans"
        found: list[dict[str, Any]] = self.desk.people["dispatcher"].get(path)["items"]
        return found

    def _ways(self, loans: Sequence[Mapping[str, Any]], state: str | None = None) -> list[datetime]:
        """When units are brought and fetched, of all visits or those in a state."""
        names = [loan[name] for loan in loans for name in ("delivery_order_id", "pickup_order_id")]
        dispatcher = self.desk.people["dispatcher"]
        orders = [dispatcher.get(f"/v1/work-orders/{name}") for name in names if name is not None]
        return [
            datetime.fromisoformat(visit["planned_start"])
            for order in orders
            for visit in order["visits"]
            if visit["planned_start"] is not None and state in {None, visit["state"]}
        ]

    def bringing_for(self, order_id: str) -> GeneratedCall:
        """What really happens at an order that no call is behind: a unit is brought there, or fetched."""
        site_id = self.desk.people["dispatcher"].get(f"/v1/work-orders/{order_id}")["site_id"]
        numbers = {str(known): number for number, known in self.world.sites.items()}
        near = [call for call in self.day.calls if call.site == numbers.get(site_id)]
        if not near:
            raise LookupError(f"nobody called about order {order_id}")
        return self.bringing(near[0])

    def bringing(self, call: GeneratedCall) -> GeneratedCall:
        """What really happens when a unit is brought to the place of a call."""
        plain = next((item for item in self.day.templates if not item.parts), self.day.templates[0])
        return replace(call, template=plain.code, case="contract", course=BRINGING)
