"""Territories: points in polygons, and who sees which."""

from __future__ import annotations

import math
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from dispatch.errors import NotFound, Stale
from dispatch.territories import queries, rules
from dispatch.territories.commands import TerritoryCodeTaken, create_territory, update_territory
from dispatch.text import FieldUnknown, NumberOutOfRange, TextInvalid
from tests import builders as b

HORSESHOE = [[0, 0], [0, 6], [4, 6], [4, 4], [2, 4], [2, 2], [4, 2], [4, 0]]


@pytest.mark.parametrize(
    ("latitude", "longitude", "inside"),
    [
        (1, 3, True),
        (3, 3, False),
        (3, 1, True),
        (3, 5, True),
        (5, 1, False),
        (0, 3, True),
        (4, 1, True),
        (2, 3, True),
        (-0.1, 3, False),
        (1, 6.1, False),
    ],
)
def test_a_point_lies_within_a_ring_with_a_bay(latitude: float, longitude: float, inside: bool) -> None:
    """Edges belong to the territory, the bay does not."""
    assert rules.contains(HORSESHOE, latitude, longitude) is inside
    assert rules.contains(list(reversed(HORSESHOE)), latitude, longitude) is inside, "in either direction"


@given(st.floats(-2, 2), st.floats(-2, 2))
def test_a_square_contains_what_its_sides_say(latitude: float, longitude: float) -> None:
    square = [[-1, -1], [-1, 1], [1, 1], [1, -1]]
    assert rules.contains(square, latitude, longitude) is (abs(latitude) <= 1 and abs(longitude) <= 1)


@pytest.mark.parametrize(
    "boundary",
    [
        [],
        [[0, 0], [1, 1]],
        [[0, 0], [1, 1], [2, 2]],
        [[0, 0], [1, 1], [0, 0]],
        [[0, 0], [1, 1], [1]],
        [[0, 0]] * 5001,
    ],
)
def test_a_boundary_encloses_an_area(boundary: Any) -> None:
    with pytest.raises(rules.BoundaryInvalid):
        rules.checked_boundary(boundary)


@pytest.mark.parametrize("point", [(91, 0), (0, 181), (math.nan, 0), (math.inf, 0)])
def test_a_position_is_on_the_globe(session: Session, point: tuple[float, float]) -> None:
    with pytest.raises(rules.OffTheGlobe):
        queries.containing(session, *point)


def test_a_site_outside_every_territory_is_refused(session: Session) -> None:
    b.a_territory(session)
    with pytest.raises(rules.OutsideEveryTerritory):
        queries.containing(session, 0.0, 0.0)


def test_a_closed_ring_is_opened_and_a_retired_territory_takes_no_sites(session: Session) -> None:
    territory = create_territory(
        session, by=None, code="C", name="Centre", timezone=b.ZONE, boundary=[*b.SQUARE, b.SQUARE[0]]
    )
    assert territory.boundary == b.SQUARE
    assert queries.containing(session, *b.CENTRE) is territory
    update_territory(session, by=None, territory=territory, changes={"is_active": False})
    with pytest.raises(rules.OutsideEveryTerritory):
        queries.containing(session, *b.CENTRE)


def test_where_two_overlap_the_first_by_code_decides(session: Session) -> None:
    b.a_territory(session, code="B")
    first = b.a_territory(session, code="A")
    assert queries.containing(session, *b.CENTRE) is first


def test_a_territory_is_changed_on_its_newest_version_and_by_known_fields(session: Session) -> None:
    territory = b.a_territory(session, code="C")
    changed = update_territory(
        session, by=None, territory=territory, changes={"name": " North "}, expected_version=1
    )
    assert (changed.name, changed.version) == ("North", 2)
    with pytest.raises(Stale):
        update_territory(session, by=None, territory=territory, changes={"name": "x"}, expected_version=1)
    with pytest.raises(FieldUnknown):
        update_territory(session, by=None, territory=territory, changes={"code": "x"})
    with pytest.raises(rules.ZoneUnknown):
        update_territory(session, by=None, territory=territory, changes={"timezone": "Mars/Base"})
    with pytest.raises(TerritoryCodeTaken):
        create_territory(session, by=None, code="C", name="x", timezone=b.ZONE, boundary=b.SQUARE)
    with pytest.raises(TextInvalid):
        create_territory(session, by=None, code="D", name="x" * 10_000, timezone=b.ZONE, boundary=b.SQUARE)


def test_a_person_sees_the_territories_of_the_scope(session: Session) -> None:
    """S1."""
    mine, other = b.a_territory(session), b.a_territory(session)
    here = b.a_principal(territory_ids=frozenset({mine.id}))
    assert queries.visible_territories(session, here) == [mine]
    assert set(queries.visible_territories(session, b.a_principal())) == {mine, other}
    with pytest.raises(NotFound):
        queries.find_territory(session, here, other.id)


def test_what_a_day_keeps_for_emergencies_is_said_by_date_weekday_or_usual() -> None:
    """R-308."""
    reserve = rules.Reserve(15, {"1": 20, "2026-03-02": 40})
    said = [reserve.on(day) for day in (date(2026, 3, 2), date(2026, 3, 9), date(2026, 3, 10))]
    assert said == [40, 20, 15]


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        ({"8": 10}, rules.ReserveInvalid),
        ({"Monday": 10}, rules.ReserveInvalid),
        ({"2026-02-30": 10}, rules.ReserveInvalid),
        ({"20260302": 10}, rules.ReserveInvalid),
        ({"1": 51}, NumberOutOfRange),
        ({"1": -1}, NumberOutOfRange),
        ({str(number): 1 for number in range(401)}, rules.ReserveInvalid),
    ],
)
def test_reserves_of_no_day_or_beyond_half_are_refused(
    session: Session, given: dict[str, int], refusal: type[Exception]
) -> None:
    """R-308, bad input."""
    territory = b.a_territory(session)
    with pytest.raises(refusal):
        update_territory(session, by=None, territory=territory, changes={"emergency_reserve_days": given})
    assert territory.emergency_reserve_days == {}
