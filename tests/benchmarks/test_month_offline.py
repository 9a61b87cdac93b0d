"""A month's work in one go, very small: all of it arrives in order, and disorder would be seen."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from benchmarks import month_offline
from benchmarks.field_phones import Login, Technicians
from benchmarks.month_offline import AWAY, Away, Month
from dispatch import db
from dispatch.sync import protocol

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
        earlier = "update sync_operation set received_at = received_at - interval '1 hour' where seq = 2"
        session.execute(text("set local session_replication_role = replica"))
        session.execute(text(earlier))
    assert month_offline.out_of_order(phone) == 1
    phone.close()
