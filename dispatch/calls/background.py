"""What the operator should know while the customer is on the line (R-103)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from dispatch.access.rules import Principal
from dispatch.calls.model import RepairCall
from dispatch.customers import queries as customers
from dispatch.customers.model import Asset, Customer, CustomerContact, Site
from dispatch.work_orders.views import PastOrder, advised_but_undone, asset_history, customer_history


@dataclass(frozen=True, slots=True)
class OtherAsset:
    """Another piece of equipment of the customer: what is unfinished, and what was advised but not done."""

    asset_id: uuid.UUID
    site_id: uuid.UUID
    address: str
    product_kind: str
    model: str
    serial: str | None
    unfinished: Sequence[PastOrder]
    advised: Sequence[str]


@dataclass(frozen=True, slots=True)
class Candidate:
    """Another file with the caller's number: perhaps the same customer, perhaps who the caller is."""

    customer_id: uuid.UUID
    name: str
    kind: str
    created_at: datetime
    addresses: Sequence[str]


@dataclass(frozen=True, slots=True)
class Background:
    """
    What is known of the asset of a call, and of the customer besides.

    other_unfinished, other_advised
        Of orders of the customer that name no asset.
    candidates
        Other files with the number of the customer, or of the contact who called, oldest first.
    """

    history: Sequence[PastOrder]
    unfinished: Sequence[PastOrder]
    advised: Sequence[str]
    other_assets: Sequence[OtherAsset]
    other_unfinished: Sequence[PastOrder]
    other_advised: Sequence[str]
    candidates: Sequence[Candidate]


def background(session: Session, principal: Principal, call: RepairCall) -> Background:
    """R-103: history, unfinished work, and what was advised but not done, of the asset and its customer."""
    history = asset_history(session, principal, call.asset_id) if call.asset_id else []
    customer = session.get_one(Customer, call.customer_id)
    others = customer_history(session, principal, customer.id, besides=call.asset_id)
    contact = session.get(CustomerContact, call.contact_id) if call.contact_id else None
    sites = customers.sites_of(session, principal, customer.id)
    unnamed = others.get(None, ())
    return Background(
        history,
        _unfinished(history),
        advised_but_undone(history),
        [
            _other(site, asset, others.get(asset.id, ()))
            for site in sites
            for asset in customers.assets_of(session, principal, site.id)
            if asset.id != call.asset_id
        ],
        _unfinished(unnamed),
        advised_but_undone(unnamed),
        candidates(session, principal, customer, contact),
    )


def candidates(
    session: Session, principal: Principal, customer: Customer, contact: CustomerContact | None = None
) -> Sequence[Candidate]:
    """Return the other files with the number of a customer or of their contact, oldest first."""
    told = (customer.phone, contact.phone if contact is not None else None)
    found = {
        other.id: other
        for number in told
        if number is not None
        for other in customers.customers_with_phone(session, principal, number)
    }
    same = sorted(found.values(), key=lambda other: (other.created_at, other.id))
    return [
        Candidate(
            other.id,
            other.name,
            other.kind,
            other.created_at,
            [site.address for site in customers.sites_of(session, principal, other.id)],
        )
        for other in same
        if other.id != customer.id
    ]


def _other(site: Site, asset: Asset, history: Sequence[PastOrder]) -> OtherAsset:
    return OtherAsset(
        asset.id,
        site.id,
        site.address,
        asset.product_kind,
        asset.model,
        asset.serial,
        _unfinished(history),
        advised_but_undone(history),
    )


def _unfinished(history: Sequence[PastOrder]) -> list[PastOrder]:
    return [order for order in history if order.is_unfinished]
