"""Runs with threads on a server, in small: nothing is wrong, and what is wrong would be seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
from sqlalchemy import text

from benchmarks import process_stories
from benchmarks.page import ASIDE
from benchmarks.process_stories import Stage, judged
from dispatch import db
from dispatch.simulation.fault_proxy import CLEAR, FaultProxy
from dispatch.sync import protocol
from tests.api.company import settings_of_tests
from tests.phone.served import Heard, ServedWorld, receipts_in

STEPS = 25


@pytest.fixture
def stage(server: str) -> Iterator[Stage]:
    """A server in this process behind a bad line."""
    heard = Heard()
    with FaultProxy(server, CLEAR, seed=1, traffic=heard) as line:
        yield Stage(line, heard, settings_of_tests().attachments)


@pytest.mark.slow
def test_a_company_at_work_in_threads_keeps_every_property(stage: Stage) -> None:
    wrong, done = stage.run(1, STEPS)
    assert wrong == []
    assert done["operations"] > 10
    assert stage.line.fates["lost"] + stage.line.fates["repeated"] > 0
    assert len(stage.heard.line.receipts) > 5


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("P2", "update sync_operation set state = 'rejected' where type = 'payment.add'"),
        ("P3", "update sync_operation set receipt = receipt || ' '"),
        ("P4", "delete from payment where op_id is not null"),
        ("P10", "delete from visit_event where op_id is not null"),
    ],
)
def test_damage_is_seen(stage: Stage, monkeypatch: pytest.MonkeyPatch, name: str, damage: str) -> None:
    """Each of these leaves a database that a property forbids."""
    monkeypatch.setattr(process_stories, "QUIET_SECONDS", 0.0)
    with closing(ServedWorld.opened(stage.line.url, stage.stored_in, stage.heard)) as world:
        phone = world.phones[0]
        visit_id = str(world.publish(0, 0))
        phone.pull()
        phone.record(protocol.TRAVEL, visit_id=visit_id)
        paid = {"method": "cash", "amount": "5.00", "currency": "EUR"}
        phone.record(protocol.PAYMENT, visit_id=visit_id, payload=paid)
        phone.push()
        phone.pull()
        assert judged(world, []) == []
        with db.transaction() as session:
            session.execute(text("set local session_replication_role = replica"))
            session.execute(text(damage))
        found = judged(world, [])
        assert any(f"{name}:" in one for one in found), found


def test_receipts_are_taken_out_to_the_byte() -> None:
    answer = '{"schema": 3, "receipts": [{"op_id": "a",  "result":"applied"},{"op_id": "b"}]}'
    assert [raw for _, raw in receipts_in(answer)] == [
        '{"op_id": "a",  "result":"applied"}',
        '{"op_id": "b"}',
    ]
    assert list(receipts_in('{"receipts": []}')) == []


def test_its_rows_have_no_place_among_the_engines() -> None:
    assert process_stories.MEASURE in ASIDE


def test_the_server_is_among_what_the_runs_were_judged_on() -> None:
    names = {path.name for path in process_stories.sources()}
    assert len(process_stories.version()) == 8
    assert {"mobile.py", "push.py", "machine.py", "own_installation.py", "0038_steps_by_role.py"} <= names


def test_a_run_that_trips_is_a_fault_and_ends_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def nothing(*_: object, **__: object) -> Iterator[Any]:
        yield "http://127.0.0.1:9"

    def trips(self: Stage, number: int, steps: int) -> tuple[list[str], Counter[str]]:
        if number == 1:
            raise FileNotFoundError("an attachment")
        return [], Counter(operations=5)

    monkeypatch.setattr(process_stories, "installation", nothing)
    monkeypatch.setattr(process_stories, "killing", nothing)
    monkeypatch.setattr(Stage, "run", trips)
    row = process_stories.campaign(range(3), 40)
    assert (row["failed"], row["operations"]) == ([1], 10)
