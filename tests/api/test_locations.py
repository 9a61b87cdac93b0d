"""Positions through the API: the desk's look, the own trail, the notice (R-903)."""

from __future__ import annotations

import uuid
from datetime import timedelta

from dispatch import clock, db
from dispatch.access.rules import Role
from dispatch.locations.commands import report
from dispatch.locations.rules import Fix
from dispatch.technicians.model import Shift
from tests.api.desk import Desk, code_of, day


def on_the_road(desk: Desk) -> None:
    """The technician is on duty now and was somewhere two minutes ago."""
    now = clock.now()
    with db.transaction() as session:
        who = uuid.UUID(desk.technician)
        session.query(Shift).filter_by(technician_id=who).delete()
        hours = {"starts_at": now - timedelta(hours=2), "ends_at": now + timedelta(hours=2)}
        session.add(Shift(technician_id=who, **hours))
        session.flush()
        assert (
            report(session, technician_id=who, fixes=[Fix(now - timedelta(minutes=2), 43.5, 7.5, 9)])[0] == 1
        )


def test_the_desk_sees_who_is_on_duty_and_technicians_do_not(desk: Desk) -> None:
    """R-903: seen by those who need it."""
    on_the_road(desk)
    path = f"/v1/territories/{desk.territory}/positions"
    [standing] = desk.read(Role.DISPATCHER, path)["items"]
    assert (standing["technician_id"], standing["state"]) == (desk.technician, "fresh")
    assert standing["position"]["position"] == {"latitude": 43.5, "longitude": 7.5}
    for role in (Role.TECHNICIAN, Role.FINANCE, Role.CALL_TAKER):
        assert code_of(desk.of(role).get(path)) == (403, "ROLE_FORBIDDEN")


def test_a_trail_is_its_technicians_until_they_were_told(desk: Desk) -> None:
    """R-903: the appraisal reads nothing unless the policy says so and the technician was told."""
    on_the_road(desk)
    path = f"/v1/technicians/{desk.technician}/trail?day={day(0)}"
    own = desk.read(Role.TECHNICIAN, path)["items"]
    assert [row["is_coarse"] for row in own] == [False] * len(own)
    assert code_of(desk.of(Role.SUPERVISOR).get(path)) == (403, "TRAIL_PRIVATE")
    rules = desk.of(Role.ADMIN)
    version = rules.get("/v1/house-rules").headers["ETag"]
    rules.patch("/v1/house-rules", json={"location_appraisal": True}, headers={"If-Match": version})
    assert code_of(desk.of(Role.SUPERVISOR).get(path)) == (403, "TRAIL_PRIVATE")
    told = desk.made(Role.SUPERVISOR, f"/v1/technicians/{desk.technician}/location-notice", {})
    assert told["technician_id"] == desk.technician
    assert desk.read(Role.SUPERVISOR, path)["items"] == []
