"""Promises in danger, through the API."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from dispatch import db, scheduling
from dispatch.access.rules import Role
from dispatch.outbox import JobRun
from dispatch.promises import alarming
from dispatch.promises.alarming import Sight
from dispatch.promises.rules import AlarmPolicy
from tests.api.company import key
from tests.api.desk import Desk, code_of, day, run_jobs


def seen(desk: Desk) -> str:
    """A promise of tomorrow seen in danger; the id of its visit."""
    visit_id = uuid.UUID(desk.promised()["visit_id"])
    with db.transaction() as session:
        sights = [Sight(visit_id, datetime.now(UTC) + timedelta(days=1), is_breaking=True)]
        on = datetime.fromisoformat(day()).date()
        alarming.look(session, uuid.UUID(desk.territory), on, sights, AlarmPolicy())
    return str(visit_id)


def test_a_dispatcher_sees_the_alarms_of_a_day_and_takes_one_in_hand(desk: Desk) -> None:
    """R-503: the supervisor is alerted."""
    visit_id = seen(desk)
    [alarm] = desk.read(Role.DISPATCHER, f"/v1/territories/{desk.territory}/days/{day()}/alarms")["items"]
    assert (alarm["visit_id"], alarm["told_at"], alarm["outcome"]) == (visit_id, None, None)
    path = f"/v1/promise-alarms/{alarm['id']}/acknowledgement"
    taken = desk.made(Role.SUPERVISOR, path, {})
    assert taken["acknowledged_at"] is not None
    again = desk.of(Role.SUPERVISOR).post(path, json={}, headers=key())
    assert code_of(again) == (409, "ALARM_ACKNOWLEDGED")


def test_the_scheduler_has_today_looked_at(desk: Desk) -> None:
    desk.published()
    assert scheduling.tick() >= 1
    assert run_jobs("planning.watch_promises") == 1
    with db.transaction() as session:
        run = session.scalars(select(JobRun).where(JobRun.kind == "planning.watch_promises")).one()
        assert (run.state, run.result) == ("done", {"told": 0})
