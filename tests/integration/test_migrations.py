"""The schema goes up, down and up again, is what the models say, and guards what must not change."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, inspect, text
from sqlalchemy.exc import IntegrityError, SAWarning
from sqlalchemy.orm import Session

from dispatch import bootstrap, db, migrating
from dispatch.db import Base
from dispatch.work_orders.lifecycle import STEPS, VisitState
from tests.builders import a_promise, a_visit, a_visit_event
from tests.services import TestServices

FROZEN = {
    "promise",
    "invoice",
    "credit_note",
    "settlement_line",
    "visit_event",
    "payment",
    "stock_movement",
    "audit_entry",
    "approval",
    "withdrawal",
    "assessment",
    "stored_document",
    "hand_in_payment",
    "hand_in_receipt",
    "hand_in_word",
    "keeper_entry",
    "location_notice",
    "time_change",
}
KEPT = {"service_report", "finding", "part_use", "allocation", "settlement", "hand_in"}


@pytest.fixture
def empty_url(services: TestServices) -> Iterator[str]:
    """Address of a database without any schema."""
    url = services.new_database(migrated=False)
    yield url
    services.drop_database(url)


def shape(url: str) -> dict[str, list[tuple[str, ...]]]:
    """Columns, constraints, indexes, triggers and functions of a database, in words."""
    questions = {
        "columns": "select table_name, column_name, data_type, is_nullable, coalesce(column_default, '')"
        " from information_schema.columns where table_schema = 'public'",
        "constraints": "select conrelid::regclass::text, conname, pg_get_constraintdef(oid)"
        " from pg_constraint where connamespace = 'public'::regnamespace",
        "indexes": "select tablename, indexname, indexdef from pg_indexes where schemaname = 'public'",
        "triggers": "select tgrelid::regclass::text, tgname, pg_get_triggerdef(oid) from pg_trigger"
        " where not tgisinternal",
        "rows": "select from_state, to_state from visit_transition",
    }
    engine = db.connect(url)
    with engine.connect() as connection:
        found = {
            name: sorted(tuple(map(str, row)) for row in connection.execute(text(question)))
            for name, question in questions.items()
        }
    engine.dispose()
    return found


@pytest.mark.slow
def test_up_down_to_nothing_and_up_again_give_the_same_schema(empty_url: str) -> None:
    migrating.upgrade(empty_url)
    first = shape(empty_url)
    migrating.downgrade(empty_url, "base")
    engine = db.connect(empty_url)
    assert set(inspect(engine).get_table_names()) <= {"alembic_version"}
    engine.dispose()
    assert migrating.current_revision(empty_url) is None
    migrating.upgrade(empty_url)
    assert shape(empty_url) == first
    assert migrating.current_revision(empty_url) == migrating.newest_revision()


@pytest.mark.slow
def test_steps_of_escalation_survive_the_way_down_and_up(empty_url: str) -> None:
    """0038: two steps at one per cent are kept, nobody is told again on either side."""
    migrating.upgrade(empty_url)
    engine = db.connect(empty_url)
    words = (
        "set local session_replication_role = replica",
        (
            "insert into service_step (id, work_order_id, kind, percent, role, due_at, reached_at)"
            " select gen_random_uuid(), md5('order')::uuid, 'response', 60, role, now(), now()"
            " from unnest(array['dispatcher', 'supervisor', 'admin']) role"
        ),
        (
            "insert into office_reminder"
            " (id, territory_id, kind, subject, level, role, due_at, reminded_at)"
            " select gen_random_uuid(), md5('place')::uuid, 'service_step',"
            " work_order_id || ':response:' || role, 1, role, now(), now() from service_step"
        ),
    )
    with engine.begin() as connection:
        for one in words:
            connection.exec_driver_sql(one)
    steps = "select role, percent from service_step order by percent"
    subjects = "select split_part(subject, ':', 3) from office_reminder order by 1"
    found = []
    for go in (lambda: migrating.downgrade(empty_url, "0037"), lambda: migrating.upgrade(empty_url)):
        go()
        with engine.connect() as connection:
            found.append([connection.execute(text(question)).all() for question in (steps, subjects)])
    engine.dispose()
    told = [("dispatcher", 50), ("supervisor", 80), ("admin", 100)]
    assert found[0] == [told, [("100",), ("50",), ("80",)]]
    assert found[1] == [told, [("admin",), ("dispatcher",), ("supervisor",)]]


def test_the_models_and_the_migrated_schema_are_the_same(engine: Engine) -> None:
    bootstrap.load_models()
    with engine.connect() as connection, warnings.catch_warnings():
        # The inspector does not know PostgreSQL's xid8, the type of one column of the feed.
        warnings.filterwarnings("ignore", "Did not recognize type 'xid8'", SAWarning)
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = compare_metadata(context, Base.metadata)
    assert differences == []


def test_the_table_of_steps_in_the_database_is_that_of_the_code(engine: Engine) -> None:
    with engine.connect() as connection:
        rows = connection.execute(text("select from_state, to_state from visit_transition"))
        stored = {(row[0], row[1]) for row in rows}
    assert stored == {(step.from_state.value, step.to_state.value) for step in STEPS}


@pytest.mark.parametrize("source", VisitState)
def test_the_database_refuses_every_step_outside_the_table(session: Session, source: VisitState) -> None:
    """S5: whoever writes the state, the trigger asks the table."""
    allowed = {step.to_state for step in STEPS if step.from_state is source} | {source}
    visit = a_visit(session, state=source.value)
    statement = text("update visit set state = :state where id = :id")
    for target in VisitState:
        values = {"state": target.value, "id": visit.id}
        step = session.begin_nested()
        if target in allowed:
            session.execute(statement, values)
        else:
            with pytest.raises(IntegrityError, match="cannot go from"):
                session.execute(statement, values)
        step.rollback()


def guarded(session: Session, name: str) -> set[str]:
    """Tables that carry a trigger of this name."""
    question = "select tgrelid::regclass::text from pg_trigger where tgname = :name"
    return set(session.execute(text(question), {"name": name}).scalars())


def test_frozen_and_kept_tables_are_guarded(session: Session) -> None:
    """S12, R-602, R-309."""
    assert guarded(session, "refuse_change") == FROZEN
    assert guarded(session, "refuse_delete") == KEPT


@pytest.mark.parametrize(
    "statement",
    [
        "update promise set reason = 'x'",
        "delete from promise",
        "update visit_event set reason = 'x'",
        "delete from visit_event",
    ],
)
def test_frozen_rows_can_neither_be_changed_nor_removed(session: Session, statement: str) -> None:
    """R-309: promises are never changed; nor is history."""
    visit = a_visit(session)
    a_promise(session, visit)
    a_visit_event(session, visit)
    with pytest.raises(IntegrityError, match="never changed"), session.begin_nested():
        session.execute(text(statement))
