"""Who sees which order and visit (S1), and what a technician's phone shows (S3)."""

from __future__ import annotations

import uuid

import pytest
from sqlalchemy.orm import Session

from dispatch.access.rules import Role
from dispatch.errors import NotFound
from dispatch.paging import CursorInvalid, PageSizeInvalid
from dispatch.work_orders import queries, views
from tests import builders as b
from tests.dispatch.conftest import MovableClock

EVERYWHERE = b.a_principal(Role.ADMIN)
OFFICE_ROLES = [role for role in Role if role is not Role.TECHNICIAN]


@pytest.mark.parametrize("role", OFFICE_ROLES)
def test_the_office_sees_its_own_territories_only(session: Session, now: MovableClock, role: Role) -> None:
    """S1: a foreign order looks exactly like one that does not exist."""
    visit, foreign = b.a_visit(session), b.a_visit(session)
    here = b.a_principal(role, territory_ids=frozenset({visit.work_order.territory_id}))
    assert queries.find_visit(session, here, visit.id) is visit
    assert queries.find_order(session, here, visit.work_order_id) is visit.work_order
    refusals = []
    for unseen in (foreign.id, uuid.uuid4()):
        with pytest.raises(NotFound) as refused:
            queries.find_visit(session, here, unseen)
        refusals.append(str(refused.value))
    assert len(set(refusals)) == 1
    assert list(queries.list_visits(session, here).items) == [visit]
    assert list(queries.list_orders(session, here).items) == [visit.work_order]


@pytest.mark.parametrize(
    "state", ["unplanned", "planned", "published", "accepted", "done", "no_access", "cancelled"]
)
def test_a_technician_sees_a_visit_from_publication_on(
    session: Session, now: MovableClock, state: str
) -> None:
    ada, ben = b.a_technician(session), b.a_technician(session)
    order = b.an_order(session, territory_id=ada.territory_id)
    visit = b.a_visit(session, order=order, technician=ada, state=state)
    hidden = state in {"unplanned", "planned", "cancelled"}
    assert (visit in queries.list_visits(session, b.of(ada)).items) is not hidden
    assert (order in queries.list_orders(session, b.of(ada)).items) is not hidden
    assert queries.list_visits(session, b.of(ben)).items == ()


def test_a_phone_finds_a_visit_it_once_held(session: Session, now: MovableClock) -> None:
    ada, ben = b.a_technician(session), b.a_technician(session)
    visit = b.a_visit(session, state="published", technician=ben)
    with pytest.raises(NotFound):
        queries.find_visit_ever_held(session, b.of(ada), visit.id)
    b.a_visit_event(session, visit, technician_id=ada.id)
    assert queries.find_visit_ever_held(session, b.of(ada), visit.id) is visit
    with pytest.raises(NotFound):
        queries.find_visit_ever_held(session, EVERYWHERE, visit.id)


def test_pages_hold_every_entry_once_newest_first(session: Session, now: MovableClock) -> None:
    order = b.an_order(session)
    ids = [b.a_visit(session, order=order).id for _ in range(7)]
    here = b.a_principal(territory_ids=frozenset({order.territory_id}))
    seen, cursor = [], None
    while True:
        page = queries.list_visits(session, here, cursor=cursor, limit=3)
        seen += [visit.id for visit in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == sorted(ids, reverse=True)


@pytest.mark.parametrize("cursor", ["x", "AAAA", "é", "'; drop table visit"])
def test_a_cursor_that_was_not_ours_is_refused(session: Session, cursor: str) -> None:
    with pytest.raises(CursorInvalid):
        queries.list_visits(session, EVERYWHERE, cursor=cursor)


@pytest.mark.parametrize("limit", [0, -1, 201])
def test_a_page_has_a_largest_size(session: Session, limit: int) -> None:
    """S9."""
    with pytest.raises(PageSizeInvalid):
        queries.list_orders(session, EVERYWHERE, limit=limit)


def test_an_assets_history_shows_unfinished_and_advised_work(session: Session, now: MovableClock) -> None:
    """R-103: history, unfinished work, and work advised but not done; R-505 gives the advice."""
    asset = b.an_asset(session)
    old = b.a_visit(session, order=b.an_order(session, asset=asset, state="closed"), state="closed")
    b.findings(session, old, advised=["Flue is rusty"])
    b.a_visit(session, order=b.an_order(session, asset=asset), state="published")
    history = views.asset_history(session, EVERYWHERE, asset.id)
    assert [past.is_unfinished for past in history] == [True, False]
    assert history[1].fault == "Pump blocked"
    assert views.advised_but_undone(history) == ["Flue is rusty"]
    elsewhere = b.a_principal(territory_ids=frozenset())
    with pytest.raises(NotFound):
        views.asset_history(session, elsewhere, asset.id)


def test_the_timeline_is_in_the_order_of_recording(session: Session, now: MovableClock) -> None:
    visit = b.a_visit(session)
    for hour, target in ((10, "planned"), (9, "published")):
        b.a_visit_event(session, visit, to_state=target, recorded_at=b.at(hour))
    steps = queries.timeline(session, EVERYWHERE, visit.id)
    assert [step.to_state for step in steps] == ["planned", "published"]


def test_a_problem_that_says_its_title_again_is_told_once() -> None:
    repeated = views.Problem(description="Boiler leaks", title_en="Boiler leaks", title_zh="漏水")
    assert repeated.words("en") == "Boiler leaks"
    assert repeated.words("zh") == "漏水 – Boiler leaks"
