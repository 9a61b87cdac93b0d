"""The feed is kept short: what no cursor can ask for goes, and no phone misses anything by it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text, update

from dispatch import db
from dispatch.feed import FeedRow, technician_scope
from dispatch.sync import protocol, upkeep
from dispatch.sync.push import device_scope
from dispatch.sync.refusals import Resync
from tests.dispatch.sync.field import Field


def scopes(field: Field) -> list[str]:
    """What concerns this technician and this phone; other tests' phones are in the same database."""
    return [technician_scope(field.technician_id), device_scope(field.by.device_id)]


def aged(field: Field, days: int) -> None:
    """Let everything that the feed says be so old."""
    with db.transaction() as session:
        older = update(FeedRow).where(FeedRow.scope.in_(scopes(field)))
        session.execute(older.values(recorded_at=FeedRow.recorded_at - timedelta(days=days)))


def kept(field: Field) -> dict[str, int]:
    """What is left by kind after pruning."""
    with db.transaction() as session:
        upkeep.prune(session)
    question = "select entity, count(*) from feed_row where scope = any(:scopes) group by 1"
    return {str(entity): int(count) for entity, count in field.ask(question, scopes=scopes(field))}


def test_changes_go_after_ninety_days_and_a_day(field: Field) -> None:
    visit = field.visit()
    before = kept(field)
    assert before["visit"] > 0
    aged(field, 90)
    assert kept(field) == before
    aged(field, 2)
    field.push(field.op(protocol.ACCEPT, visit))
    assert kept(field) == {"ack": 1, "visit": 1}


def test_of_acknowledgements_the_newest_of_each_installation_stays(field: Field) -> None:
    visit = field.visit()
    start = field.pull()
    for kind in (protocol.ACCEPT, protocol.TRAVEL, protocol.ARRIVE):
        field.push(field.op(kind, visit))
    field.epoch = "phone-2"
    field.push(field.op(protocol.START, visit) | {"seq": 1})
    assert kept(field)["ack"] == 4
    aged(field, 2)
    assert kept(field)["ack"] == 2
    assert field.pull(start.cursor).acked_seq == {"phone-1": 3, "phone-2": 1}
    assert field.pull().acked_seq == {"phone-1": 3, "phone-2": 1}


def test_a_dump_restored_into_the_same_database_asks_every_phone_to_begin_anew(field: Field) -> None:
    """Pull 9: the feed of a restored dump is another one, although the database is the same."""
    cursor = field.pull().cursor
    field.pull(cursor)
    with db.transaction() as session:
        session.execute(text("create table kept as select * from feed_row"))
        session.execute(text("truncate feed_row"))
        session.execute(text("insert into feed_row overriding system value select * from kept"))
        session.execute(text("drop table kept"))
    with pytest.raises(Resync):
        field.pull(cursor)
