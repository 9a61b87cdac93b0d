"""Work orders and visits as a person may see them; technicians see what is given to them and no more (S1)."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, exists, select
from sqlalchemy.orm import Session, aliased, joinedload

from dispatch import clock
from dispatch.access.queries import in_scope
from dispatch.access.rules import Principal, Role
from dispatch.errors import NotFound
from dispatch.paging import USUAL, Page, cut
from dispatch.parts.model import Part
from dispatch.work_orders.announcing import HIDDEN
from dispatch.work_orders.helping import took_part
from dispatch.work_orders.holding import hold_visits
from dispatch.work_orders.lifecycle import FINISHED_STATES, Actor, VisitState
from dispatch.work_orders.model import (
    Approval,
    Attachment,
    DeclaredFile,
    Finding,
    PartUse,
    ReviewCase,
    ServiceReport,
    Visit,
    VisitEvent,
    WorkOrder,
)
from dispatch.work_orders.on_site_model import Withdrawal
from dispatch.work_orders.revealing import seen_of_orders, seen_of_visits
from dispatch.work_orders.rules import PastVisit


def _mine(principal: Principal) -> ColumnElement[bool]:
    """A technician's visits: assigned and announced."""
    return and_(Visit.technician_id == principal.technician_id, Visit.state.not_in([*HIDDEN]))


def _orders(principal: Principal) -> Select[WorkOrder]:
    statement = select(WorkOrder).where(in_scope(principal, WorkOrder.territory_id))
    if principal.role is Role.TECHNICIAN:
        statement = statement.where(exists().where(Visit.work_order_id == WorkOrder.id, _mine(principal)))
    return statement


def _visits(principal: Principal) -> Select[Visit]:
    statement = (
        select(Visit)
        .join(WorkOrder, Visit.work_order_id == WorkOrder.id)
        .where(in_scope(principal, WorkOrder.territory_id))
        .options(joinedload(Visit.work_order))
    )
    return statement.where(_mine(principal)) if principal.role is Role.TECHNICIAN else statement


def _seen(principal: Principal) -> Select[uuid.UUID]:
    """The ids of the visits that a person may see."""
    statement = (
        select(Visit.id)
        .join(WorkOrder, Visit.work_order_id == WorkOrder.id)
        .where(in_scope(principal, WorkOrder.territory_id))
    )
    return statement.where(_mine(principal)) if principal.role is Role.TECHNICIAN else statement


def find_order(session: Session, principal: Principal, order_id: uuid.UUID) -> WorkOrder:
    """Return a work order."""
    found = session.scalars(_orders(principal).where(WorkOrder.id == order_id)).first()
    if found is None:
        raise NotFound("there is no such work order")
    return found


def find_visit(session: Session, principal: Principal, visit_id: uuid.UUID) -> Visit:
    """Return a visit."""
    found = session.scalars(_visits(principal).where(Visit.id == visit_id)).first()
    if found is None:
        raise NotFound("there is no such visit")
    return found


def find_visit_ever_held(session: Session, principal: Principal, visit_id: uuid.UUID) -> Visit:
    """
    Return a visit that a technician holds, held or helped at, locked for a change; for late facts.

    A visit that was reassigned or cancelled while the phone had no contact still takes what happened.
    """
    statement = _ever_held(principal).where(Visit.id == visit_id).with_for_update()
    found = session.scalars(statement, execution_options={"populate_existing": True}).first()
    if found is None:
        raise NotFound("there is no such visit")
    return found


def visits_ever_held(
    session: Session, principal: Principal, visit_ids: Iterable[uuid.UUID]
) -> dict[uuid.UUID, Visit]:
    """Return those of some locked visits that a technician holds, held or helped at, with their orders."""
    order = joinedload(Visit.work_order, innerjoin=True).selectinload(WorkOrder.visits)
    statement = _ever_held(principal).where(Visit.id.in_(list(visit_ids))).options(order)
    found = session.scalars(statement, execution_options={"populate_existing": True})
    return {visit.id: visit for visit in found}


def _ever_held(principal: Principal) -> Select[Visit]:
    mine = Visit.technician_id == principal.technician_id
    return select(Visit).where(mine | took_part(principal.technician_id))


def list_orders(
    session: Session,
    principal: Principal,
    *,
    state: str | None = None,
    territory_id: uuid.UUID | None = None,
    customer_id: uuid.UUID | None = None,
    asset_id: uuid.UUID | None = None,
    cursor: str | None = None,
    limit: int = USUAL,
) -> Page[WorkOrder]:
    """Return work orders, newest first; technicians not those that are held back (drip-feed)."""
    statement = _orders(principal).where(seen_of_orders(session, principal))
    if territory_id is not None:
        statement = statement.where(WorkOrder.territory_id == territory_id)
    if state is not None:
        statement = statement.where(WorkOrder.state == state)
    if customer_id is not None:
        statement = statement.where(WorkOrder.customer_id == customer_id)
    if asset_id is not None:
        statement = statement.where(WorkOrder.asset_id == asset_id)
    return cut(session, statement, WorkOrder.id, cursor=cursor, limit=limit)


def list_visits(
    session: Session,
    principal: Principal,
    *,
    state: str | None = None,
    technician_id: uuid.UUID | None = None,
    planned_from: datetime | None = None,
    planned_until: datetime | None = None,
    needs_review: bool | None = None,
    cursor: str | None = None,
    limit: int = USUAL,
) -> Page[Visit]:
    """Return visits, newest first; technicians not those held back; ``planned_until`` is exclusive."""
    statement = _visits(principal).where(seen_of_visits(session, principal))
    if state is not None:
        statement = statement.where(Visit.state == state)
    if technician_id is not None:
        statement = statement.where(Visit.technician_id == technician_id)
    if planned_from is not None:
        statement = statement.where(Visit.planned_start >= clock.aware(planned_from))
    if planned_until is not None:
        statement = statement.where(Visit.planned_start < clock.aware(planned_until))
    if needs_review is not None:
        statement = statement.where(Visit.needs_review.is_(needs_review))
    return cut(session, statement, Visit.id, cursor=cursor, limit=limit)


def visits_of_order(session: Session, principal: Principal, order: WorkOrder) -> Sequence[Visit]:
    """Return those visits of an order that a person may see, in the order in which they were made."""
    statement = _visits(principal).where(Visit.work_order_id == order.id)
    return session.scalars(statement.order_by(Visit.attempt, Visit.seat)).all()


def timeline(session: Session, principal: Principal, visit_id: uuid.UUID) -> Sequence[VisitEvent]:
    """Return every step of a visit in the order in which it was recorded."""
    return steps_of(session, [find_visit(session, principal, visit_id)])


def steps_of(session: Session, visits: Iterable[Visit]) -> Sequence[VisitEvent]:
    """
    Return every step of visits that were found before, in the order in which they were taken.

    That is the order of their ids, made while the visit is held. The time of a request is read once and maybe
    before it waited for somebody else's step.
    """
    statement = select(VisitEvent).where(VisitEvent.visit_id.in_([visit.id for visit in visits]))
    return session.scalars(statement.order_by(VisitEvent.id)).all()


def declined_in(session: Session, territory_id: uuid.UUID) -> Sequence[VisitEvent]:
    """Return the steps by which visits of a territory were declined that nobody has planned since."""
    later = aliased(VisitEvent)
    since = exists().where(later.visit_id == VisitEvent.visit_id, later.id > VisitEvent.id)
    statement = (
        select(VisitEvent)
        .join(Visit, Visit.id == VisitEvent.visit_id)
        .join(WorkOrder, WorkOrder.id == Visit.work_order_id)
        .where(
            WorkOrder.territory_id == territory_id,
            Visit.state == VisitState.UNPLANNED.value,
            VisitEvent.to_state == VisitState.UNPLANNED.value,
            VisitEvent.actor == Actor.ASSIGNEE.value,
            ~since,
        )
        .order_by(VisitEvent.id)
    )
    return session.scalars(statement).all()


def findings_of(session: Session, visit_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, list[Finding]]:
    """
    Return the findings of visits, oldest first; the last one of a visit counts (R-509).

    One that was taken back is left out, with those that it had replaced if it was the last.
    """
    statement = select(Finding).where(Finding.visit_id.in_(list(visit_ids)))
    found: dict[uuid.UUID, list[Finding]] = {}
    for finding in session.scalars(statement.order_by(Finding.id)):
        found.setdefault(finding.visit_id, []).append(finding)
    return {
        visit_id: [one for one in findings if one.voided_by is None]
        for visit_id, findings in found.items()
        if findings[-1].voided_by is None
    }


def part_uses_of(session: Session, visit_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, list[PartUse]]:
    """Return the parts fitted and taken out during visits, without those that were voided."""
    statement = select(PartUse).where(PartUse.visit_id.in_(list(visit_ids)), PartUse.voided_by.is_(None))
    found: dict[uuid.UUID, list[PartUse]] = {}
    for use in session.scalars(statement.order_by(PartUse.id)):
        found.setdefault(use.visit_id, []).append(use)
    return found


def fitted(session: Session, visit_ids: Collection[uuid.UUID]) -> Counter[tuple[uuid.UUID, str]]:
    """Return the pieces that visits have fitted, by visit and part number: vans gave them away then."""
    statement = (
        select(PartUse.visit_id, Part.sku, PartUse.quantity)
        .join(Part, Part.id == PartUse.part_id)
        .where(PartUse.visit_id.in_(visit_ids), PartUse.direction == "in", PartUse.voided_by.is_(None))
    )
    found: Counter[tuple[uuid.UUID, str]] = Counter()
    for visit_id, sku, quantity in session.execute(statement):
        found[visit_id, sku] += quantity
    return found


def find_part_use(session: Session, principal: Principal, part_use_id: uuid.UUID) -> PartUse:
    """Return a part use of a visit that the person may see, voided or not."""
    statement = select(PartUse).where(PartUse.id == part_use_id, PartUse.visit_id.in_(_seen(principal)))
    found = session.scalars(statement).first()
    if found is None:
        raise NotFound("there is no such part use")
    return found


def approvals_of(session: Session, order_id: uuid.UUID) -> Sequence[Approval]:
    """Return what the customer agreed to beyond the estimate, oldest first, taken back or not (R-204)."""
    statement = select(Approval).where(Approval.work_order_id == order_id)
    return session.scalars(statement.order_by(Approval.id)).all()


def approvals_by_order(session: Session, order_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, list[Approval]]:
    """Return the approvals of orders that were not taken back, oldest first."""
    gone = select(Withdrawal.id).where(Withdrawal.subject_id == Approval.id)
    statement = select(Approval).where(Approval.work_order_id.in_(list(order_ids)), ~gone.exists())
    found: dict[uuid.UUID, list[Approval]] = {}
    for approval in session.scalars(statement.order_by(Approval.id)):
        found.setdefault(approval.work_order_id, []).append(approval)
    return found


def reports_of(session: Session, visit_id: uuid.UUID) -> Sequence[ServiceReport]:
    """Return the signed and waived reports of a visit, oldest first."""
    statement = select(ServiceReport).where(ServiceReport.visit_id == visit_id)
    return session.scalars(statement.order_by(ServiceReport.revision)).all()


def attachments_of(session: Session, principal: Principal, visit_id: uuid.UUID) -> Sequence[Attachment]:
    """Return the photographs and documents of a visit."""
    visit = find_visit(session, principal, visit_id)
    return session.scalars(
        select(Attachment).where(Attachment.visit_id == visit.id).order_by(Attachment.id)
    ).all()


def files_of(session: Session, principal: Principal, visit_id: uuid.UUID) -> Sequence[DeclaredFile]:
    """Return the files announced for a visit, oldest first."""
    statement = select(DeclaredFile).where(
        DeclaredFile.visit_id == find_visit(session, principal, visit_id).id
    )
    return session.scalars(statement.order_by(DeclaredFile.declared_at, DeclaredFile.id)).all()


def find_file(
    session: Session, principal: Principal, visit_id: uuid.UUID, file_id: uuid.UUID
) -> DeclaredFile:
    """Return an announced file of a visit, held until the end of the transaction, as its visit is."""
    visit = find_visit(session, principal, visit_id)
    hold_visits(session, [visit.id])
    session.refresh(visit)
    statement = select(DeclaredFile).where(DeclaredFile.visit_id == visit.id, DeclaredFile.id == file_id)
    found = session.scalars(statement.with_for_update()).first()
    if found is None:
        raise NotFound("there is no such announced file")
    return found


def find_attachment(session: Session, principal: Principal, attachment_id: uuid.UUID) -> Attachment:
    """Return one photograph or document of a visit the person may see."""
    statement = select(Attachment).where(
        Attachment.id == attachment_id, Attachment.visit_id.in_(_seen(principal))
    )
    found = session.scalars(statement).first()
    if found is None:
        raise NotFound("there is no such attachment")
    return found


def find_case(session: Session, principal: Principal, case_id: uuid.UUID) -> ReviewCase:
    """Return a review case of a visit the person may see."""
    statement = select(ReviewCase).where(ReviewCase.id == case_id, ReviewCase.visit_id.in_(_seen(principal)))
    found = session.scalars(statement).first()
    if found is None:
        raise NotFound("there is no such case")
    return found


def list_cases(
    session: Session,
    principal: Principal,
    *,
    only_open: bool = True,
    only_mine: bool = False,
    cursor: str | None = None,
    limit: int = USUAL,
) -> Page[ReviewCase]:
    """Return review cases, newest first; ``only_mine``: those that wait for the person alone."""
    statement = select(ReviewCase).where(ReviewCase.visit_id.in_(_seen(principal)))
    if only_open:
        statement = statement.where(ReviewCase.decided_at.is_(None))
    if only_mine:
        statement = statement.where(ReviewCase.assigned_to == principal.user_id)
    return cut(session, statement, ReviewCase.id, cursor=cursor, limit=limit)


def open_order_of_asset(session: Session, asset_id: uuid.UUID) -> WorkOrder | None:
    """Return the newest order of an asset that still has an open visit or waits for one; for commands."""
    statement = (
        select(WorkOrder)
        .where(WorkOrder.asset_id == asset_id)
        .where(WorkOrder.state.in_(["draft", "open", "scheduled", "in_progress"]))
        .order_by(WorkOrder.id.desc())
    )
    return session.scalars(statement.limit(1)).first()


def past_visits(session: Session, asset_id: uuid.UUID, fault_code: str) -> list[PastVisit]:
    """Return the finished visits to an asset for a fault, newest first (R-508); for commands."""
    statement = (
        select(Visit, WorkOrder.id)
        .join(WorkOrder, Visit.work_order_id == WorkOrder.id)
        .where(WorkOrder.asset_id == asset_id, WorkOrder.fault_code == fault_code)
        .where(Visit.state.in_([*FINISHED_STATES]), Visit.finished_at.is_not(None))
        .order_by(Visit.finished_at.desc())
    )
    return [
        PastVisit(order_id, visit.technician_id, VisitState(visit.state), visit.finished_at)
        for visit, order_id in session.execute(statement)
        if visit.finished_at is not None
    ]


def visits_of_asset(session: Session, asset_id: uuid.UUID, *, before: Visit, limit: int) -> Sequence[Visit]:
    """Return the latest finished visits to an asset other than the given one, newest first; for papers."""
    statement = (
        select(Visit)
        .join(WorkOrder, Visit.work_order_id == WorkOrder.id)
        .where(WorkOrder.asset_id == asset_id, Visit.id != before.id, Visit.finished_at.is_not(None))
        .where(Visit.leader_id.is_(None))
        .order_by(Visit.finished_at.desc())
    )
    return session.scalars(statement.limit(limit)).all()


def used_part_lots(session: Session, order_ids: Iterable[uuid.UUID]) -> set[str]:
    """Return the lots of the parts that were fitted for these orders (R-508); for commands."""
    statement = (
        select(PartUse.lot)
        .join(Visit, PartUse.visit_id == Visit.id)
        .where(Visit.work_order_id.in_(list(order_ids)), PartUse.direction == "in")
        .where(PartUse.lot.is_not(None), PartUse.voided_by.is_(None))
    )
    return {lot for lot in session.scalars(statement) if lot}
