"""R-501: a technician is sent only with every skill and certificate valid on the day."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy.orm import Session

from dispatch.technicians.rules import (
    CertificateExpired,
    CertificateMissing,
    SkillMissing,
    TechnicianWithoutShift,
)
from dispatch.work_orders import refusals
from dispatch.work_orders.assigning import PlannedTimesInvalid
from dispatch.work_orders.commands import assign
from tests import builders as b
from tests.dispatch.conftest import MovableClock

TIMES = {"planned_start": b.at(9), "planned_end": b.at(10)}
OFFICE = b.a_principal()


@pytest.mark.parametrize(
    ("skills", "certificates", "refusal"),
    [
        ({}, {"gas_a": date(2030, 1, 1)}, SkillMissing),
        ({"gas": 1}, {"gas_a": date(2030, 1, 1)}, SkillMissing),
        ({"gas": 2}, {}, CertificateMissing),
        ({"gas": 2}, {"gas_a": date(2026, 3, 1)}, CertificateExpired),
        ({"gas": 2}, {"gas_a": date(2026, 3, 2)}, None),
    ],
)
def test_nobody_is_sent_without_every_right_on_the_day(
    session: Session,
    now: MovableClock,
    skills: dict[str, int],
    certificates: dict[str, date],
    refusal: type[Exception] | None,
) -> None:
    """R-501: the last day of a certificate still counts."""
    visit = b.a_visit(session, skills={"gas": 2}, certificates=["gas_a"])
    ada = b.a_technician(session, skills=skills, certificates=certificates)
    b.a_shift(session, ada)
    if refusal is None:
        assert assign(session, by=OFFICE, visit=visit, technician_id=ada.id, **TIMES)
        assert visit.state == "published"
        return
    with pytest.raises(refusal):
        assign(session, by=OFFICE, visit=visit, technician_id=ada.id, **TIMES)
    assert (visit.state, visit.technician_id) == ("unplanned", None)


def test_somebody_who_left_gets_no_visits(session: Session, now: MovableClock) -> None:
    visit, gone = b.a_visit(session), b.a_technician(session, is_active=False)
    with pytest.raises(refusals.TechnicianInactive):
        assign(session, by=OFFICE, visit=visit, technician_id=gone.id, **TIMES)


def test_a_visit_ends_after_it_begins(session: Session, now: MovableClock) -> None:
    visit, ada = b.a_visit(session), b.a_technician(session)
    with pytest.raises(PlannedTimesInvalid):
        assign(
            session,
            by=OFFICE,
            visit=visit,
            technician_id=ada.id,
            planned_start=b.at(10),
            planned_end=b.at(10),
        )


def test_somebody_who_is_off_duty_gets_no_visits(session: Session, now: MovableClock) -> None:
    visit, ada = b.a_visit(session), b.a_technician(session)
    with pytest.raises(TechnicianWithoutShift):
        assign(session, by=OFFICE, visit=visit, technician_id=ada.id, **TIMES)
    b.a_shift(session, ada)
    b.an_absence(session, ada)
    with pytest.raises(TechnicianWithoutShift):
        assign(session, by=OFFICE, visit=visit, technician_id=ada.id, **TIMES)
    assert (visit.state, visit.technician_id) == ("unplanned", None)
