"""
What a phone chooses from without contact: codes, parts, what is on the own van, who may approve a part.

Each section has a stamp; a phone says which stamps it holds and is told only what has changed since.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Text, bindparam, cast, func, literal, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import Session

from dispatch.access.model import User, UserTerritory
from dispatch.access.rules import Principal, Role
from dispatch.billing.model import Tariff
from dispatch.billing.queries import tariffs
from dispatch.parts.model import Part, PartUnit, VanStock
from dispatch.parts.queries import van_stock
from dispatch.technicians.model import Technician
from dispatch.work_orders.approving import APPROVERS, approvers
from dispatch.work_orders.coding import service_codes
from dispatch.work_orders.on_site_model import ServiceCode

Section = Sequence[Mapping[str, Any]]
APART = "-"


def catalogue_of(session: Session, principal: Principal, held: str | None) -> Mapping[str, Any] | None:
    """
    Return the sections that changed since the revision a phone holds, with the new revision.

    None where nothing changed, and for a phone that does not ask. The stamps are read before the sections:
    what changes in between is told again next time.
    """
    if held is None:
        return None
    stamps = _stamps(session, principal)
    revision = APART.join(stamps)
    if revision == held:
        return None
    known = held.split(APART)
    if len(known) != len(stamps):
        known = ["none"] * len(stamps)
    changed = [name for name, old, new in zip(SECTIONS, known, stamps, strict=True) if old != new]
    return {"revision": revision, **{name: list(SECTIONS[name](session, principal)) for name in changed}}


def _stamps(session: Session, principal: Principal) -> list[str]:
    """One question for all sections; every pull of a phone that keeps the catalogue asks it."""
    found = session.execute(_ALL_STAMPS, {"technician_id": principal.technician_id}).one()
    short = [str(stamp or "empty")[:12] for stamp in found]
    return [short[0], short[1], short[2] + short[3], short[4] + short[5], short[6]]


def _digest(table: Any, *columns: Any) -> Any:
    told: ColumnElement[str] = func.concat_ws("\x1f", *(cast(column, Text) for column in columns))
    return select(func.md5(func.string_agg(told, aggregate_order_by(literal("\x1e"), told)))).select_from(
        table
    )


def _stamped() -> Any:
    """The question for the stamps of a technician; written once, since it is long and often asked."""
    me: BindParameter[uuid.UUID] = bindparam("technician_id")
    codes = _digest(
        ServiceCode, ServiceCode.kind, ServiceCode.code, ServiceCode.title_en, ServiceCode.title_zh
    )
    parts = select(func.md5(func.concat(func.count(), APART, func.sum(Part.version))))
    stock = _digest(VanStock, VanStock.part_id, VanStock.quantity).where(VanStock.technician_id == me)
    units = _digest(PartUnit, PartUnit.part_id, PartUnit.serial).where(PartUnit.technician_id == me)
    people = _digest(User, User.id, User.display_name, User.role).where(
        User.is_active, User.role.in_(APPROVERS)
    )
    seen = _digest(UserTerritory, UserTerritory.user_id, UserTerritory.territory_id)
    rates = _digest(Tariff, Tariff.valid_from, Tariff.tax_rate)
    asked = (codes.where(ServiceCode.is_active), parts, stock, units, people, seen, rates)
    return select(*(one.scalar_subquery() for one in asked))


_ALL_STAMPS = _stamped()


def _codes(session: Session, _principal: Principal) -> Section:
    return [
        {"kind": one.kind, "code": one.code, "title_en": one.title_en, "title_zh": one.title_zh}
        for one in service_codes(session)
    ]


def _parts(session: Session, _principal: Principal) -> Section:
    return [
        {
            "sku": part.sku,
            "name_en": part.name_en,
            "name_zh": part.name_zh,
            "is_approved": part.is_approved,
            "is_serialised": part.is_serialised,
            "has_core": part.has_core,
        }
        for part in session.scalars(select(Part).order_by(Part.sku))
    ]


def _stock(session: Session, principal: Principal) -> Section:
    if principal.technician_id is None:
        return []
    units = select(PartUnit).where(PartUnit.technician_id == principal.technician_id)
    serials: dict[Any, list[str]] = {}
    for unit in session.scalars(units.order_by(PartUnit.serial)):
        serials.setdefault(unit.part_id, []).append(unit.serial)
    return [
        {"sku": part.sku, "quantity": quantity, "serials": serials.get(part.id, [])}
        for part, quantity in van_stock(session, principal, principal.technician_id)
    ]


def _approvers(session: Session, principal: Principal) -> Section:
    if principal.role is not Role.TECHNICIAN:
        return []
    home = session.scalars(
        select(Technician.territory_id).where(Technician.id == principal.technician_id)
    ).one()
    return [{"id": str(user.id), "name": user.display_name} for user in approvers(session, home)]


def _tax_rates(session: Session, _principal: Principal) -> Section:
    return [
        {"valid_from": one.valid_from.isoformat(), "tax_rate": f"{one.tax_rate:f}"}
        for one in tariffs(session)
    ]


SECTIONS: Mapping[str, Callable[[Session, Principal], Section]] = {
    "codes": _codes,
    "parts": _parts,
    "stock": _stock,
    "approvers": _approvers,
    "tax_rates": _tax_rates,
}
"""In the order of the stamps in a revision."""
