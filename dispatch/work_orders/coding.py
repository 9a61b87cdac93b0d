"""The company's lists of faults, causes and actions (R-509), and what solved a fault before (R-510)."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Interval, Select, bindparam, exists, func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session, aliased

from dispatch import db, text
from dispatch.access.rules import Principal
from dispatch.contracts.house_rules import house_rules
from dispatch.customers.model import Asset
from dispatch.errors import Invalid
from dispatch.work_orders.lifecycle import FINISHED_STATES
from dispatch.work_orders.model import Finding, Visit, WorkOrder
from dispatch.work_orders.on_site_model import ServiceCode

KINDS = ("fault", "cause", "action")
FIELDS = {"fault": "fault_code", "cause": "cause_code", "action": "action_code"}
MOST_SHOWN = 5


class ServiceCodeUnknown(Invalid):
    """A code is not in the company's list of faults, causes or actions, or not in use any more."""

    code = "SERVICE_CODE_UNKNOWN"
    remedy = "Choose a code of the list, or leave it out and describe the matter in words."


@dataclass(frozen=True, slots=True)
class Solution:
    """What solved a fault once, in the words of the technician who did it (R-510)."""

    product_kind: str
    model: str
    fault: str
    cause: str
    action: str
    cause_code: str | None
    action_code: str | None
    solved_at: datetime


def write_service_code(
    session: Session,
    *,
    by: Principal | None,
    kind: str,
    code: str,
    title_en: str,
    title_zh: str,
    is_active: bool = True,
) -> ServiceCode:
    """Put a word into a list, or change its titles; one in use by records is retired, never removed."""
    which = (text.choice(kind, "kind", KINDS), text.code(code, "code"))
    row = session.get(ServiceCode, which) or ServiceCode(kind=which[0], code=which[1])
    row.title_en, row.title_zh = text.line(title_en, "title_en"), text.line(title_zh, "title_zh")
    row.is_active = is_active
    session.add(row)
    db.flush(session)
    return row


def service_codes(session: Session, *, only_active: bool = True) -> Sequence[ServiceCode]:
    """Return the lists, by kind and code."""
    statement = select(ServiceCode).order_by(ServiceCode.kind, ServiceCode.code)
    return session.scalars(statement.where(ServiceCode.is_active) if only_active else statement).all()


def check_codes(session: Session, given: Mapping[str, str]) -> dict[str, str]:
    """Return the codes of a finding by column; refuse one that is not in use."""
    text.only_known(given, frozenset(KINDS))
    checked = {}
    for kind, code in given.items():
        row = session.get(ServiceCode, (kind, text.code(code, f"{kind} code")))
        if row is None or not row.is_active:
            raise ServiceCodeUnknown(f"there is no {kind} code {code[: text.CODE]!r} in use", kind=kind)
        checked[FIELDS[kind]] = row.code
    return checked


def _solved_before() -> Select[Finding, datetime | None, str, str]:
    """Findings that solved ``fault_code`` for good, newest first, of ``model`` and its kind first."""
    later, again, correction = aliased(Visit), aliased(WorkOrder), aliased(Finding)
    is_corrected = exists().where(correction.visit_id == Finding.visit_id, correction.id > Finding.id)
    came_back = exists().where(
        later.work_order_id == again.id,
        again.asset_id == WorkOrder.asset_id,
        again.fault_code == WorkOrder.fault_code,
        again.requested_at > Visit.finished_at,
        again.requested_at <= Visit.finished_at + bindparam("within", type_=Interval()),
    )
    return (
        select(Finding, Visit.finished_at, Asset.product_kind, Asset.model)
        .join(Visit, Visit.id == Finding.visit_id)
        .join(WorkOrder, WorkOrder.id == Visit.work_order_id)
        .join(Asset, Asset.id == WorkOrder.asset_id)
        .where(
            WorkOrder.fault_code == bindparam("fault_code"),
            Visit.is_solved.is_(True),
            Visit.state.in_([state.value for state in FINISHED_STATES]),
            Visit.finished_at.is_not(None),
            ~came_back,
            ~is_corrected,
            Finding.voided_by.is_(None),
        )
        .order_by(
            (Asset.model == bindparam("model")).desc(),
            (Asset.product_kind == bindparam("product_kind")).desc(),
            Visit.finished_at.desc(),
            Finding.recorded_at.desc(),
        )
        .limit(4 * MOST_SHOWN)
    )


_SOLVED_BEFORE = _solved_before()
"""Built once: every pull asks it."""


def solutions(
    session: Session, *, fault_code: str, product_kind: str = "", model: str = ""
) -> list[Solution]:
    """
    Return what solved a fault before, newest first, equipment of the same model before others (R-510).

    A fix counts when the same fault did not come back to the asset as a repeat repair by the rules of the
    house (R-508). Of a visit's findings the last one counts: it replaces the others.
    """
    within = timedelta(days=house_rules(session).repeat_days)
    of_what = {"fault_code": fault_code, "product_kind": product_kind, "model": model, "within": within}
    found: dict[tuple[str, str], Solution] = {}
    for finding, finished_at, kind, of_model in session.execute(_SOLVED_BEFORE, of_what):
        told = (finding.cause, finding.action)
        found.setdefault(
            told,
            Solution(
                kind,
                of_model,
                finding.fault,
                finding.cause,
                finding.action,
                finding.cause_code,
                finding.action_code,
                finished_at or finding.recorded_at,
            ),
        )
    return list(found.values())[:MOST_SHOWN]


def _newest_by_asset() -> Select[Any, Any, Finding]:
    """The finding of each of the last visits to ``asset_ids``."""
    newest = (Visit.finished_at.desc(), Visit.id)
    ranked = (
        select(
            Finding.id,
            WorkOrder.asset_id,
            Visit.finished_at,
            func.dense_rank().over(partition_by=WorkOrder.asset_id, order_by=newest).label("place"),
        )
        .join(Visit, Visit.id == Finding.visit_id)
        .join(WorkOrder, WorkOrder.id == Visit.work_order_id)
        .where(WorkOrder.asset_id.in_(bindparam("asset_ids", expanding=True)), Visit.finished_at.is_not(None))
        .subquery()
    )
    return (
        select(ranked.c.asset_id, ranked.c.finished_at, Finding)
        .join(ranked, ranked.c.id == Finding.id)
        .where(ranked.c.place <= MOST_SHOWN + 1)
        .ext(distinct_on(ranked.c.asset_id, ranked.c.place))
        .order_by(ranked.c.asset_id, ranked.c.place, Finding.recorded_at.desc())
    )


_NEWEST_BY_ASSET = _newest_by_asset()
"""Built once: every pull asks it."""


def findings_by_asset(
    session: Session, asset_ids: Iterable[uuid.UUID]
) -> dict[uuid.UUID, list[tuple[datetime, Finding]]]:
    """Return what was found at assets in their last visits, newest first, one finding for each visit."""
    found: dict[uuid.UUID, list[tuple[datetime, Finding]]] = {}
    for asset_id, at, finding in session.execute(_NEWEST_BY_ASSET, {"asset_ids": list(asset_ids)}):
        if finding.voided_by is None:
            found.setdefault(asset_id, []).append((at, finding))
    return found
