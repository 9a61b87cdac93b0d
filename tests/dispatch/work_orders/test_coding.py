"""What solved a fault before (R-510)."""

from __future__ import annotations

from sqlalchemy.orm import Session

from dispatch.work_orders.coding import findings_by_asset, solutions
from tests import builders as b


def test_a_corrected_finding_solved_nothing(session: Session) -> None:
    """R-510, R-509: of a visit's findings the last one counts."""
    asset = b.an_asset(session)
    order = b.an_order(session, asset=asset, fault_code=b.serial("F"))
    visit = b.a_visit(session, order=order, state="verified", is_solved=True, finished_at=b.at(10))
    b.findings(session, visit, action="Greased")
    b.findings(session, visit, action="Bearing replaced")
    assert [one.action for one in solutions(session, fault_code=order.fault_code)] == ["Bearing replaced"]


def test_a_finding_whose_correction_was_taken_back_is_not_in_the_equipments_past(session: Session) -> None:
    """R-510: a visit whose last finding was a mistake has none, as everywhere."""
    asset = b.an_asset(session)
    visit = b.a_visit(session, order=b.an_order(session, asset=asset), state="verified", finished_at=b.at(10))
    b.findings(session, visit, action="Greased", recorded_at=b.at(9))
    last = b.findings(session, visit, action="Bearing replaced", recorded_at=b.at(9.5))
    told = findings_by_asset(session, [asset.id])[asset.id]
    assert [finding.action for _, finding in told] == ["Bearing replaced"]
    last.voided_by = b.a_user(session).id
    session.flush()
    assert findings_by_asset(session, [asset.id]) == {}
