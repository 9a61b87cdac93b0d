"""What a desk does beside planning: cases, times, the rest of begun work, the work of lost phones."""

from __future__ import annotations

import uuid
from datetime import timedelta

from sqlalchemy import select

from dispatch import clock, db
from dispatch.billing.commands import amend_times as amend
from dispatch.sync import quarantine
from dispatch.sync.model import Quarantined
from dispatch.work_orders import commands as visits
from dispatch.work_orders.model import ReviewCase, Visit
from tests.phone.direct import CURRENCY, SECRETS
from tests.phone.world import World

MOMENTS = ("travelling_at", "arrived_at", "started_at", "finished_at")


def decide_cases(world: World) -> None:
    """Somebody looks at every case that is open."""
    with db.transaction() as session:
        waiting = select(ReviewCase).where(
            ReviewCase.visit_id.in_(world.told), ReviewCase.decided_at.is_(None)
        )
        for case in session.scalars(waiting.order_by(ReviewCase.id)).all():
            session.get_one(Visit, case.visit_id, with_for_update=True)
            visits.decide_case(session, by=world.desk, case=case, decision="looked at")


def amend_times(world: World, visit_id: uuid.UUID, name: str, minutes: int) -> None:
    """The desk knows better when something happened."""
    with db.transaction() as session:
        amend(
            session,
            by=world.desk,
            visit=session.get_one(Visit, visit_id, with_for_update=True),
            times={name: clock.now() - timedelta(minutes=minutes)},
            reason="the gate's book",
            expected_version=None,
        )


def take_up(world: World, technician: int, hour: int) -> None:
    """What a technician handed over is given to somebody."""
    with db.transaction() as session:
        mine = select(Visit.work_order_id).where(Visit.id.in_(world.told))
        rest = select(Visit.id).where(
            Visit.work_order_id.in_(mine), Visit.id.not_in(world.told), Visit.state == "unplanned"
        )
        following = session.scalars(rest.order_by(Visit.id).limit(1)).one_or_none()
    if following is not None:
        world.reassign(following, technician, hour)


def admit(world: World) -> None:
    """The desk looks at what a lost phone handed over, and answers for it."""
    with db.transaction() as session:
        waiting = select(Quarantined).where(
            Quarantined.technician_id.in_(world.technicians), Quarantined.decided_at.is_(None)
        )
        work = session.scalars(waiting.order_by(Quarantined.id).limit(1).with_for_update()).one_or_none()
        if work is None:
            return
        admitted = [uuid.UUID(one["op_id"]) for one in quarantine.opened(work, SECRETS)["ops"]]
        quarantine.admit(session, by=world.desk, work=work, rules=SECRETS, company_currency=CURRENCY)
    world.admitted.update(admitted)
