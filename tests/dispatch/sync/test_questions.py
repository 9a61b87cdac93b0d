"""Pull and push ask the database for many visits together; what they answer is what each alone gives."""

from __future__ import annotations

import uuid
from contextlib import suppress

from dispatch import db, feed
from dispatch.sync import protocol
from dispatch.work_orders.model import Visit
from tests import builders
from tests.builders import at
from tests.dispatch.sync.field import FINDINGS, Field, results
from tests.dispatch.sync.test_pull import held
from tests.statements import asked

MOST_FOR_AN_OPERATION = 9
"""Statements for an operation of a visit, what every push asks once included."""
MOST_FOR_NO_NEWS = 9
"""Statements of a pull to which there is nothing to tell."""


def worked(field: Field) -> uuid.UUID:
    """A visit with findings and advice, a consent, a part, an approval and a file, finished and signed."""
    with db.transaction() as session:
        sku = builders.a_part(session).sku
    visit = field.visit()
    begun = [field.op(kind, visit) for kind in (protocol.TRAVEL, protocol.ARRIVE, protocol.START)]
    declared = {"sha256": uuid.uuid4().hex * 2, "bytes": 1000, "mime": "image/jpeg"}
    facts = [
        field.op(protocol.PART, visit, sku=sku, direction="in", quantity=1),
        field.op(
            protocol.APPROVAL,
            visit,
            amount="99.00",
            currency="EUR",
            approved_by_name="Customer",
            method="signature",
        ),
        field.op(protocol.DECLARE, visit, **declared),
        field.op(protocol.FINDING, visit, **FINDINGS | {"advised": [{"text": "descale"}]}),
    ]
    assert results(field.push(*begun, *facts)) == ["applied"] * 7
    return visit


def at_the_same_equipment(field: Field, visit_id: uuid.UUID) -> uuid.UUID:
    """A further visit to the equipment of another one."""
    with db.transaction() as session:
        order = session.get_one(Visit, visit_id).work_order
        again = builders.an_order(session, asset=session.get_one(builders.Asset, order.asset_id))
        visit = builders.a_visit(session, order=again)
        field._publish(session, visit, at(13))
        return visit.id


def test_visits_that_are_read_together_are_told_as_each_alone(field: Field) -> None:
    first, second = worked(field), worked(field)
    third = at_the_same_equipment(field, first)
    field.visit(planned_start=at(15))
    field.visit(planned_start=at(9, days=5))
    together = held(field)
    assert held(field, page=1) == together
    assert len(together) == 5
    assert [advice["text"] for advice in together[str(third)]["advice"]] == ["descale"]
    assert together[str(first)]["advice"] == together[str(second)]["advice"] == []
    assert together[str(first)]["record"]["parts"] != together[str(second)]["record"]["parts"]


def test_a_pull_asks_no_more_for_many_visits_than_for_two(field: Field) -> None:
    def questions() -> int:
        with asked() as found:
            field.pull()
        return len(found)

    for _ in range(2):
        worked(field)
    few = questions()
    for _ in range(3):
        worked(field)
    assert questions() == few


def test_a_pull_without_news_asks_little(field: Field) -> None:
    worked(field)
    first = field.pull(catalogue="none")
    assert first.catalogue is not None
    with asked() as found:
        again = field.pull(first.cursor, catalogue=first.catalogue["revision"])
    assert (again.changes, again.notices, again.catalogue) == ([], [], None)
    assert len(found) <= MOST_FOR_NO_NEWS


def test_a_push_asks_a_bounded_number_of_questions_for_an_operation(field: Field) -> None:
    visits = [field.visit() for _ in range(3)]
    operations = [operation for visit in visits for operation in field.whole_visit(visit)]
    with asked() as found:
        receipts = field.push(*operations)
    assert results(receipts) == ["applied"] * len(operations)
    assert sum(statement.startswith("SAVEPOINT") for statement in found) == 1
    assert len(found) <= MOST_FOR_AN_OPERATION * len(operations)


def test_a_refused_operation_leaves_nothing_and_disturbs_no_other(field: Field) -> None:
    good, other = field.visit(), field.visit()
    operations = [
        *field.whole_visit(good),
        field.op(protocol.TRAVEL, other),
        field.op(protocol.FINDING, other, **FINDINGS | {"fault": 7}),
        field.op(protocol.ARRIVE, other),
        field.op(protocol.ARRIVE, uuid.uuid4()),
    ]
    receipts = field.push(*operations)
    decided = [result.partition(":")[0] for result in results(receipts)]
    assert decided == ["applied"] * 7 + ["rejected"] * 3
    assert (field.state(good), field.state(other)) == ("verified", "travelling")
    assert field.ask("select count(*) from visit_event where visit_id = :id and op_id is not null", id=good)[
        0
    ] == (4,)
    assert field.push(*operations) == receipts


def told_of(field: Field, entity_id: object) -> list[str]:
    """Kinds of the feed's rows of a thing."""
    rows = field.ask("select kind from feed_row where entity_id = :id order by seq", id=str(entity_id))
    return [str(row[0]) for row in rows]


def test_a_push_announces_a_visit_once(field: Field) -> None:
    visit = field.visit()
    before = told_of(field, visit)
    field.push(*field.whole_visit(visit))
    assert told_of(field, visit) == [*before, "put"]


def test_what_a_savepoint_took_back_is_announced_again(field: Field) -> None:
    thing = uuid.uuid4()
    scope = feed.technician_scope(field.technician_id)
    with db.transaction() as session:
        with suppress(ZeroDivisionError), session.begin_nested():
            feed.announce_once(session, scope, "visit", thing, version=1)
            session.flush()
            raise ZeroDivisionError
        for kind in ("put", "put", "evict", "evict", "put"):
            feed.announce_once(session, scope, "visit", thing, version=1, kind=kind)  # type: ignore[arg-type]
    assert told_of(field, thing) == ["put", "evict", "put"]
    with db.transaction() as session:
        feed.announce_once(session, scope, "visit", thing, version=2)
    assert told_of(field, thing) == ["put", "evict", "put", "put"]
