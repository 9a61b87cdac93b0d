"""R-505: dangers and other work advised and not done are kept until somebody settles them."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence

from sqlalchemy import Select, select, update
from sqlalchemy.orm import Session

from dispatch import clock, db, text
from dispatch.access.queries import in_scope
from dispatch.access.rules import Principal
from dispatch.customers.model import Site
from dispatch.errors import Conflict, NotFound
from dispatch.work_orders.announcing import announce_visit
from dispatch.work_orders.guards import check_recordable
from dispatch.work_orders.lifecycle import OPEN_STATES
from dispatch.work_orders.model import Finding, Visit, WorkOrder
from dispatch.work_orders.on_site_model import AdvisedWork

OPEN, DONE, DECLINED, REPLACED = "open", "done", "declined", "replaced"


class AdviceSettled(Conflict):
    """Somebody settled this advised work already."""

    code = "ADVICE_SETTLED"
    remedy = "Read the site's advised work again."


def keep_advice(session: Session, visit: Visit, finding: Finding) -> None:
    """Keep what a finding advises; a corrected finding replaces what the earlier one of the visit advised."""
    order = visit.work_order
    held = set(
        session.scalars(
            select(AdvisedWork.words).where(AdvisedWork.visit_id == visit.id, AdvisedWork.state != REPLACED)
        )
    )
    gone = held - set(finding.advised)
    session.execute(
        update(AdvisedWork)
        .where(AdvisedWork.visit_id == visit.id, AdvisedWork.state == OPEN, AdvisedWork.words.in_(gone))
        .values(state=REPLACED, settled_at=clock.now())
    )
    for words in dict.fromkeys(finding.advised):
        if words in held:
            same = update(AdvisedWork).where(AdvisedWork.visit_id == visit.id, AdvisedWork.words == words)
            session.execute(same.values(is_danger=words in finding.dangers))
            continue
        session.add(
            AdvisedWork(
                visit_id=visit.id,
                site_id=order.site_id,
                asset_id=order.asset_id,
                words=words,
                is_danger=words in finding.dangers,
                advised_at=clock.now(),
            )
        )
    db.flush(session)
    _announce_site(session, order.site_id)


def drop_advice(session: Session, visit: Visit) -> None:
    """Forget what a visit advised and nobody settled: the finding that said so was taken back."""
    session.execute(
        update(AdvisedWork)
        .where(AdvisedWork.visit_id == visit.id, AdvisedWork.state == OPEN)
        .values(state=REPLACED, settled_at=clock.now())
    )
    db.flush(session)
    _announce_site(session, visit.work_order.site_id)


def settle_advice(
    session: Session,
    *,
    by: Principal | None,
    advice: AdvisedWork,
    result: str,
    note: str | None = None,
    visit: Visit | None = None,
    op_id: uuid.UUID | None = None,
    keeps_late: bool = False,
) -> AdvisedWork:
    """Note that advised work was done, or that the customer does not want it."""
    if visit is not None:
        check_recordable(session, visit, by, keeps_late=keeps_late)
    if advice.state != OPEN:
        raise AdviceSettled(f"it is {advice.state}")
    advice.state = text.choice(result, "result", (DONE, DECLINED))
    advice.settled_at, advice.settled_by = clock.now(), by.user_id if by else None
    advice.settled_visit_id, advice.op_id = visit.id if visit else None, op_id
    advice.note = text.optional_line(note, "note", longest=500)
    db.flush(session)
    _announce_site(session, advice.site_id)
    return advice


def _announce_site(session: Session, site_id: uuid.UUID) -> None:
    """Phones that hold a visit to the site hear of what is advised there."""
    statement = (
        select(Visit)
        .join(WorkOrder, WorkOrder.id == Visit.work_order_id)
        .where(WorkOrder.site_id == site_id, Visit.state.in_([state.value for state in OPEN_STATES]))
    )
    for visit in session.scalars(statement):
        announce_visit(session, visit)


def open_advice(session: Session, site_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, list[AdvisedWork]]:
    """Return what is advised and not done at sites, dangers first."""
    statement = select(AdvisedWork).where(AdvisedWork.site_id.in_(list(site_ids)), AdvisedWork.state == OPEN)
    found: dict[uuid.UUID, list[AdvisedWork]] = {}
    for advice in session.scalars(
        statement.order_by(AdvisedWork.is_danger.desc(), AdvisedWork.advised_at, AdvisedWork.id)
    ):
        found.setdefault(advice.site_id, []).append(advice)
    return found


def concerning(visit: Visit, order: WorkOrder, of_site: Iterable[AdvisedWork]) -> list[AdvisedWork]:
    """Return what of a site's open advice whoever visits should know: dangers, and work on the equipment."""
    return [
        one
        for one in of_site
        if one.visit_id != visit.id and (one.is_danger or order.asset_id in {None, one.asset_id})
    ]


def settled_words(session: Session, visit_ids: Iterable[uuid.UUID]) -> set[tuple[uuid.UUID, str]]:
    """Return what visits advised and somebody settled since: the visit and the words."""
    statement = select(AdvisedWork.visit_id, AdvisedWork.words).where(
        AdvisedWork.visit_id.in_(list(visit_ids)), AdvisedWork.state.in_((DONE, DECLINED))
    )
    return {(visit_id, words) for visit_id, words in session.execute(statement)}


def advice_of_customer(
    session: Session, principal: Principal, customer_id: uuid.UUID
) -> Sequence[AdvisedWork]:
    """Return what is advised and not done at a customer's sites, dangers first."""
    statement = _seen(principal).where(Site.customer_id == customer_id, AdvisedWork.state == OPEN)
    return session.scalars(
        statement.order_by(AdvisedWork.is_danger.desc(), AdvisedWork.advised_at, AdvisedWork.id)
    ).all()


def find_advice(session: Session, principal: Principal, advice_id: uuid.UUID) -> AdvisedWork:
    """Return advised work, held until the end of the transaction."""
    statement = _seen(principal).where(AdvisedWork.id == advice_id).with_for_update(of=AdvisedWork)
    found = session.scalars(statement).first()
    if found is None:
        raise NotFound("there is no such advised work")
    return found


def advice_at(session: Session, visit: Visit, advice_id: uuid.UUID) -> AdvisedWork:
    """Return advised work at the site of a visit, held until the end of the transaction."""
    statement = select(AdvisedWork).where(
        AdvisedWork.id == advice_id, AdvisedWork.site_id == visit.work_order.site_id
    )
    found = session.scalars(statement.with_for_update()).first()
    if found is None:
        raise NotFound("there is no such advised work")
    return found


def _seen(principal: Principal) -> Select[AdvisedWork]:
    return (
        select(AdvisedWork)
        .join(Site, Site.id == AdvisedWork.site_id)
        .where(in_scope(principal, Site.territory_id))
    )
