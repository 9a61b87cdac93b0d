"""A month's work in one go, very small: all of it arrives in order, and disorder would be seen."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from benchmarks import month_offline
from benchmarks.field_phones import Technicians
from benchmarks.month_offline import AWAY, Away, Month, Watch
from dispatch import db
from dispatch.simulation.fault_proxy import Answer, Exchange
from dispatch.sync import protocol
from tests.phone.logins import Login

SMALL = Month(24, 4, 1, minutes=0.03, pushes_a_minute=40, photo_side=64)


@pytest.mark.slow
def test_a_month_comes_back_whole_and_in_order(server: str, tmp_path: Path) -> None:
    row = month_offline.run(SMALL, server, tmp_path)
    assert (row["wrong"], row["cases"], row["photos"]) == (0, 24, 4)
    assert row["others_pushes"] >= 1
    assert row["push_before"]["count"] + row["push_beside"]["count"] >= 1
    with db.transaction() as session:
        spread = session.execute(
            text("select max(occurred_at_device) - min(occurred_at_device) from sync_operation")
        ).scalar_one()
    assert spread >= AWAY / 2


def test_an_operation_before_its_elders_is_seen(server: str, tmp_path: Path) -> None:
    people = Technicians.hired(1, 2, month_offline.midnight(), seed=1)
    phone = Away(server, Login(people.usernames[0]), tmp_path / "away.sqlite")
    phone.sign_in()
    phone.pull()
    visit_id = phone.store.visits()[0]["id"]
    for kind in (protocol.ACCEPT, protocol.TRAVEL):
        phone.record(kind, visit_id=visit_id)
        phone.push()
    assert month_offline.out_of_order(phone) == 0
    with db.transaction() as session:
        session.execute(text("set local session_replication_role = replica"))
        session.execute(text("update sync_operation set seq = 99 where seq = 1"))
    assert month_offline.out_of_order(phone) == 1
    phone.close()


def test_only_what_was_answered_is_timed_and_the_rest_has_failed() -> None:
    """A refusal in no time does not make the others quick."""
    watch = Watch()
    push, pull = (Exchange("POST", path, {}, b"") for path in ("/v1/sync/push", "/v1/sync/pull"))

    def told(request: Exchange, status: int, seconds: float, phase: str | None) -> None:
        watch.phase = phase
        watch.left(request)
        watch.phase = None
        watch.answered(request, Answer(status, [], b"", seconds))

    for seconds in (1.0, 1.0):
        told(push, 200, seconds, "before")
    told(push, 200, 1.3, "beside")
    assert (watch.slower_percent("push"), watch.slower_percent("pull"), watch.failed) == (30, None, 0)
    told(push, 503, 0.001, "beside")
    told(pull, 401, 0.001, "beside")
    told(pull, 200, 9.0, None)
    watch.left(pull)
    assert (watch.slower_percent("push"), watch.slower_percent("pull"), watch.failed) == (30, None, 2)
