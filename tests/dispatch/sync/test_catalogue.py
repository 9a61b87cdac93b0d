"""Clause Pull 15 of docs/reference/sync.md: what a phone chooses from without contact."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy import select

from dispatch import db
from dispatch.access.model import User, UserTerritory
from dispatch.access.rules import Role
from dispatch.parts.model import Part
from dispatch.sync import protocol, queries
from dispatch.work_orders.coding import write_service_code
from tests import builders
from tests.builders import serial
from tests.dispatch.sync.field import KEY, Field
from tests.dispatch.sync.test_van import a_part_on
from tests.money_world import a_tariff
from tests.statements import asked

SECTIONS = {"codes", "parts", "stock", "approvers", "tax_rates"}


def told(field: Field, revision: str | None) -> Mapping[str, Any] | None:
    """What a phone is told that holds a revision."""
    with db.transaction() as session:
        pulled = queries.pull(session, field.by, cursor=None, key=KEY, catalogue=revision)
    assert pulled.complete
    return pulled.catalogue


def all_of(field: Field) -> Mapping[str, Any]:
    """Everything, as a phone is told that holds nothing."""
    found = told(field, "none")
    assert found is not None
    assert set(found) == SECTIONS | {"revision"}
    return found


def changed(field: Field, held: str) -> tuple[set[str], str]:
    """Which sections are told again, and the new revision; it is stable while nothing changes."""
    found = told(field, held)
    assert found is not None
    assert told(field, found["revision"]) is None
    return set(found) - {"revision"}, found["revision"]


def test_pull_clause_15_everything_is_told_once_and_then_what_changed(field: Field) -> None:
    """R-507, R-509, R-511: codes, parts, the own van and the supervisors."""
    sku, code = a_part_on(field, 3), serial("C")
    whole = all_of(field)
    assert {"sku": sku, "quantity": 3, "serials": []} in whole["stock"]
    held = whole["revision"]
    assert told(field, held) is None
    with db.transaction() as session:
        write_service_code(session, by=None, kind="fault", code=code, title_en="Noise", title_zh="噪音")
    sections, held = changed(field, held)
    assert sections == {"codes"}
    with db.transaction() as session:
        part = session.scalars(select(Part).where(Part.sku == sku)).one()
        part.name_zh = "水泵"
    sections, held = changed(field, held)
    assert sections == {"parts"}
    visit = field.visit()
    field.push(field.op(protocol.PART, visit, sku=sku, direction="in", quantity=1))
    sections, held = changed(field, held)
    assert sections == {"stock"}
    with db.transaction() as session:
        boss = builders.a_user(session, Role.SUPERVISOR, display_name="Boss")
        session.add(UserTerritory(user_id=boss.id, territory_id=field.territory_id))
        boss_id = boss.id
    sections, held = changed(field, held)
    assert sections == {"approvers"}
    whole = all_of(field)
    assert {"kind": "fault", "code": code, "title_en": "Noise", "title_zh": "噪音"} in whole["codes"]
    assert [one["name_zh"] for one in whole["parts"] if one["sku"] == sku] == ["水泵"]
    assert [one["quantity"] for one in whole["stock"] if one["sku"] == sku] == [2]
    assert {"id": str(boss_id), "name": "Boss"} in whole["approvers"]
    with db.transaction() as session:
        a_tariff(session, valid_from=date(1998, 1, 1))
    sections, held = changed(field, held)
    assert sections == {"tax_rates"}
    with db.transaction() as session:
        session.get_one(User, boss_id).is_active = False
    assert changed(field, held)[0] == {"approvers"}
    assert str(boss_id) not in {one["id"] for one in all_of(field)["approvers"]}


def test_pull_clause_15_the_stock_of_others_is_not_told(field: Field) -> None:
    """A colleague's van is not this phone's; an unknown revision is the same as none."""
    bea = field.colleague()
    held = all_of(field)["revision"]
    theirs = a_part_on(bea, 2)
    assert changed(field, held)[0] == {"parts"}
    assert theirs not in {one["sku"] for one in all_of(field)["stock"]}
    assert told(field, "of-another-shape") == told(field, "none")


def test_pull_clause_15_a_client_that_does_not_ask_is_told_nothing_and_costs_nothing(field: Field) -> None:
    with db.transaction() as session, asked() as statements:
        pulled = queries.pull(session, field.by, cursor=None, key=KEY)
    assert pulled.catalogue is None
    assert statements
    assert not [
        statement for statement in statements if "service_code" in statement or "string_agg" in statement
    ]
