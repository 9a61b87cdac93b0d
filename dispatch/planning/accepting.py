"""
Taking over some rows of a proposal and leaving the rest of the day as it is (journey (e)).

The rows taken go to the technicians that the proposal sends, as near as can be to the times that it names;
everything else keeps its technician and its order. The result is published at once, like a whole proposal.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import travel
from dispatch.access.rules import Principal
from dispatch.planning import crews, heads, plan_rows, problem
from dispatch.planning.days import day_of
from dispatch.planning.differences import SENTENCES, Cause, Change, Difference, Place, between
from dispatch.planning.model import DayPlan, PlanHead, PlanStop
from dispatch.planning.problem import Built
from dispatch.planning.publishing import publish
from dispatch.planning.rules import PlanNotPublishable, PlanStale, RowNotAcceptable, RowUnknown
from dispatch.work_orders.model import Visit
from optimizer.check import check, cost
from optimizer.errors import InfeasibleRoute
from optimizer.plan import Plan, Route, Unserved
from optimizer.problem import Problem
from optimizer.timing import timetable

Orders = dict[str, tuple[str, ...]]


def accept_rows(
    session: Session,
    *,
    by: Principal,
    plan: DayPlan,
    visit_ids: Sequence[uuid.UUID],
    expected_version: int,
) -> PlanHead:
    """
    Publish the plan in force with these rows of a proposal taken over.

    Raises ``RowUnknown`` for a visit that the proposal leaves as it is, ``RowNotAcceptable`` where a row
    finds no room among what stays, ``PlanStale`` when the day moved on. Nothing is changed then.
    """
    head = heads.locked(session, plan.territory_id, plan.day)
    session.refresh(plan)
    heads.check_version(head, expected_version)
    if plan.state != "proposed":
        raise PlanNotPublishable(f"the plan is {plan.state}")
    if plan.base_version != head.version:
        raise PlanStale(f"the plan was made on version {plan.base_version}", current=head.version)
    current = heads.in_force(session, head)
    rows = _rows_named(session, current, plan, visit_ids)
    relaxed = frozenset(str(row.visit_id) for row in rows if row.breaks_promise)
    day = day_of(session, plan.territory_id, plan.day)
    taken = [row.visit_id for row in rows]
    built = problem.build(session, day, travel.times(), plan=current, extra=taken, relaxed=relaxed)
    kept, merged = _merged(built, _meeting(built, current, plan, rows), current, rows)
    _require_nobody_lost(built, current, merged)
    _require_rules(built, kept, merged)
    row = plan_rows.store(
        session,
        built,
        merged,
        state="proposed",
        base_version=head.version,
        reason="accepted_rows",
        created_by=by.user_id,
        cost_by_term=cost(built.problem, merged),
        stats={"accepted": len(rows), "of_plan": str(plan.id)},
    )
    return publish(session, by=by, plan=row, expected_version=expected_version)


def _rows_named(
    session: Session, current: DayPlan | None, plan: DayPlan, visit_ids: Sequence[uuid.UUID]
) -> list[Difference]:
    """Return the rows of visits; of a crew nobody is taken over alone, however little it changes for them."""
    known = {row.visit_id: row for row in between(session, current, plan).rows}
    unknown = [str(visit_id) for visit_id in visit_ids if visit_id not in known]
    if unknown or not visit_ids:
        raise RowUnknown("the proposal changes nothing about a visit named", visits=unknown)
    named = session.scalars(select(Visit).where(Visit.id.in_(visit_ids), Visit.crew_size > 1))
    seats = {one.id: one for visit in named for one in visit.crew}
    for stop in plan.stops:
        if stop.visit_id in seats and stop.visit_id not in known:
            known[stop.visit_id] = _along(seats[stop.visit_id], stop)
    return [known[name] for name in dict.fromkeys([*visit_ids, *seats]) if name in known]


def _along(visit: Visit, stop: PlanStop) -> Difference:
    """The row of a visit that goes with others of its crew and hardly changes itself."""
    after = Place(stop.technician_id, stop.start)
    sentence = SENTENCES[Cause.CHEAPER]
    return Difference(
        visit.id, visit.number, Change.LATER, None, after, is_told=False, breaks_promise=False,
        cause=Cause.CHEAPER, sentence=sentence,
    )  # fmt: skip


def _meeting(built: Built, current: DayPlan | None, plan: DayPlan, rows: Sequence[Difference]) -> Problem:
    """The day's problem in which crews begin at their moments: as proposed if taken over, else as before."""
    taken = {row.visit_id for row in rows}
    stops = {str(stop.visit_id): stop for stop in current.stops} if current is not None else {}
    stops |= {str(stop.visit_id): stop for stop in plan.stops if stop.visit_id in taken}
    return crews.at_their_moments(built.problem, stops, built.day)


def _require_nobody_lost(built: Built, current: DayPlan | None, merged: Plan) -> None:
    """Refuse where visits of people who are not on duty any more would be left behind."""
    placed = set(plan_rows.ids_on(merged))
    placed |= {left.visit_id for left in merged.unserved}
    before = {str(stop.visit_id) for stop in current.stops} if current is not None else set()
    lost = sorted((before & set(built.visits)) - placed)
    if lost:
        raise RowNotAcceptable(
            f"{len(lost)} visits of people off duty would be left behind; accept their rows as well",
            visits=lost,
        )


def _require_rules(built: Built, kept: Plan, merged: Plan) -> None:
    """Refuse what breaks a rule that the plan in force kept, such as parts that two visits count on."""
    before, after = ({(v.code, v.subject) for v in check(built.problem, plan)} for plan in (kept, merged))
    if broken := sorted({code for code, _ in after - before}):
        raise RowNotAcceptable(f"a rule would be broken among what stays: {', '.join(broken)}")


def _merged(
    built: Built, meeting: Problem, current: DayPlan | None, rows: Sequence[Difference]
) -> tuple[Plan, Plan]:
    """The plan in force without the rows, and with them taken over."""
    taken = frozenset(str(row.visit_id) for row in rows)
    kept = plan_rows.to_plan(built, current, without=taken)
    orders: Orders = {r.technician_id: tuple(stop.visit_id for stop in r.stops) for r in kept.routes}
    routes = {route.technician_id: route for route in kept.routes}
    for row in sorted((row for row in rows if row.after), key=_moment):
        assert row.after is not None  # noqa: S101 - the others are filtered out
        who = str(row.after.technician_id)
        route = _with(built, meeting, orders.get(who, ()), who, row)
        routes[who], orders[who] = route, tuple(stop.visit_id for stop in route.stops)
    unserved = {left.visit_id: left for left in _left_out(current, rows, taken)}
    return kept, Plan(tuple(routes.values()), tuple(unserved.values()))


def _moment(row: Difference) -> tuple[datetime, str]:
    assert row.after is not None  # noqa: S101 - asked of rows with a new place only
    return row.after.start, row.number


def _with(
    built: Built, meeting: Problem, order: tuple[str, ...], technician_id: str, row: Difference
) -> Route:
    """A route with a visit put in where its start comes nearest to the one proposed, then cheapest."""
    assert row.after is not None  # noqa: S101 - dropped rows are not put in
    wanted, name = built.day.seconds(row.after.start), str(row.visit_id)
    best: tuple[int, int, Route] | None = None
    for found in _tries(built, meeting, order, technician_id, name):
        start = next(stop.start for stop in found.stops if stop.visit_id == name)
        key = (abs(start - wanted), found.return_time)
        if best is None or key < best[:2]:
            best = (*key, found)
    if best is None:
        raise RowNotAcceptable(
            f"visit {row.number} has no room on the route as it is", visit_id=name, number=row.number
        )
    return best[2]


def _tries(
    built: Built, meeting: Problem, order: tuple[str, ...], technician_id: str, name: str
) -> Iterator[Route]:
    """Every way to put a visit into a route behind what has begun."""
    technician, asked = meeting.technician(technician_id), meeting.visit(name)
    if technician is None or asked is None:
        return
    visits = [visit for each in order if (visit := meeting.visit(each)) is not None]
    begun = sum(visit.id in built.begun for visit in visits)
    for place in range(begun, len(visits) + 1):
        try:
            yield timetable(meeting, technician, (*visits[:place], asked, *visits[place:]))
        except InfeasibleRoute:
            continue


def _left_out(
    current: DayPlan | None, rows: Sequence[Difference], taken: frozenset[str]
) -> Iterator[Unserved]:
    """What the plan in force left out already, and what is dropped with the rows."""
    for left in current.unserved if current is not None else ():
        if str(left.visit_id) not in taken:
            yield Unserved(str(left.visit_id), left.reason, left.sentence, left.action)
    for row in rows:
        if row.after is None:
            yield Unserved(str(row.visit_id), str(row.cause), row.sentence, "plan it anew")
