"""Publication by compare-and-set: who is sent or evicted, what is told anew, what the database refuses."""

from __future__ import annotations

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from dispatch.customers.model import Customer
from dispatch.messages.facts import of_promise
from dispatch.messages.templates import TEMPLATES
from dispatch.planning import heads, leaving_out
from dispatch.planning.commands import book, lock_visit, publish, reject, unlock_visit
from dispatch.planning.model import Booking, DayPlan, PlanLock
from dispatch.planning.queries import day_view
from dispatch.planning.rules import (
    DoubleBooking,
    LockEmpty,
    PlanNotPublishable,
    PlanStale,
    VisitNotPlannable,
    WindowImpossible,
)
from dispatch.promises import alarming
from dispatch.promises.alarming import Sight
from dispatch.promises.model import Promise
from dispatch.promises.rules import AlarmPolicy
from dispatch.technicians.model import Technician
from dispatch.work_orders.model import Visit
from dispatch.work_orders.refusals import TechnicianExcluded
from tests.builders import DAY, a_principal, a_promise, an_absence, at
from tests.dispatch.conftest import MovableClock
from tests.planning_world import Town, feed_of, runs_of


def publish_now(town: Town, plan: DayPlan | None = None) -> DayPlan:
    """Publish the plan in force on the version that stands."""
    chosen = plan or town.in_force()
    assert chosen is not None
    publish(town.session, by=None, plan=chosen, expected_version=town.head().version)
    return chosen


def booked_town(town: Town, hours: tuple[float, ...] = (8, 10, 12)) -> None:
    """One visit per hour named, booked for two hours each."""
    for visit, hour in zip(town.visits(len(hours)), hours, strict=True):
        book(town.session, by=None, visit=visit, start=at(hour), end=at(hour + 2), channel="phone")


def test_publication_sends_each_technician_the_visits(town: Town) -> None:
    who = town.technician()
    booked_town(town)
    plan = publish_now(town)
    view = day_view(town.session, a_principal(), town.territory.id, DAY)
    assert view.published is plan
    assert (view.draft, view.revision, plan.state) == (None, 1, "published")
    sent = {str(stop.visit_id) for stop in plan.stops}
    assert {name for name, kind in feed_of(town.session, who) if kind == "put"} == sent
    bookings = town.session.scalars(select(Booking)).all()
    assert {(b.visit_id, b.during.lower, b.during.upper) for b in bookings} == {
        (stop.visit_id, stop.start, stop.end) for stop in plan.stops
    }
    told = [
        run for run in runs_of(town.session, "messages.write") if run.payload["event"] == "VisitScheduled"
    ]
    assert {run.payload["visit_id"] for run in told} == sent


def test_publishing_on_an_older_version_is_refused(town: Town) -> None:
    town.technician()
    booked_town(town)
    read = town.head().version
    book(town.session, by=None, visit=town.visit(), start=at(14), end=at(16), channel="phone")
    plan = town.in_force()
    assert plan is not None
    with pytest.raises(PlanStale) as refusal:
        publish(town.session, by=None, plan=plan, expected_version=read)
    assert refusal.value.detail["current"] == town.head().version
    assert plan.state == "draft"


def test_a_proposal_made_before_a_booking_is_stale(town: Town) -> None:
    """Row 13: what was planned on an older version of the day is stale."""
    who = town.technician()
    visit = town.visit()
    head = heads.locked(town.session, town.territory.id, DAY)
    proposal = town.plan_of([(who, visit, at(9))], head, state="proposed")
    book(town.session, by=None, visit=town.visit(), start=at(14), end=at(16), channel="phone")
    with pytest.raises(PlanStale):
        publish_now(town, proposal)


@pytest.mark.parametrize("pin", ["lock", "unlock"])
def test_a_lock_makes_older_proposals_stale(town: Town, pin: str) -> None:
    who = town.technician()
    booked_town(town, (8,))
    [visit_id] = [stop.visit_id for stop in (town.in_force() or DayPlan()).stops]
    visit = town.session.get_one(Visit, visit_id)
    lock_visit(town.session, by=None, visit=visit, technician_id=who.id, start=None)
    town.session.flush()
    proposal = town.plan_of([(who, visit, at(9))], town.head(), state="proposed")
    if pin == "lock":
        lock_visit(town.session, by=None, visit=visit, technician_id=who.id, start=at(9))
    else:
        unlock_visit(town.session, visit=visit)
    with pytest.raises(PlanStale):
        publish_now(town, proposal)


@pytest.mark.parametrize("state", ["published", "superseded", "rejected"])
def test_only_drafts_and_proposals_can_be_published(town: Town, state: str) -> None:
    who = town.technician()
    head = heads.locked(town.session, town.territory.id, DAY)
    plan = town.plan_of([(who, town.visit(), at(9))], head, state=state)
    with pytest.raises(PlanNotPublishable):
        publish_now(town, plan)


def test_a_rejected_proposal_cannot_be_rejected_again(town: Town) -> None:
    who = town.technician()
    head = heads.locked(town.session, town.territory.id, DAY)
    plan = town.plan_of([(who, town.visit(), at(9))], head, state="proposed")
    reject(town.session, by=None, plan=plan)
    assert plan.state == "rejected"
    with pytest.raises(PlanNotPublishable):
        reject(town.session, by=None, plan=plan)


@pytest.mark.parametrize("state", ["published", "accepted"])
def test_a_dropped_visit_returns_to_the_pool_and_leaves_the_phone(town: Town, state: str) -> None:
    who = town.technician()
    kept, dropped = town.visits(2)
    plan = town.draft([(who, kept, 9), (who, dropped, 11)])
    publish_now(town, plan)
    dropped.state = state
    town.session.flush()
    proposal = town.plan_of([(who, kept, at(9))], town.head(), state="proposed")
    publish_now(town, proposal)
    assert (kept.state, dropped.state, dropped.technician_id) == ("published", "unplanned", None)
    assert feed_of(town.session, who)[-1] == (str(dropped.id), "evict")
    assert plan.state == "superseded"
    assert town.session.scalars(select(Booking.visit_id)).all() == [kept.id]


def test_a_visit_that_changes_hands_is_evicted_from_the_one_and_put_to_the_other(town: Town) -> None:
    former, later = town.technician(), town.technician()
    visit = town.visit()
    publish_now(town, town.draft([(former, visit, 9)]))
    publish_now(town, town.plan_of([(later, visit, at(10))], town.head(), state="proposed"))
    assert visit.technician_id == later.id
    assert feed_of(town.session, former)[-1] == (str(visit.id), "evict")
    assert feed_of(town.session, later)[-1] == (str(visit.id), "put")


def test_what_has_begun_stays_with_its_technician_and_is_not_booked_again(
    town: Town, now: MovableClock
) -> None:
    who, other = town.technician(), town.technician()
    times = {"arrived_at": at(8), "started_at": at(8), "planned_start": at(8)}
    visit = town.visit(technician=who, state="working", **times)
    head = heads.locked(town.session, town.territory.id, DAY)
    with pytest.raises(PlanNotPublishable, match="begun"):
        publish_now(town, town.plan_of([(other, visit, at(9))], head, state="proposed"))
    publish_now(town, town.plan_of([(who, visit, at(8))], head, state="proposed"))
    assert (visit.state, visit.technician_id, visit.started_at) == ("working", who.id, at(8))
    assert town.session.scalars(select(Booking)).all() == []


def test_a_visit_without_a_promise_is_told_a_window(town: Town) -> None:
    """R-309: planned without a call back, the customer still hears a window, from the quarter hour before."""
    who = town.technician()
    visit = town.visit()
    publish_now(town, town.draft([(who, visit, 9.3)]))
    [row] = town.session.scalars(select(Promise))
    assert (row.window_start, row.window_end, row.reason, row.channel) == (
        at(9.25),
        at(11.25),
        "first",
        "message",
    )


@pytest.mark.parametrize(("hour", "told_again"), [(10, False), (11.9, False), (12.1, True), (9.5, True)])
def test_a_window_that_the_plan_cannot_keep_is_told_anew_and_the_first_stays(
    town: Town, hour: float, *, told_again: bool
) -> None:
    """R-309: another window is a new row; whatever lies inside the window is no news."""
    who = town.technician()
    visit = town.visit()
    book(town.session, by=None, visit=visit, start=at(10), end=at(12), channel="phone")
    publish_now(town, town.plan_of([(who, visit, at(hour))], town.head(), state="proposed"))
    rows = town.session.scalars(select(Promise).order_by(Promise.ordinal)).all()
    assert (rows[0].window_start, rows[0].window_end, rows[0].reason) == (at(10), at(12), "first")
    assert [row.reason for row in rows[1:]] == (["replanned"] if told_again else [])
    if told_again:
        assert rows[1].window_start <= at(hour) <= rows[1].window_end


def test_two_visits_at_once_are_a_double_booking(town: Town) -> None:
    who = town.technician()
    first, second = town.visits(2)
    plan = town.draft([(who, first, 9), (who, second, 9.5)])
    with pytest.raises(DoubleBooking):
        publish_now(town, plan)


def test_the_database_itself_refuses_overlapping_bookings(town: Town) -> None:
    who = town.technician()
    first, second, third = town.visits(3)
    plan = town.draft([(who, first, 9)])
    statement = text(
        "insert into booking (visit_id, technician_id, plan_id, during) values"
        " (:visit, :who, :plan, tstzrange(:start, :end, '[)'))"
    )

    def insert(visit: object, start: float, end: float) -> None:
        values = {"visit": visit, "who": who.id, "plan": plan.id, "start": at(start), "end": at(end)}
        town.session.execute(statement, values)

    insert(first.id, 9, 10)
    insert(second.id, 10, 11)
    town.session.execute(text("set constraints all immediate"))
    with pytest.raises(IntegrityError, match="ex_booking_technician"), town.session.begin_nested():
        insert(third.id, 10.5, 12)


def test_publishing_may_swap_two_visits(town: Town) -> None:
    who = town.technician()
    first, second = town.visits(2)
    publish_now(town, town.draft([(who, first, 9), (who, second, 10)]))
    swapped = town.plan_of([(who, second, at(9)), (who, first, at(10))], town.head(), state="proposed")
    publish_now(town, swapped)
    assert (second.planned_start, first.planned_start) == (at(9), at(10))


def test_a_plan_that_sends_somebody_who_fell_ill_is_refused(town: Town) -> None:
    ill = town.technician()
    booked_town(town)
    an_absence(town.session, ill)
    with pytest.raises(PlanNotPublishable) as refusal:
        publish_now(town)
    assert refusal.value.detail["technicians"] == [str(ill.id)]


def test_a_plan_that_sends_the_excluded_technician_is_refused(town: Town) -> None:
    """R-508: whoever wrote the plan."""
    who = town.technician()
    visit = town.visit(excluded_technicians=[str(who.id)])
    with pytest.raises(TechnicianExcluded):
        publish_now(town, town.draft([(who, visit, 9)]))


def test_a_technician_cannot_be_pinned_to_a_repeat_of_the_own_repair(town: Town) -> None:
    """R-508."""
    who = town.technician()
    visit = town.visit(excluded_technicians=[str(who.id)])
    with pytest.raises(VisitNotPlannable, match="R-508"):
        lock_visit(town.session, by=None, visit=visit, technician_id=who.id, start=None)


def test_locks_that_say_nothing_or_lie_in_the_past_are_refused(town: Town) -> None:
    who = town.technician()
    visit = town.visit()
    with pytest.raises(LockEmpty):
        lock_visit(town.session, by=None, visit=visit, technician_id=None, start=None)
    with pytest.raises(WindowImpossible):
        lock_visit(town.session, by=None, visit=visit, technician_id=who.id, start=at(7))
    with pytest.raises(VisitNotPlannable):
        lock_visit(
            town.session,
            by=None,
            visit=town.visit(technician=who, state="done"),
            technician_id=who.id,
            start=None,
        )


def test_a_lock_is_replaced_and_taken_off(town: Town, session: Session) -> None:
    who = town.technician()
    visit = town.visit()
    lock_visit(session, by=None, visit=visit, technician_id=who.id, start=None)
    lock_visit(session, by=None, visit=visit, technician_id=None, start=at(10), reason="customer asked")
    pin = session.scalars(select(PlanLock)).one()
    assert (pin.technician_id, pin.start, pin.reason) == (None, at(10), "customer asked")
    unlock_visit(session, visit=visit)
    assert session.scalars(select(PlanLock)).all() == []


@pytest.mark.parametrize(
    ("plan_reason", "told", "words"),
    [
        ("absence", "technician_ill", ("our technician fell ill", "技术员临时生病")),
        ("emergency", "emergency", ("an emergency came first", "需先处理紧急抢修")),
        ("delay", "delay", ("an earlier visit takes longer", "前一单耗时较长")),
        ("site_moved", "site_moved", ("the place on our map was put right", "地图位置已更正")),
        ("optimise", "replanned", ("our plan for the day has changed", "当日安排有变")),
    ],
)
def test_the_customer_is_told_the_real_reason_of_another_time(
    town: Town, plan_reason: str, told: str, words: tuple[str, str]
) -> None:
    """R-309, R-802: in the ledger, which never changes, and in the message."""
    who, visit, promise = moved(town, plan_reason)
    assert (promise.ordinal, promise.reason) == (2, told)
    assert who.id == visit.technician_id
    for language, expected in zip(("en", "zh"), words, strict=True):
        town.session.get_one(Customer, visit.work_order.customer_id).language = language
        draft = of_promise(town.session, promise, "visit_promised_again")
        assert expected in TEMPLATES[draft.template][language].body.replace("$reason", draft.values["reason"])


def moved(town: Town, reason: str, *, absent: bool = False) -> tuple[Technician, Visit, Promise]:
    """A published visit, and a plan that sends somebody else after its window; its newest promise."""
    former, who = town.technician(break_minutes=0), town.technician(break_minutes=0)
    visit = town.visit()
    a_promise(town.session, visit, window_start=at(9), window_end=at(11))
    publish_now(town, town.draft([(former, visit, 9)]))
    if absent:
        an_absence(town.session, former)
    plan = town.plan_of([(who, visit, at(14))], town.head(), state="proposed")
    plan.reason = reason
    town.session.flush()
    publish_now(town, plan)
    newest = select(Promise).order_by(Promise.ordinal.desc()).limit(1)
    return who, visit, town.session.scalars(newest).one()


def test_whoever_was_to_come_and_is_ill_is_the_reason_whatever_the_plan_was_made_for(town: Town) -> None:
    """R-802: a dispatcher planned by hand after the illness."""
    assert moved(town, "optimise", absent=True)[2].reason == "technician_ill"


def test_rows_taken_over_have_the_reason_of_their_proposal(town: Town) -> None:
    """R-802."""
    source = town.plan_of([], heads.locked(town.session, town.territory.id, DAY), state="proposed")
    source.reason = "emergency"
    taken = DayPlan(reason="accepted_rows", stats={"of_plan": str(source.id)})
    town.session.flush()
    assert leaving_out.reason_of(town.session, taken) == "emergency"


def test_what_was_seen_in_danger_is_the_reason_of_the_new_time(town: Town) -> None:
    """R-802: the customer reads one reason, in the warning and in the new time."""
    who = town.technician(break_minutes=0)
    visit = town.visit()
    a_promise(town.session, visit, window_start=at(9), window_end=at(11))
    publish_now(town, town.draft([(who, visit, 9)]))
    sight = Sight(visit.id, at(13), is_breaking=True, reason="emergency")
    alarming.look(town.session, town.territory.id, DAY, [sight], AlarmPolicy())
    plan = town.plan_of([(who, visit, at(13))], town.head(), state="proposed")
    publish_now(town, plan)
    newest = select(Promise).order_by(Promise.ordinal.desc()).limit(1)
    assert town.session.scalars(newest).one().reason == "emergency"
