"""Times of a visit over HTTP: amended on the version seen, with every word to be read (reliability §2.4)."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

from dispatch import db
from dispatch.access.rules import Role
from dispatch.work_orders.model import Visit
from tests.api.desk import Desk, code_of, run_jobs

REASON = "the gate's book"


def amended(desk: Desk, visit: str, body: dict[str, Any], role: Role = Role.DISPATCHER) -> Any:
    """The answer to other times, decided on the version that is current."""
    seen = {"If-Match": desk.of(Role.DISPATCHER).get(f"/v1/visits/{visit}").headers["ETag"]}
    return desk.of(role).post(f"/v1/visits/{visit}/times", json=body, headers=seen)


def begun(visit: str) -> datetime:
    """When work began."""
    with db.transaction() as session:
        found = session.get_one(Visit, uuid.UUID(visit)).started_at
        assert found is not None
        return found


def test_times_are_amended_with_a_reason_and_every_word_can_be_read(desk: Desk) -> None:
    visit = desk.worked()["visit_id"]
    earlier = begun(visit) - timedelta(minutes=30)
    times = dict.fromkeys(("travelling_at", "arrived_at", "started_at"), earlier.isoformat())
    partly = {"arrived_at": earlier.isoformat(), "reason": REASON}
    assert code_of(amended(desk, visit, partly)) == (422, "TIMES_CONTRADICT")
    assert amended(desk, visit, times).status_code == 422, "no reason"
    answer = amended(desk, visit, times | {"reason": REASON})
    assert (answer.status_code, answer.json["unverified"]) == (200, {})
    assert datetime.fromisoformat(answer.json["started_at"]) == earlier
    words = desk.read(Role.FINANCE, f"/v1/visits/{visit}/time-changes")["items"]
    assert [(one["name"], one["kind"], one["told"], one["reason"]) for one in words] == [
        ("travelling_at", "amended", None, REASON),
        ("arrived_at", "amended", None, REASON),
        ("started_at", "amended", None, REASON),
    ]
    assert [datetime.fromisoformat(one["value"]) for one in words] == [earlier] * 3


def test_an_amendment_is_decided_on_the_version_that_was_seen(desk: Desk) -> None:
    visit = desk.worked()["visit_id"]
    body = {"paused_seconds": 0, "reason": REASON}
    at_work = desk.of(Role.DISPATCHER)
    assert code_of(at_work.post(f"/v1/visits/{visit}/times", json=body)) == (428, "IF_MATCH_MISSING")
    stale = at_work.post(f"/v1/visits/{visit}/times", json=body, headers={"If-Match": '"1"'})
    assert code_of(stale) == (412, "STALE")


def test_an_invoiced_visit_keeps_its_times(desk: Desk) -> None:
    """R-602: an issued invoice bills what it billed."""
    visit = desk.verified()["visit_id"]
    run_jobs("billing.settle"), run_jobs("billing.issue_invoice")
    early = (begun(visit) - timedelta(minutes=5)).isoformat()
    times = dict.fromkeys(("travelling_at", "arrived_at", "started_at"), early)
    assert code_of(amended(desk, visit, times | {"reason": REASON})) == (409, "RECORD_LOCKED")
