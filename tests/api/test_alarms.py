"""Promises in danger, through the API."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from dispatch import db, scheduling
from dispatch.access.rules import Role
from dispatch.messages.model import Message
from dispatch.outbox import JobRun
from dispatch.promises import alarming
from dispatch.promises.alarming import Sight
from dispatch.promises.model import PromiseAlarm
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


def test_a_compensation_beyond_the_rule_is_decided_once(desk: Desk) -> None:
    """R-605, R-802; the ledger tells of every message about the promise (R-309)."""
    before = desk.read(Role.ADMIN, "/v1/house-rules")
    amounts = {"late_compensation_minor": 9_000, "compensation_authority_minor": 5_000}
    desk.change(Role.ADMIN, "PATCH", "/v1/house-rules", amounts, before["version"])
    visit_id = uuid.UUID(desk.promised()["visit_id"])
    with db.transaction() as session:
        sights = [Sight(visit_id, datetime.now(UTC) + timedelta(days=1), is_breaking=True)]
        on = datetime.fromisoformat(day()).date()
        policy = AlarmPolicy(confirm=timedelta(0), notice=timedelta(days=3))  # told at once, even at night
        territory = uuid.UUID(desk.territory)
        alarming.look(session, territory, on, sights, policy)
        alarming.look(session, territory, on, sights, policy)
    run_jobs("messages.write")
    [promise] = desk.read(Role.CALL_TAKER, f"/v1/visits/{visit_id}/promises")["items"]
    assert [one["template"] for one in promise["told"]] == ["visit_promised", "promise_in_danger"]
    path = f"/v1/territories/{desk.territory}/compensations"
    [owed] = desk.read(Role.FINANCE, f"{path}?state=proposed")["items"]
    assert owed["amount"] == {"amount": "90.00", "currency": owed["amount"]["currency"]}
    decided = desk.made(Role.SUPERVISOR, f"/v1/compensations/{owed['id']}/decision", {"decision": "granted"})
    assert (decided["state"], decided["decided_at"] is None) == ("granted", False)
    run_jobs("messages.write")
    with db.transaction() as session:
        [told] = session.scalars(select(Message).where(Message.template == "compensated"))
        assert "90.00" in told.body
    again = desk.post(Role.SUPERVISOR, f"/v1/compensations/{owed['id']}/decision", {"decision": "refused"})
    assert code_of(again) == (409, "COMPENSATION_DECIDED")
    assert desk.read(Role.FINANCE, f"{path}?state=proposed")["items"] == []


def test_a_territory_that_fails_keeps_no_other_from_being_watched(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One territory's fault is raised after the others were looked at."""
    seen_ids: list[uuid.UUID] = []
    broken = uuid.UUID(desk.territory)

    def look(session: object, territory_id: uuid.UUID, *_: object) -> list[object]:
        seen_ids.append(territory_id)
        if territory_id == broken:
            raise RuntimeError("the day of this territory is odd")
        return []

    monkeypatch.setattr("dispatch.planning.watching.watch", look)
    scheduling.tick()
    with pytest.raises(AssertionError, match="odd"):
        run_jobs("planning.watch_promises")
    assert set(seen_ids) == set(desk.company.territories.values())


def test_a_broken_promise_is_followed_up_once(desk: Desk) -> None:
    """R-802: after the delay somebody asks how it was."""
    seen(desk)
    with db.transaction() as session:
        alarm = session.scalars(select(PromiseAlarm)).one()
        alarm.outcome, alarm.ended_at = "broken", datetime.now(UTC)
        path = f"/v1/promise-alarms/{alarm.id}/follow-up"
    listing = f"/v1/territories/{desk.territory}/follow-ups"
    assert len(desk.read(Role.CALL_TAKER, listing)["items"]) == 1
    done = desk.made(Role.CALL_TAKER, path, {"note": "They understood."})
    assert (done["follow_up_note"], done["followed_up_at"] is None) == ("They understood.", False)
    assert desk.read(Role.CALL_TAKER, listing)["items"] == []
    again = desk.post(Role.CALL_TAKER, path, {"note": "Again."})
    assert code_of(again) == (409, "NOTHING_TO_FOLLOW_UP")
