"""What call taker, supervisor, dispatcher and finance do during the demo's day, all through the HTTP API."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from dispatch.simulation.day_types import GeneratedCall, GeneratedDay, TimeSpan
from dispatch.simulation.office import OfficeRefused, Person
from dispatch.simulation.seeding import World

OFFERS = 8
REPLAN_SECONDS = 0.4
SOLVER_PATIENCE_SECONDS = 180.0


@dataclass(slots=True)
class Tally:
    """What the office did."""

    calls: int = 0
    guided: int = 0
    promised: int = 0
    repromised: int = 0
    without_offer: int = 0
    publications: int = 0
    stale_publications: int = 0
    replans: int = 0
    notes: list[str] = field(default_factory=list)


class Desk:
    """The office roles of the demo, each with its own login."""

    def __init__(self, base_url: str, day: GeneratedDay, world: World) -> None:
        self.day = day
        self.world = world
        self.people = {name: Person(base_url, world.logins[name]) for name in world.logins if "-" not in name}
        self.tally = Tally()
        self._call_of_visit: dict[str, GeneratedCall] = {}
        self._call_of_order: dict[str, GeneratedCall] = {}
        self.unexpected: Callable[[str], GeneratedCall] = self._nobody
        self._customers = {item.number: item for item in day.customers}
        self._sites = {item.number: item for item in day.sites}
        self._assets = {item.number: item for item in day.assets}

    def take_call(self, call: GeneratedCall, now: datetime) -> str | None:
        """Register a call, have it assessed, promise a window; return the visit's id if there is one."""
        registered = self.people["call_taker"].create(
            "/v1/calls", self._call_body(call), key=f"{call.number}:call"
        )
        self.tally.calls += 1
        assessment = self._assess(call, registered["id"], now)
        visit_id = assessment.get("visit_id")
        if visit_id is None:
            self.tally.guided += 1
            return None
        self._call_of_visit[visit_id] = call
        self._call_of_order[assessment["work_order_id"]] = call
        if not call.is_emergency:
            self.promise(visit_id, call.preferred_windows, first_day=None)
        return str(visit_id)

    def call_for(self, visit_id: str) -> GeneratedCall:
        """Return the call behind a visit; a follow-up visit belongs to the call of its order."""
        if visit_id not in self._call_of_visit:
            visit = self.people["dispatcher"].get(f"/v1/visits/{visit_id}")
            call = self._call_of_order.get(visit["work_order_id"])
            self._call_of_visit[visit_id] = call or self.unexpected(visit["work_order_id"])
        return self._call_of_visit[visit_id]

    def _nobody(self, order_id: str) -> GeneratedCall:
        raise LookupError(f"nobody called about order {order_id}")

    def resolution_due(self, visit_id: str) -> datetime | None:
        """When the fault behind a visit has to be gone by its contract (R-402)."""
        dispatcher = self.people["dispatcher"]
        order_id = dispatcher.get(f"/v1/visits/{visit_id}")["work_order_id"]
        due = dispatcher.get(f"/v1/work-orders/{order_id}")["resolution_due_at"]
        return datetime.fromisoformat(due) if due is not None else None

    def _call_body(self, call: GeneratedCall) -> dict[str, Any]:
        body: dict[str, Any] = {
            "channel": call.channel,
            "requested_at": call.requested_at.isoformat(),
            "template": call.template,
            "description": call.description,
            "priority": call.priority,
        }
        if call.customer in self.world.customers:
            body["customer_id"] = str(self.world.customers[call.customer])
            body["site_id"] = str(self.world.sites[call.site])
            body["asset_id"] = str(self.world.assets[call.asset])
            return body
        customer, site, asset = (
            self._customers[call.customer],
            self._sites[call.site],
            self._assets[call.asset],
        )
        body["caller"] = {
            "name": customer.name,
            "phone": customer.phone,
            "email": customer.email,
            "kind": customer.kind,
            "language": customer.language,
        }
        body["place"] = {
            "address": site.address.line,
            "parking_minutes": site.parking_minutes,
            "access_minutes": site.access_minutes,
            "access_notes": site.access_notes,
        }
        body["equipment"] = {
            "product_kind": asset.product_kind,
            "model": asset.model,
            "serial": asset.serial,
            "purchased_on": asset.purchased_on.isoformat(),
            "accepted_on": asset.accepted_on.isoformat(),
            "maker_warranty_until": _iso(asset.maker_warranty_until),
        }
        return body

    def _assess(self, call: GeneratedCall, call_id: str, now: datetime) -> dict[str, Any]:
        supervisor = self.people["supervisor"]
        estimate = supervisor.get(f"/v1/calls/{call_id}/estimate")
        told = {name: estimate[name] for name in ("labour", "parts", "travel")}
        body = {
            "resolution": "guidance" if call.case == "guidance" else "visit",
            "told": {**told, "told_at": now.isoformat(), "is_accepted": True},
        }
        return supervisor.create(f"/v1/calls/{call_id}/assessment", body, key=f"{call.number}:assessment")

    def promise(
        self,
        visit_id: str,
        wishes: tuple[TimeSpan, ...],
        *,
        first_day: date | None,
        days: int = 2,
        earliest: bool = False,
        reason: str = "first",
    ) -> bool:
        """Ask for offers and take the cheapest that suits the customer; a lost slot is asked for anew."""
        taker = self.people["call_taker"]
        params: dict[str, Any] = {"days": days, "limit": OFFERS}
        if first_day is not None:
            params["first_day"] = first_day.isoformat()
        for _ in range(4):
            offers = taker.get(f"/v1/visits/{visit_id}/offers", **params)
            if not offers["windows"]:
                self.tally.without_offer += 1
                self.tally.notes += [f"{visit_id}: {item['sentence']}" for item in offers["refusals"][:1]]
                return False
            chosen = _earliest(offers["windows"]) if earliest else _suiting(offers["windows"], wishes)
            body = {"window": chosen["window"], "channel": "phone", "reason": reason}
            try:
                taker.create(f"/v1/visits/{visit_id}/promise", body)
            except OfficeRefused as refusal:
                if refusal.status not in {409, 412}:
                    raise
                continue
            self.tally.promised += 1
            return True
        return False

    def day_view(self, day: date) -> dict[str, Any]:
        """Read a day of the territory."""
        path = f"/v1/territories/{self.world.territory_id}/days/{day.isoformat()}"
        return self.people["dispatcher"].get(path)

    def optimise_and_publish(self, day: date, seconds: float, seed: int) -> dict[str, Any]:
        """Plan a day anew and publish the proposal; bookings in between make it stale and start it again."""
        for _ in range(5):
            path = f"/v1/territories/{self.world.territory_id}/days/{day.isoformat()}/optimise"
            run = self.people["dispatcher"].create(path, {"seconds": seconds, "seed": seed})
            self.await_run(run["run_id"])
            view = self.day_view(day)
            if view["proposals"] and self.publish(view["proposals"][0]["id"], view["version"]):
                return self.day_view(day)
        raise TimeoutError(f"the plan of {day.isoformat()} could not be published")

    def await_run(self, run_id: str) -> dict[str, Any]:
        """Wait for an optimisation to end."""
        deadline = time.monotonic() + SOLVER_PATIENCE_SECONDS
        while time.monotonic() < deadline:
            run = self.people["dispatcher"].get(f"/v1/planning/runs/{run_id}")
            if run["state"] == "done":
                return run
            if run["state"] == "parked":
                raise RuntimeError(f"planning gave up: {run['error']}")
            time.sleep(0.2)
        raise TimeoutError(f"run {run_id} is still {run['state']}")

    def place_emergency(self, visit_id: str, day: date, seed: int) -> str:
        """
        Find a place today for an emergency and publish it; say how.

        The earliest window that the plan can hold is promised and the replan that it sets off published. When
        insertion finds none, the whole rest of the day is planned anew; a visit still unserved gets tomorrow.
        """
        if self.promise(visit_id, (), first_day=day, days=1, earliest=True):
            return "replanned" if self.await_replan(day) else "inserted"
        self.optimise_and_publish(day, REPLAN_SECONDS, seed)
        visit = self.people["dispatcher"].get(f"/v1/visits/{visit_id}")
        if visit["state"] == "published":
            return "planned anew"
        self.promise(visit_id, (), first_day=day + timedelta(days=1))
        return "no place today, promised for tomorrow"

    def await_replan(self, day: date) -> bool:
        """Wait for the proposal that an emergency has asked for, and publish it."""
        deadline = time.monotonic() + SOLVER_PATIENCE_SECONDS
        while time.monotonic() < deadline:
            view = self.day_view(day)
            fresh = [plan for plan in view["proposals"] if plan["reason"] == "emergency"]
            if fresh:
                self.tally.replans += 1
                return self.publish(fresh[0]["id"], view["version"])
            time.sleep(0.2)
        raise TimeoutError("the replan did not come")

    def publish_draft(self, day: date) -> bool:
        """Publish today's draft after a booking, without planning anew."""
        view = self.day_view(day)
        if view["draft"] is None:
            return False
        return self.publish(view["draft"]["id"], view["version"])

    def publish(self, plan_id: str, version: int) -> bool:
        """Publish a plan by compare-and-set; False when somebody was faster."""
        try:
            self.people["dispatcher"].change("POST", f"/v1/plans/{plan_id}/publish", {}, version)
        except OfficeRefused as refusal:
            if refusal.status not in {409, 412}:
                raise
            self.tally.stale_publications += 1
            return False
        self.tally.publications += 1
        return True

    def follow_up(self, visit_id: str, tomorrow: date) -> None:
        """Promise tomorrow for a visit that could not be finished today."""
        self.tally.repromised += self.promise(visit_id, (), first_day=tomorrow, reason="follow_up")

    def approve_reviews(self) -> int:
        """Look at the settlements that wait for a person, and release them."""
        finance = self.people["finance"]
        waiting = finance.get("/v1/settlements", state="review", limit=200)["items"]
        for settlement in waiting:
            finance.change("POST", f"/v1/settlements/{settlement['id']}/approve", {}, settlement["version"])
        return len(waiting)

    def collect_transfers(self, now: datetime, share: float) -> int:
        """Record the bank transfers of the first part of the unpaid invoices."""
        finance = self.people["finance"]
        unpaid = [
            invoice
            for invoice in pages(finance, "/v1/invoices")
            if invoice["payer"] == "customer" and invoice["due"]["amount"] not in {"0.00", "0"}
        ]
        chosen = unpaid[: round(len(unpaid) * share)]
        for invoice in chosen:
            body = {
                "method": "transfer",
                "amount": invoice["due"],
                "received_at": now.isoformat(),
                "reference": invoice["number"],
            }
            path = f"/v1/work-orders/{invoice['work_order_id']}/payments"
            finance.create(path, body, key=f"transfer:{invoice['number']}")
        return len(chosen)

    def close(self) -> None:
        """Sign everybody off."""
        for person in self.people.values():
            person.close()


def pages(person: Person, path: str, **params: Any) -> list[dict[str, Any]]:
    """Read a whole list, page by page."""
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        page = person.get(path, limit=200, **params, **({"cursor": cursor} if cursor else {}))
        found += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return found


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _earliest(offers: list[Mapping[str, Any]]) -> Mapping[str, Any]:
    return min(offers, key=lambda offer: datetime.fromisoformat(offer["expected_start"]))


def _suiting(offers: list[Mapping[str, Any]], wishes: tuple[TimeSpan, ...]) -> Mapping[str, Any]:
    """Return the cheapest offer that overlaps a wish by an hour, else the cheapest of all."""
    for offer in offers:
        start = datetime.fromisoformat(offer["window"]["start"])
        end = datetime.fromisoformat(offer["window"]["end"])
        for wish in wishes:
            if min(end, wish.end) - max(start, wish.start) >= timedelta(hours=1):
                return offer
    return offers[0]
