"""What phones are told of visits, read for all of them together."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from dispatch.billing.paying import paid_by_order
from dispatch.checklists.model import Checklist
from dispatch.checklists.queries import all_carried
from dispatch.customers.model import Asset, CustomerContact
from dispatch.work_orders import crews
from dispatch.work_orders.advising import open_advice
from dispatch.work_orders.coding import Solution, findings_by_asset, solutions
from dispatch.work_orders.declaring import files_by_visit
from dispatch.work_orders.handing_over import works_before
from dispatch.work_orders.lifecycle import OPEN_STATES
from dispatch.work_orders.model import DeclaredFile, Finding, WorkOrder
from dispatch.work_orders.on_site_model import AdvisedWork
from dispatch.work_orders.shown import Recorded, recorded_of
from dispatch.work_orders.views import Problem, contacts_of, problems_of


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything by what it belongs to: visit, order, site or asset."""

    session: Session
    checklists: Sequence[Checklist]
    """Kept so that each is read once."""
    recorded: Recorded
    problems: Mapping[uuid.UUID, Problem]
    contacts: Mapping[uuid.UUID, CustomerContact]
    """Whom to speak with, by order."""
    files: Mapping[uuid.UUID, Sequence[DeclaredFile]]
    advice: Mapping[uuid.UUID, Sequence[AdvisedWork]]
    history: Mapping[uuid.UUID, Sequence[tuple[datetime, Finding]]]
    before: Mapping[uuid.UUID, Sequence[Mapping[str, Any]]]
    crews: Mapping[uuid.UUID, Sequence[str]]
    """Names of those who go along, by visit."""
    paid: Mapping[uuid.UUID, int]
    """What was received so far, by order."""
    _solutions: dict[tuple[str, str, str], Sequence[Solution]] = field(default_factory=dict)

    def solutions(self, order: WorkOrder, asset: Asset | None) -> Sequence[Solution]:
        """Return what solved the order's fault before; asked once for each fault and model."""
        of_what = (asset.product_kind, asset.model) if asset else ("", "")
        key = (order.fault_code, *of_what)
        if key not in self._solutions:
            self._solutions[key] = solutions(
                self.session, fault_code=order.fault_code, product_kind=of_what[0], model=of_what[1]
            )
        return self._solutions[key]

    def of_asset(self, asset_id: uuid.UUID | None) -> Sequence[tuple[datetime, Finding]]:
        """Return what was found at an asset, newest first."""
        return self.history.get(asset_id, []) if asset_id is not None else []


def read_facts(session: Session, rows: Sequence[Any]) -> Facts:
    """Read what belongs to visits, given with their orders; a few questions, however many visits."""
    visits, orders = [row[0] for row in rows], [row[1] for row in rows]
    open_sites = {order.site_id for visit, order in zip(visits, orders, strict=True) if _is_open(visit)}
    assets = {order.asset_id for order in orders} - {None}
    return Facts(
        session=session,
        checklists=all_carried(session, [pin for visit in visits for pin in visit.checklists]),
        recorded=recorded_of(session, visits),
        problems=problems_of(session, orders),
        contacts=contacts_of(session, orders),
        files=files_by_visit(session, [visit.id for visit in visits]),
        advice=open_advice(session, open_sites) if open_sites else {},
        history=findings_by_asset(session, assets) if assets else {},
        before=works_before(session, visits),
        crews=crews.names_of(session, visits),
        paid=paid_by_order(session, {order.id for order in orders}),
    )


def _is_open(visit: Any) -> bool:
    return visit.state in OPEN_STATES
