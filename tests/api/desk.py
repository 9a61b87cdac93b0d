"""The office at work through the API: master data, calls and visits, made by the roles that make them."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func
from werkzeug.test import TestResponse

from dispatch import db, outbox
from dispatch.access.rules import Principal, Role
from dispatch.outbox import JobRun
from dispatch.work_orders import commands
from dispatch.work_orders.lifecycle import Actor, VisitState
from dispatch.work_orders.model import Visit
from tests.api.company import NORTH, Client, ClientFor, Company, key

ZONE = ZoneInfo("Europe/Monaco")
INSIDE = {"latitude": 43.7384, "longitude": 7.4246}
NOWHERE = str(uuid.UUID(int=7))
S = VisitState


def local(hour: int, days: int = 1) -> str:
    """A local hour, tomorrow unless told otherwise, with its offset."""
    day = datetime.now(ZONE).date() + timedelta(days=days)
    return datetime.combine(day, time(hour), ZONE).isoformat()


def ago(minutes: int = 5) -> str:
    """A moment that has just been."""
    return (datetime.now(UTC) - timedelta(minutes=minutes)).isoformat()


def day(ahead: int = 1) -> str:
    """A local calendar day, tomorrow unless told otherwise."""
    return (datetime.now(ZONE).date() + timedelta(days=ahead)).isoformat()


def euros(amount: str) -> dict[str, str]:
    """An amount in the company's currency."""
    return {"amount": amount, "currency": "EUR"}


def code_of(answer: TestResponse) -> tuple[int, str]:
    """Status and error code of a refusal."""
    return answer.status_code, (answer.get_json() or {}).get("code", "")


@dataclass
class Desk:
    """A client of every role in the north, and what they make."""

    company: Company
    client_for: ClientFor
    _clients: dict[Role, Client] = field(default_factory=dict)
    _made: dict[str, Any] = field(default_factory=dict)
    _serial: int = 0

    @property
    def territory(self) -> str:
        """Id of the north."""
        return str(self.company.territories[NORTH])

    @property
    def technician(self) -> str:
        """Id of the north's technician."""
        return str(self.company.technicians[NORTH])

    def of(self, role: Role) -> Client:
        """The client of a role."""
        if role not in self._clients:
            self._clients[role] = self.client_for(role)
        return self._clients[role]

    def code(self, prefix: str) -> str:
        """A code that nothing else has."""
        self._serial += 1
        return f"{prefix}-{self._serial}"

    def post(self, role: Role, path: str, body: Any) -> TestResponse:
        """Send a creation with a key of its own."""
        return self.of(role).post(path, json=body, headers=key())

    def made(self, role: Role, path: str, body: Any, status: int = 201) -> dict[str, Any]:
        """Create something and return it."""
        answer = self.post(role, path, body)
        assert answer.status_code == status, answer.get_data(as_text=True)
        shown: dict[str, Any] = answer.get_json()
        return shown

    def read(self, role: Role, path: str) -> dict[str, Any]:
        """Read something that is there."""
        answer = self.of(role).get(path)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        shown: dict[str, Any] = answer.get_json()
        return shown

    def change(
        self, role: Role, method: str, path: str, body: Any, version: int | str, *, status: int = 200
    ) -> dict[str, Any]:
        """Change something that was read at a version."""
        answer = self.of(role).open(path, method=method, json=body, headers={"If-Match": f'"{version}"'})
        assert answer.status_code == status, answer.get_data(as_text=True)
        shown: dict[str, Any] = answer.get_json()
        return shown

    def _once(self, name: str, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        if name not in self._made:
            self._made[name] = make()
        made: dict[str, Any] = self._made[name]
        return made

    def tariff(self) -> dict[str, Any]:
        """60 euros an hour and 20 a visit, for ever."""
        body = {
            "code": "T1",
            "valid_from": "2020-01-01",
            "labour_per_hour": euros("60.00"),
            "travel_fee": euros("20.00"),
            "tax_rate": "0.20",
        }
        return self._once("tariff", lambda: self.made(Role.FINANCE, "/v1/tariffs", body))

    def part(self) -> dict[str, Any]:
        """A pump for 12.50."""
        body = {"sku": "PUMP", "name_en": "Pump", "name_zh": "水泵", "price": euros("12.50")}
        return self._once("part", lambda: self.made(Role.SUPERVISOR, "/v1/parts", body))

    def skill(self) -> dict[str, Any]:
        """Gas."""
        body = {"code": "gas", "name_en": "Gas", "name_zh": "燃气"}
        return self._once("skill", lambda: self.made(Role.SUPERVISOR, "/v1/skills", body))

    def template_body(self, **changes: Any) -> dict[str, Any]:
        """A boiler that does not heat."""
        return {
            "code": self.code("no_heat"),
            "title_en": "No heat",
            "title_zh": "不热",
            "product_kind": "boiler",
            "fault_class": "product",
            "kind": "simple_repair",
            "fault_code": "NO_HEAT",
            "duration_minutes": 60,
            "labour_norm_minutes": 60,
            "guidance_en": "Turn the thermostat up.",
        } | changes

    def template(self) -> dict[str, Any]:
        """One hour, no skills, no parts."""
        return self._once(
            "template",
            lambda: self.made(Role.SUPERVISOR, "/v1/problem-templates", self.template_body()),
        )

    def shift(self) -> dict[str, Any]:
        """The technician's duty tomorrow from eight to eight."""
        path = f"/v1/technicians/{self.technician}/shifts"
        body = {"starts_at": local(8), "ends_at": local(20)}
        return self._once("shift", lambda: self.made(Role.DISPATCHER, path, body))

    def call_body(self, **changes: Any) -> dict[str, Any]:
        """Somebody unknown with a broken boiler at a known position."""
        number = self.code("N")
        return {
            "channel": "phone",
            "requested_at": ago(),
            "template": self.template()["code"],
            "description": "It is cold.",
            "caller": {"name": f"Caller {number}", "email": f"{number}@example.org"},
            "place": {"address": f"{number} Test street", **INSIDE},
            "equipment": {"product_kind": "boiler", "model": "B 20", "serial": number},
        } | changes

    def call(self, **changes: Any) -> dict[str, Any]:
        """A registered call."""
        return self.made(Role.CALL_TAKER, "/v1/calls", self.call_body(**changes))

    def told(self) -> dict[str, Any]:
        """A price that was told and accepted."""
        return {
            "labour": euros("60.00"),
            "parts": euros("0.00"),
            "travel": euros("20.00"),
            "told_at": ago(1),
            "is_accepted": True,
        }

    def assessment(self, **call_changes: Any) -> dict[str, Any]:
        """A call assessed as a visit."""
        call = self.call(**call_changes)
        path = f"/v1/calls/{call['id']}/assessment"
        return self.made(Role.SUPERVISOR, path, {"told": self.told()})

    def promised(self) -> dict[str, Any]:
        """An assessment whose visit has a window tomorrow."""
        self.shift()
        assessment = self.assessment()
        visit = f"/v1/visits/{assessment['visit_id']}"
        offers = self.read(Role.CALL_TAKER, f"{visit}/offers?first_day={day()}&days=1")
        body = {"window": offers["windows"][0]["window"], "channel": "phone", "reason": "first"}
        self.made(Role.CALL_TAKER, f"{visit}/promise", body)
        return assessment

    def published(self) -> dict[str, Any]:
        """An assessment whose visit is published to the technician."""
        assessment = self.promised()
        address = f"/v1/territories/{self.territory}/days/{day()}"
        view = self.read(Role.DISPATCHER, address)
        path = f"/v1/plans/{view['draft']['id']}/publish"
        self.change(Role.DISPATCHER, "POST", path, {}, view["version"])
        return assessment

    def worked(self, *, is_solved: bool = True) -> dict[str, Any]:
        """An assessment whose visit was made and recorded by the technician, signature waived."""
        assessment = self.published()
        me = Principal(
            uuid.UUID(int=1),
            Role.TECHNICIAN,
            frozenset({self.company.territories[NORTH]}),
            self.company.technicians[NORTH],
        )
        found = commands.Findings(
            fault="Pump blocked", cause="Lime", action="Cleaned", is_solved=is_solved, advised=["New valve"]
        )
        with db.transaction() as session:
            visit = session.get_one(Visit, uuid.UUID(assessment["visit_id"]))
            for target in (S.TRAVELLING, S.ON_SITE, S.WORKING):
                commands.take_step(session, visit=visit, target=target, actor=Actor.ASSIGNEE, by=me)
            commands.record_findings(session, by=me, visit=visit, findings=found)
            commands.waive(session, by=me, visit=visit, reason="nobody at home")
            commands.take_step(session, visit=visit, target=S.DONE, actor=Actor.ASSIGNEE, by=me)
        return assessment

    def verified(self) -> dict[str, Any]:
        """An assessment whose visit was made and verified; its settlement is not run yet."""
        self.tariff()
        assessment = self.worked()
        visit = self.read(Role.SUPERVISOR, f"/v1/visits/{assessment['visit_id']}")
        path = f"/v1/visits/{visit['id']}/verify"
        self.change(Role.SUPERVISOR, "POST", path, {}, visit["version"])
        return assessment

    def invoiced(self) -> dict[str, Any]:
        """The invoice of a visit that was made, verified and settled."""
        assessment = self.verified()
        run_jobs("billing.settle"), run_jobs("billing.issue_invoice")
        path = f"/v1/invoices?work_order_id={assessment['work_order_id']}"
        [invoice] = self.read(Role.FINANCE, path)["items"]
        found: dict[str, Any] = invoice
        return found


def run_jobs(prefix: str) -> int:
    """Do the waiting jobs whose kind begins so, and those they start, in this process; return how many."""
    done = 0
    while True:
        with db.transaction() as session:
            waiting = [
                run.id
                for run in session.query(JobRun)
                .where(JobRun.state == "ready", JobRun.ready_at <= func.now())
                .order_by(JobRun.id)
                if run.kind.startswith(prefix)
            ]
        if not waiting:
            return done
        for run_id in waiting:
            outbox.perform(str(run_id))
            done += 1
        with db.transaction() as session:
            failed = session.query(JobRun).where(JobRun.id.in_(waiting), JobRun.error.is_not(None)).all()
            assert not failed, failed[0].error
