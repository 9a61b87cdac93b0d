"""Taking steps: times, history, order state, feed, events, and who may do it."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from random import Random
from threading import Barrier

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from dispatch import db, events
from dispatch.access.rules import Principal, Role
from dispatch.errors import DispatchError, Stale, TransitionRefused
from dispatch.events import Event
from dispatch.feed import FeedRow, technician_scope
from dispatch.technicians.model import Technician
from dispatch.work_orders import refusals
from dispatch.work_orders.commands import (
    Assignment,
    Findings,
    assign,
    place,
    record_findings,
    release,
    take_step,
    waive,
)
from dispatch.work_orders.guards import CapacityForbidden
from dispatch.work_orders.lifecycle import STEPS, Actor, VisitState
from dispatch.work_orders.model import Visit, VisitEvent
from dispatch.work_orders.queries import steps_of
from tests import builders as b
from tests.dispatch.conftest import MovableClock

S, A = VisitState, Actor
OFFICE = b.a_principal(Role.DISPATCHER)


def walk(
    session: Session, visit: Visit, by: Principal, *targets: VisitState, reason: str | None = None
) -> None:
    """Let the assignee take steps, one after the other."""
    for target in targets:
        take_step(session, visit=visit, target=target, actor=A.ASSIGNEE, by=by, reason=reason)


def feed_of(session: Session, technician: Technician) -> list[tuple[str, str, int]]:
    """What a technician's devices heard: kind, entity id, version."""
    statement = select(FeedRow).where(FeedRow.scope == technician_scope(technician.id)).order_by(FeedRow.seq)
    return [(row.kind, row.entity_id, row.version) for row in session.scalars(statement)]


@pytest.fixture
def published(session: Session, now: MovableClock) -> Visit:
    """A visit on its technician's phone."""
    return b.a_visit(session, state="published")


def technician_of(session: Session, visit: Visit) -> Technician:
    """The technician a visit is assigned to."""
    assert visit.technician_id is not None
    return session.get_one(Technician, visit.technician_id)


def test_a_day_on_site_leaves_times_history_order_state_and_events(
    session: Session, now: MovableClock, recorded: list[Event], published: Visit
) -> None:
    ada = b.of(technician_of(session, published))
    for hour, target in ((9, S.TRAVELLING), (9.5, S.ON_SITE), (9.75, S.WORKING)):
        now.set(b.at(hour))
        walk(session, published, ada, target)
    assert published.work_order.state == "in_progress"
    now.set(b.at(10))
    walk(session, published, ada, S.PAUSED, reason="fetching a part")
    now.set(b.at(10.5))
    walk(session, published, ada, S.WORKING)
    record_findings(
        session, by=ada, visit=published, findings=Findings(fault="f", cause="c", action="a", is_solved=True)
    )
    waive(session, by=ada, visit=published, reason="customer left")
    now.set(b.at(11))
    walk(session, published, ada, S.DONE)
    assert (published.travelling_at, published.arrived_at) == (b.at(9), b.at(9.5))
    assert (published.started_at, published.finished_at) == (b.at(9.75), b.at(11))
    assert published.paused_seconds == 1800
    assert published.work_order.state == "done"
    history = session.scalars(select(VisitEvent).order_by(VisitEvent.recorded_at, VisitEvent.id)).all()
    assert [entry.to_state for entry in history] == [
        "travelling", "on_site", "working", "paused", "working", "done",
    ]  # fmt: skip
    assert {entry.technician_id for entry in history} == {ada.technician_id}
    assert [type(event).__name__ for event in recorded] == [
        "TechnicianOnTheWay", "TechnicianArrived", "VisitCompleted",
    ]  # fmt: skip


def test_history_tells_steps_in_the_order_in_which_they_were_taken(
    session: Session, now: MovableClock, published: Visit
) -> None:
    """A request that waited for another one's step was given its time before that."""
    ada = b.of(technician_of(session, published))
    for hour, target in ((9.5, S.TRAVELLING), (9.4, S.ON_SITE), (9.4, S.WORKING), (9.3, S.PAUSED)):
        now.set(b.at(hour))
        walk(session, published, ada, target, reason="a part")
    history = [entry.to_state for entry in steps_of(session, [published])]
    assert history == ["travelling", "on_site", "working", "paused"]


def test_both_times_of_a_step_are_kept(session: Session, now: MovableClock, published: Visit) -> None:
    ada = b.of(technician_of(session, published))
    op, device = uuid.uuid4(), uuid.uuid4()
    entry = take_step(
        session, visit=published, target=S.ON_SITE, actor=A.ASSIGNEE, by=ada,
        occurred_at=b.at(7.5), op_id=op, device_id=device,
    )  # fmt: skip
    assert (entry.occurred_at, entry.recorded_at) == (b.at(7.5), b.at(8))
    assert (entry.op_id, entry.device_id, entry.user_id) == (op, device, ada.user_id)
    assert published.arrived_at == b.at(7.5)
    assert published.travelling_at is None, "a skipped step leaves no time"


@pytest.mark.parametrize(
    ("state", "target"), [("working", S.PAUSED), ("on_site", S.NO_ACCESS), ("published", S.UNPLANNED)]
)
def test_a_step_that_people_will_ask_about_needs_a_reason(
    session: Session, now: MovableClock, state: str, target: VisitState
) -> None:
    visit = b.a_visit(session, state=state)
    ada = b.of(technician_of(session, visit))
    for empty in (None, "", "   "):
        with pytest.raises(refusals.ReasonMissing):
            walk(session, visit, ada, target, reason=empty)
    walk(session, visit, ada, target, reason="because")
    assert visit.state == target.value


def test_a_visit_is_not_done_without_findings_and_signature(session: Session, now: MovableClock) -> None:
    """R-509: the record comes before the end of the visit."""
    visit = b.a_visit(session, state="working")
    ada = b.of(technician_of(session, visit))
    with pytest.raises(refusals.FindingsMissing):
        walk(session, visit, ada, S.DONE)
    b.findings(session, visit)
    with pytest.raises(refusals.SignatureMissing):
        walk(session, visit, ada, S.DONE)
    b.a_report(session, visit)
    walk(session, visit, ada, S.DONE)
    assert visit.state == "done"


def test_nobody_else_takes_a_technicians_steps(session: Session, now: MovableClock, published: Visit) -> None:
    ben = b.of(b.a_technician(session))
    with pytest.raises(refusals.NotYourVisit):
        walk(session, published, ben, S.ACCEPTED)
    with pytest.raises(CapacityForbidden):
        walk(session, published, OFFICE, S.ACCEPTED)
    with pytest.raises(CapacityForbidden):
        take_step(session, visit=published, target=S.CANCELLED, actor=A.DISPATCHER, by=ben, reason="x")


def test_a_technician_reopens_within_two_hours_and_the_office_later(
    session: Session, now: MovableClock
) -> None:
    visit = b.a_visit(session, state="done", started_at=b.at(9), finished_at=b.at(10))
    ada = b.of(technician_of(session, visit))
    now.set(b.at(12.25))
    with pytest.raises(refusals.ReopenTooLate):
        walk(session, visit, ada, S.WORKING, reason="forgot a part")
    take_step(session, visit=visit, target=S.WORKING, actor=A.DISPATCHER, by=OFFICE, reason="forgot a part")
    assert visit.finished_at is None
    assert visit.paused_seconds == int(timedelta(hours=2.25).total_seconds()), "the gap is no working time"


def test_two_travelling_visits_of_one_technician_are_flagged(session: Session, now: MovableClock) -> None:
    ada = b.a_technician(session)
    first = b.a_visit(session, state="published", technician=ada)
    second = b.a_visit(session, state="published", technician=ada)
    walk(session, first, b.of(ada), S.TRAVELLING)
    walk(session, second, b.of(ada), S.TRAVELLING)
    assert (first.needs_review, second.needs_review) == (False, True)


def test_publishing_reassigning_and_cancelling_tell_the_right_devices(
    session: Session, now: MovableClock
) -> None:
    order = b.an_order(session)
    ada, ben = b.a_technician(session), b.a_technician(session, name="Ben")
    for person in (ada, ben):
        b.a_shift(session, person)
    visit = b.a_visit(session, order=order)
    times = {"planned_start": b.at(9), "planned_end": b.at(10)}
    place(session, by=None, visit=visit, technician_id=ada.id, **times)
    assert feed_of(session, ada) == [], "a plan that is not published is nobody's business"
    assert assign(session, by=OFFICE, visit=visit, technician_id=ada.id, **times)
    assert not assign(session, by=OFFICE, visit=visit, technician_id=ada.id, **times), "nothing changed"
    assert feed_of(session, ada) == [("put", str(visit.id), visit.version)]
    assert order.state == "scheduled"
    assign(session, by=OFFICE, visit=visit, technician_id=ben.id, **times)
    assert [kind for kind, *_ in feed_of(session, ada)] == ["put", "evict"]
    assert [kind for kind, *_ in feed_of(session, ben)] == ["put"]
    take_step(session, visit=visit, target=S.CANCELLED, actor=A.CUSTOMER, by=OFFICE, reason="sold the house")
    assert [kind for kind, *_ in feed_of(session, ben)] == ["put", "evict"]
    assert order.state == "cancelled"


def test_a_visit_under_way_that_goes_to_a_colleague_begins_anew(session: Session, now: MovableClock) -> None:
    visit = b.a_visit(session, state="on_site", travelling_at=b.at(8), arrived_at=b.at(8.5))
    ben = b.a_technician(session)
    b.a_shift(session, ben)
    report = b.a_report(session, visit)
    assign(
        session, by=OFFICE, visit=visit, technician_id=ben.id, planned_start=b.at(13), planned_end=b.at(14)
    )
    assert (visit.state, visit.technician_id) == ("published", ben.id)
    assert (visit.travelling_at, visit.arrived_at) == (None, None)
    session.refresh(report)
    assert not report.is_current, "what was signed for the former technician binds nobody now"


def test_a_released_visit_belongs_to_nobody(session: Session, now: MovableClock, published: Visit) -> None:
    ada = technician_of(session, published)
    release(session, by=OFFICE, visit=published)
    assert (published.state, published.technician_id, published.planned_start) == ("unplanned", None, None)
    assert feed_of(session, ada)[-1][0] == "evict"
    assert published.work_order.state == "open"


def test_times_alone_move_without_a_step(session: Session, now: MovableClock) -> None:
    visit = b.a_visit(session, state="accepted")
    ada = technician_of(session, visit)
    b.a_shift(session, ada)
    assert assign(
        session, by=OFFICE, visit=visit, technician_id=ada.id, planned_start=b.at(11), planned_end=b.at(12)
    )
    assert (visit.state, visit.planned_start) == ("accepted", b.at(11))
    assert feed_of(session, ada) == [("put", str(visit.id), visit.version)]


def test_work_that_happened_is_kept_although_the_visit_was_cancelled(
    session: Session, now: MovableClock
) -> None:
    """Decided by a case, never dropped: the fact stands, billing waits."""
    ada = b.a_technician(session)
    visit = b.a_visit(session, state="published", technician=ada)
    take_step(session, visit=visit, target=S.CANCELLED, actor=A.DISPATCHER, by=OFFICE, reason="by phone")
    take_step(session, visit=visit, target=S.DONE, actor=A.CASE, by=b.of(ada), occurred_at=b.at(9))
    assert (visit.state, visit.needs_review, visit.billing_hold) == ("done", True, True)
    assert (visit.technician_id, visit.finished_at) == (ada.id, b.at(9))
    assert feed_of(session, ada)[-1][0] == "put"


def test_work_by_the_former_technician_is_credited_to_whoever_did_it(
    session: Session, now: MovableClock
) -> None:
    ada, ben = b.a_technician(session), b.a_technician(session)
    visit = b.a_visit(session, state="published", technician=ben)
    take_step(session, visit=visit, target=S.DONE, actor=A.CASE, by=b.of(ada))
    assert visit.technician_id == ada.id
    assert [kind for kind, *_ in feed_of(session, ben)] == ["evict"]


def test_a_refused_step_changes_nothing(session: Session, now: MovableClock, recorded: list[Event]) -> None:
    visit = b.a_visit(session, state="published")
    version = visit.version
    with pytest.raises(TransitionRefused):
        walk(session, visit, b.of(technician_of(session, visit)), S.DONE)
    session.flush()
    assert (visit.state, visit.version, recorded) == ("published", version, [])
    assert session.scalars(select(VisitEvent)).all() == []


def test_the_database_refuses_a_state_set_behind_the_tables_back(session: Session, now: MovableClock) -> None:
    """S5: the trigger knows the same table."""
    visit = b.a_visit(session)
    with pytest.raises(DBAPIError, match="cannot go from unplanned to verified"), session.begin_nested():
        session.execute(text("update visit set state = 'verified' where id = :id"), {"id": visit.id})


def test_the_database_holds_the_same_steps_as_the_code(session: Session) -> None:
    rows = {tuple(row) for row in session.execute(text("select from_state, to_state from visit_transition"))}
    assert rows == {(taken.from_state.value, taken.to_state.value) for taken in STEPS}


def test_an_excluded_technician_is_not_assigned(session: Session, now: MovableClock) -> None:
    """R-508: also by hand, whoever repaired it before is not sent."""
    ada = b.a_technician(session)
    order = b.an_order(session, excluded_technicians=[str(ada.id)])
    visit = b.a_visit(session, order=order)
    with pytest.raises(refusals.TechnicianExcluded):
        assign(
            session, by=OFFICE, visit=visit, technician_id=ada.id, planned_start=b.at(9), planned_end=b.at(10)
        )
    assert visit.state == "unplanned"


def test_any_history_through_the_real_function_is_a_path_of_the_table(
    session: Session, now: MovableClock
) -> None:
    """P6: 40 seeded walks of 60 wishes; what was recorded is a path, and what was refused left no trace."""
    permitted = {(taken.from_state, taken.to_state, taken.actor) for taken in STEPS}
    ada = b.a_technician(session)
    me = b.of(ada)
    edges = 0
    for seed in range(40):
        chance = Random(seed)
        visit = b.a_visit(session, state=chance.choice(["unplanned", "published"]), technician=ada)
        first = S(visit.state)
        if chance.random() < 0.7:
            b.findings(session, visit)
            b.a_report(session, visit)
        for _ in range(60):
            actor, target = chance.choice(list(A)), chance.choice(list(S))
            onward = [taken for taken in STEPS if taken.from_state == visit.state]
            if onward and chance.random() < 0.3:
                wish = chance.choice(onward)
                actor, target = wish.actor, wish.to_state
            by = me if actor is A.ASSIGNEE else OFFICE
            given = Assignment(ada.id, b.at(9), b.at(10)) if target in {S.PLANNED, S.PUBLISHED} else None
            before = visit.state
            try:
                take_step(
                    session, visit=visit, target=target, actor=actor, by=by, reason="r", assignment=given
                )
            except DispatchError:
                assert visit.state == before
            now.set(now.moment + timedelta(seconds=1))
        history = session.scalars(
            select(VisitEvent).where(VisitEvent.visit_id == visit.id).order_by(VisitEvent.recorded_at)
        ).all()
        states = [first, *(S(entry.to_state) for entry in history)]
        for here, entry in zip(states, history, strict=False):
            assert here == entry.from_state
            assert (here, S(entry.to_state), A(entry.actor)) in permitted
        assert states[-1] == visit.state
        edges += len(history)
    assert edges > 200


def test_of_two_people_who_take_a_step_at_once_one_is_told(database_url: str, now: MovableClock) -> None:
    """S5: exactly one winner; the other reads again and decides again."""
    engine = db.connect(database_url, pool_size=10)
    sessions = db.sessions(engine)
    with sessions() as session:
        visit_id = b.a_visit(session, state="published").id
        session.commit()
    barrier = Barrier(8)

    def cancel(number: int) -> str:
        with sessions() as session:
            visit = session.get_one(Visit, visit_id)
            barrier.wait(timeout=20)
            try:
                take_step(
                    session,
                    visit=visit,
                    target=S.CANCELLED,
                    actor=A.DISPATCHER,
                    by=OFFICE,
                    reason=f"{number}",
                )
                db.commit(session)
            except Stale:
                return "stale"
            return "cancelled"

    with ThreadPoolExecutor(8) as pool:
        answers = sorted(pool.map(cancel, range(8)))
    assert answers == ["cancelled"] + ["stale"] * 7
    with sessions() as session:
        assert len(session.scalars(select(VisitEvent)).all()) == 1
    engine.dispose()


def test_verified_announces_the_gate_to_settlement(
    session: Session, now: MovableClock, recorded: list[Event]
) -> None:
    visit = b.a_visit(session, state="done")
    b.a_report(session, visit)
    take_step(session, visit=visit, target=S.VERIFIED, actor=A.AUTO_RULE, by=None)
    assert recorded == [events.VisitVerified(visit_id=str(visit.id), work_order_id=str(visit.work_order_id))]
