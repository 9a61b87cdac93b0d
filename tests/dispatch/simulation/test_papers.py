"""The demo's files can be read by the people they are for."""

from __future__ import annotations

import stat
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.orm import Session

from dispatch.billing.model import Payment
from dispatch.billing.paying import record_payment
from dispatch.cli.demo import _keep_logins
from dispatch.hand_ins.model import HandIn
from dispatch.money import Money
from dispatch.planning.model import DayPlan, PlanStop
from dispatch.simulation.papers import _journal
from dispatch.simulation.reporting import _differences, plan_rows
from dispatch.simulation.seeding import Login
from dispatch.work_orders.model import WorkOrder
from tests.builders import DAY, a_technician, a_visit, an_order, at

HELSINKI = "Europe/Helsinki"


def a_payment(session: Session, order: WorkOrder, received_at: datetime) -> Payment:
    """Cash that came at a moment."""
    return record_payment(
        session, by=None, order=order, method="cash", amount=Money(500, "EUR"), received_at=received_at
    )


def test_a_plan_names_people_and_places_in_local_time(session: Session) -> None:
    ada = a_technician(session)
    visit = a_visit(session, technician=ada)
    plan = DayPlan(territory_id=ada.territory_id, day=DAY, revision=1, state="published", base_version=0)
    plan.reason, plan.created_at = "optimise", at(5)
    times = {"arrival": at(8), "start": at(9), "end": at(10)}
    plan.stops = [
        PlanStop(
            visit_id=visit.id, technician_id=ada.id, position=0, travel_seconds=60, travel_metres=9, **times
        )
    ]
    session.add(plan)
    session.flush()
    [row] = plan_rows(session, plan, HELSINKI)
    assert (row["technician"], row["sheet"]) == (f"{ada.number} {ada.name}", visit.number)
    assert row["customer"]
    assert row["address"]
    assert row["start"].endswith("+02:00")
    assert datetime.fromisoformat(row["start"]) == at(9)


def test_the_journal_is_dated_where_the_company_is(session: Session) -> None:
    a_payment(session, an_order(session), datetime(2026, 3, 3, 22, 30, tzinfo=UTC))
    rows = list(_journal(session, HELSINKI))
    assert {row[0] for row in rows} == {"2026-03-04"}


def test_a_difference_names_the_keeper_and_the_money(session: Session) -> None:
    ada = a_technician(session)
    money = {
        "method": "cash",
        "currency": "EUR",
        "counted_minor": 450,
        "expected_minor": 500,
        "difference_minor": -50,
    }
    session.add(
        HandIn(
            technician_id=ada.id,
            day=DAY,
            handed_in_at=at(17),
            money=[money],
            sheets_expected=[],
            sheets_missing=[],
        )
    )
    session.flush()
    assert _differences(session) == [
        {
            "technician": f"{ada.number} {ada.name}",
            "day": DAY.isoformat(),
            "method": "cash",
            "counted": "4.50",
            "expected": "5.00",
            "difference": "-0.50",
        }
    ]


def test_logins_are_for_the_owner_of_the_home_alone(tmp_path: Path) -> None:
    path = tmp_path / "logins.json"
    _keep_logins({"boss": Login("boss", "a password", None)}, path)
    assert '"boss": "a password"' in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
