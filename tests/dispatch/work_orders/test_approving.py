"""Parts that are neither original nor approved: who was named is asked (R-507)."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch.access.model import User, UserTerritory
from dispatch.access.rules import Principal, Role
from dispatch.work_orders import refusals
from dispatch.work_orders.approving import approvers, decide_part
from dispatch.work_orders.commands import decide_case, use_part, void_part_use
from dispatch.work_orders.model import PartUse, ReviewCase, Visit
from dispatch.work_orders.queries import list_cases
from tests import builders as b
from tests.dispatch.conftest import MovableClock


@pytest.fixture
def visit(session: Session, now: MovableClock) -> Visit:
    """A visit that is being worked on."""
    return b.a_visit(session, state="working")


@pytest.fixture
def ada(visit: Visit) -> Principal:
    """The technician on site."""
    assert visit.technician_id is not None
    return b.a_principal(Role.TECHNICIAN, technician_id=visit.technician_id)


def a_person(session: Session, visit: Visit, role: Role = Role.SUPERVISOR, **fields: Any) -> Principal:
    """Somebody of the visit's territory who signs in."""
    territory_id = visit.work_order.territory_id
    user = b.a_user(session, role, **fields)
    user.territories.append(UserTerritory(territory_id=territory_id))
    session.flush()
    return Principal(user.id, role, frozenset({territory_id}))


def fit_unapproved(session: Session, visit: Visit, by: Principal, approver: uuid.UUID | None) -> PartUse:
    """Fit a part that is neither original nor approved."""
    part = b.a_part(session, is_approved=False)
    return use_part(
        session, by=by, visit=visit, sku=part.sku, direction="in", quantity=1,
        unapproved_reason="none left", approved_by=approver,
    )  # fmt: skip


def questions(session: Session, visit: Visit) -> list[ReviewCase]:
    """Cases about parts of a visit that wait for an approver."""
    statement = select(ReviewCase).where(ReviewCase.visit_id == visit.id, ReviewCase.decided_at.is_(None))
    return [case for case in session.scalars(statement) if case.kind == "approve_part"]


def test_an_unapproved_part_needs_a_reason_and_a_supervisor(
    session: Session, visit: Visit, ada: Principal
) -> None:
    """R-507."""
    part = b.a_part(session, is_approved=False)
    supervisor, dispatcher = a_person(session, visit), a_person(session, visit, Role.DISPATCHER)
    tries: list[dict[str, Any]] = [
        {},
        {"unapproved_reason": "none left"},
        {"approved_by": supervisor.user_id},
        {"unapproved_reason": "none left", "approved_by": dispatcher.user_id},
        {"unapproved_reason": "none left", "approved_by": uuid.uuid4()},
    ]
    for given in tries:
        with pytest.raises(refusals.PartNotApproved):
            use_part(session, by=ada, visit=visit, sku=part.sku, direction="in", quantity=1, **given)
    use = fit_unapproved(session, visit, ada, supervisor.user_id)
    assert (use.unapproved_reason, use.approved_by) == ("none left", supervisor.user_id)


def test_only_an_active_supervisor_of_the_territory_counts_as_approver(
    session: Session, visit: Visit, ada: Principal
) -> None:
    """R-507: whoever left, and whoever sees another territory, has approved nothing here."""
    left = a_person(session, visit, is_active=False)
    elsewhere = b.a_user(session, Role.SUPERVISOR)
    elsewhere.territories.append(UserTerritory(territory_id=b.a_territory(session).id))
    session.flush()
    for nobody in (left.user_id, elsewhere.id):
        with pytest.raises(refusals.PartNotApproved):
            fit_unapproved(session, visit, ada, nobody)
    assert questions(session, visit) == []
    everywhere = b.a_user(session, Role.ADMIN)
    assert fit_unapproved(session, visit, ada, everywhere.id).approval == "asked"
    here = a_person(session, visit)
    found = [user.id for user in approvers(session, visit.work_order.territory_id)]
    assert here.user_id in found
    assert found.index(here.user_id) < found.index(everywhere.id)
    assert not {left.user_id, elsewhere.id} & set(found)


@pytest.mark.parametrize(
    ("is_confirmed", "reason", "approval", "decision"),
    [
        (True, None, "confirmed", "confirmed"),
        (False, "I never said so", "refused", "refused: I never said so"),
    ],
)
def test_the_named_supervisor_confirms_or_refuses_the_part(
    session: Session, visit: Visit, ada: Principal, *, is_confirmed: bool, reason: str | None, approval: str,
    decision: str,
) -> None:  # fmt: skip
    """R-507: to be named is no approval; the visit is not verified before the answer."""
    supervisor, colleague = a_person(session, visit), a_person(session, visit)
    use = fit_unapproved(session, visit, ada, supervisor.user_id)
    [case] = questions(session, visit)
    assert (case.assigned_to, case.detail["reason"], use.approval) == (
        supervisor.user_id, "none left", "asked",
    )  # fmt: skip
    assert visit.needs_review
    mine = list_cases(session, supervisor, only_mine=True).items
    assert [one.id for one in mine] == [case.id]
    assert not list_cases(session, colleague, only_mine=True).items
    for other in (colleague, a_person(session, visit, Role.DISPATCHER)):
        with pytest.raises(refusals.ApproverDecides):
            decide_part(session, by=other, visit=visit, use=use, is_confirmed=True, reason=None)
    with pytest.raises(refusals.ApproverDecides):
        decide_case(session, by=supervisor, case=case, decision="fine")
    if not is_confirmed:
        with pytest.raises(refusals.ReasonMissing):
            decide_part(session, by=supervisor, visit=visit, use=use, is_confirmed=False, reason=" ")
    decide_part(session, by=supervisor, visit=visit, use=use, is_confirmed=is_confirmed, reason=reason)
    assert (use.approval, case.decision, case.decided_by) == (approval, decision, supervisor.user_id)
    assert not visit.needs_review
    with pytest.raises(refusals.CaseDecided):
        decide_part(session, by=supervisor, visit=visit, use=use, is_confirmed=True, reason=None)


def test_a_question_about_a_part_ends_with_a_mistake_and_passes_on_when_the_supervisor_left(
    session: Session, visit: Visit, ada: Principal
) -> None:
    supervisor, colleague = a_person(session, visit), a_person(session, visit)
    mistaken = fit_unapproved(session, visit, ada, supervisor.user_id)
    void_part_use(session, by=ada, visit=visit, use=mistaken, reason="counted twice")
    assert (questions(session, visit), visit.needs_review) == ([], False)
    use = fit_unapproved(session, visit, ada, supervisor.user_id)
    session.get_one(User, supervisor.user_id).is_active = False
    session.flush()
    decide_part(session, by=colleague, visit=visit, use=use, is_confirmed=True, reason=None)
    assert use.approval == "confirmed"
