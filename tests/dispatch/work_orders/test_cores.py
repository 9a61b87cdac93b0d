"""Old parts that suppliers want back (R-511)."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy.orm import Session

from dispatch.parts.commands import update_part
from dispatch.text import TextInvalid
from dispatch.work_orders import commands, cores
from dispatch.work_orders.cores import OpenCore, end_core, open_cores
from dispatch.work_orders.refusals import CoreNotOpen
from tests import builders as b
from tests.builders import at
from tests.dispatch.conftest import MovableClock


def fitted(session: Session, visit: Any, part: Any, direction: str = "in") -> Any:
    """A part fitted at a visit, or taken out."""
    by = b.of(session.get_one(b.Technician, visit.technician_id))
    return commands.use_part(session, by=by, visit=visit, sku=part.sku, direction=direction, quantity=1)


def test_an_old_part_is_asked_for_until_it_is_back(session: Session, now: MovableClock) -> None:
    """R-511: with the customer until it is taken out, then with the technician; received once."""
    visit, part = b.a_visit(session, state="working"), b.a_part(session)
    before = fitted(session, visit, part)
    now.set(at(9))
    update_part(session, by=None, part=part, changes={"has_core": True})
    use = fitted(session, visit, part)
    fitted(session, visit, b.a_part(session))
    territory = visit.work_order.territory_id

    def listed() -> list[OpenCore]:
        return list(open_cores(session, territory))

    assert [(one.part_use_id, one.is_taken_out) for one in listed()] == [(use.id, False)]
    assert (listed()[0].technician_id, listed()[0].customer_id) == (
        visit.technician_id, visit.work_order.customer_id,
    )  # fmt: skip
    fitted(session, visit, part, "out")
    assert [one.is_taken_out for one in listed()] == [True]
    assert open_cores(session, territory, technician_id=b.a_technician(session).id) == []
    assert len(open_cores(session, territory, technician_id=visit.technician_id)) == 1
    me = b.a_principal()
    for _ in range(2):
        assert end_core(session, by=me, use=use, result=cores.RECEIVED).received_by == me.user_id
    assert listed() == []
    for wrong in (before, use):
        with pytest.raises(CoreNotOpen):
            end_core(session, by=me, use=wrong, result=cores.WAIVED, note="lost")


def test_nobody_waits_for_what_was_waived_or_recorded_by_mistake(session: Session, now: MovableClock) -> None:
    """R-511: waiving needs its reason."""
    visit = b.a_visit(session, state="working")
    part = b.a_part(session, core_since=at(0))
    first, second = fitted(session, visit, part), fitted(session, visit, part)
    me = b.a_principal()
    with pytest.raises(TextInvalid):
        end_core(session, by=me, use=first, result=cores.WAIVED)
    end_core(session, by=me, use=first, result=cores.WAIVED, note="burnt")
    commands.void_part_use(session, by=me, visit=visit, use=second, reason="another visit")
    assert open_cores(session, visit.work_order.territory_id) == []
