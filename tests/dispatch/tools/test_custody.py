"""Tools have one keeper each (R-511)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from dispatch.errors import NotFound
from dispatch.tools import commands, queries, rules
from dispatch.tools.model import Tool
from tests import builders as b
from tests.builders import DAY
from tests.dispatch.conftest import MovableClock


def a_tool(session: Session, territory: Any, **fields: Any) -> Tool:
    """A manometer in the store."""
    given = {"serial": b.serial("M"), "name_en": "Manometer", "name_zh": "压力表", **fields}
    return commands.add_tool(session, by=b.a_principal(), territory_id=territory.id, **given)


def crew(session: Session) -> tuple[Any, Any, Any]:
    """A territory with two technicians."""
    territory = b.a_territory(session)
    return (
        territory,
        b.a_technician(session, territory=territory),
        b.a_technician(session, territory=territory),
    )


def test_a_tool_changes_its_keeper_when_it_is_accepted(session: Session, now: MovableClock) -> None:
    """R-511: from the store to a technician, to a colleague, and back; each step twice."""
    territory, ada, ben = crew(session)
    desk, tool = b.a_principal(), a_tool(session, territory)
    for giver, taker in ((None, ada), (ada, ben), (ben, None)):
        gives, takes = (b.of(who) if who else desk for who in (giver, taker))
        taker_id = taker.id if taker else None
        given = {"by": gives, "tool": tool, "taker_id": taker_id, "handover_id": b.a_principal().user_id}
        handed = commands.hand_over(session, **given)
        assert commands.hand_over(session, **given) is handed
        assert tool.keeper_id == (giver.id if giver else None)
        if taker:
            assert list(queries.waiting_for(session, taker.id)) == [handed]
            assert queries.tools_kept_by(session, taker.id) == []
        for _ in range(2):
            assert commands.accept(session, by=takes, handover=handed).state == "accepted"
        assert tool.keeper_id == taker_id
    assert len(queries.handovers_of(session, tool.id)) == 3
    with pytest.raises(rules.HandoverOver):
        commands.decline(session, by=desk, handover=handed, reason="no")


def test_nobody_gives_or_takes_for_somebody_else(session: Session, now: MovableClock) -> None:
    """R-511."""
    territory, ada, ben = crew(session)
    desk, tool = b.a_principal(), a_tool(session, territory)
    with pytest.raises(rules.ToolNotYours):
        commands.hand_over(session, by=b.of(ada), tool=tool, taker_id=ada.id)
    handed = commands.hand_over(session, by=desk, tool=tool, taker_id=ada.id)
    for who in (desk, b.of(ben)):
        with pytest.raises(rules.ToolNotYours):
            commands.accept(session, by=who, handover=handed)
    with pytest.raises(rules.ToolNotYours):
        commands.decline(session, by=b.of(ben), handover=handed, reason="no")
    with pytest.raises(rules.ToolOnItsWay):
        commands.hand_over(session, by=desk, tool=tool, taker_id=ben.id)
    with pytest.raises(rules.HandoverInvalid):
        commands.hand_over(session, by=desk, tool=tool, taker_id=ben.id, handover_id=handed.id)
    commands.decline(session, by=b.of(ada), handover=handed, reason="not mine")
    with pytest.raises(rules.HandoverOver):
        commands.accept(session, by=b.of(ada), handover=handed)
    with pytest.raises(rules.HandoverInvalid):
        commands.hand_over(session, by=desk, tool=tool, taker_id=None)
    with pytest.raises(NotFound):
        commands.hand_over(session, by=desk, tool=tool, taker_id=b.a_technician(session).id)
    with pytest.raises(rules.ToolSerialTaken):
        a_tool(session, territory, serial=tool.serial)


def test_a_tool_out_of_calibration_goes_to_the_store_alone(session: Session, now: MovableClock) -> None:
    """R-511: usable up to the last day; then only brought back, retired or calibrated."""
    territory, ada, ben = crew(session)
    desk, tool = b.a_principal(), a_tool(session, territory, calibrated_until=DAY)
    handed = commands.hand_over(session, by=desk, tool=tool, taker_id=ada.id)
    commands.accept(session, by=b.of(ada), handover=handed)
    assert queries.not_calibrated(session, [ada.id], DAY) == []
    now.set(now.moment + timedelta(days=1))
    assert queries.not_calibrated(session, [ada.id], DAY + timedelta(days=1)) == [tool]
    with pytest.raises(rules.ToolNotCalibrated):
        commands.hand_over(session, by=b.of(ada), tool=tool, taker_id=ben.id)
    with pytest.raises(rules.ToolRetired):
        commands.change_tool(session, by=desk, tool=tool, changes={"is_retired": True})
    back = commands.hand_over(session, by=b.of(ada), tool=tool, taker_id=None)
    commands.accept(session, by=desk, handover=back)
    calibrated = {"calibrated_until": DAY + timedelta(days=365), "name_en": "Gauge"}
    commands.change_tool(session, by=desk, tool=tool, changes=calibrated)
    commands.decline(
        session,
        by=desk,
        handover=commands.hand_over(session, by=desk, tool=tool, taker_id=ben.id),
        reason="wrong person",
    )
    commands.change_tool(session, by=desk, tool=tool, changes={"is_retired": True})
    with pytest.raises(rules.ToolRetired):
        commands.hand_over(session, by=desk, tool=tool, taker_id=ben.id)


STEPS = st.lists(
    st.tuples(st.sampled_from(["hand", "accept", "decline"]), st.integers(0, 2), st.integers(0, 2)),
    max_size=12,
)


@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=STEPS)
def test_whatever_people_say_a_tool_is_where_its_accepted_handovers_lead(
    session: Session, now: MovableClock, steps: list[tuple[str, int, int]]
) -> None:
    """R-511: one keeper, reckoned anew from who said what."""
    territory, ada, ben = crew(session)
    tool, people = a_tool(session, territory), [None, ada, ben]
    keeper, going, handover = 0, None, None
    for step, who, other in steps:
        by = b.of(people[who]) if people[who] else b.a_principal()
        try:
            if step == "hand":
                taker = people[other]
                handover = commands.hand_over(session, by=by, tool=tool, taker_id=taker.id if taker else None)
                assert (who, going, who != other) == (keeper, None, True)
                going = other
            elif handover is not None and step == "accept":
                state = handover.state
                commands.accept(session, by=by, handover=handover)
                if state == "handed":
                    assert who == going
                    keeper, going = going or 0, None
            elif handover is not None:
                commands.decline(session, by=by, handover=handover, reason="no")
                going = None
        except (rules.ToolNotYours, rules.ToolOnItsWay, rules.HandoverOver, rules.HandoverInvalid):
            pass
        expected = people[keeper]
        assert tool.keeper_id == (expected.id if expected else None)
