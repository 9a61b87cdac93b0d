"""Who is behind a token, which users and devices there are, and the one place that narrows a query (S1)."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select, true
from sqlalchemy.orm import InstrumentedAttribute, Session

from dispatch.access.model import Device, Token, User, UserTerritory
from dispatch.access.rules import Principal, Role
from dispatch.access.tokens import ACCESS, fingerprint
from dispatch.errors import NotFound
from dispatch.paging import USUAL, Page, cut


def in_scope(
    principal: Principal, territory_id: InstrumentedAttribute[uuid.UUID] | ColumnElement[Any]
) -> ColumnElement[bool]:
    """Return the criterion that keeps only rows of the principal's territories."""
    if principal.territory_ids is None:
        return true()
    return territory_id.in_(principal.territory_ids)


@dataclass(frozen=True, slots=True)
class Identity:
    """A person behind an access token, and the token family that proved it."""

    principal: Principal
    token_id: uuid.UUID
    family_id: uuid.UUID
    is_first_use: bool


def identity_of(session: Session, access_token: str) -> Identity | None:
    """
    Return who an access token belongs to, in one query; ``None`` when it proves nothing.

    Read on every request, so that a revoked token, device or user is refused at once (S7).
    """
    row = session.execute(_valid_access(fingerprint(access_token))).one_or_none()
    if row is None:
        return None
    territories = None if row.role == Role.ADMIN and not row.territories else row.territories or ()
    principal = Principal(
        user_id=row.user_id,
        role=Role(row.role),
        territory_ids=None if territories is None else frozenset(territories),
        technician_id=row.technician_id,
        device_id=row.device_id,
    )
    return Identity(principal, row.token_id, row.family_id, is_first_use=row.first_used_at is None)


def _valid_access(token_sha256: str) -> Select[Any]:
    territories = (
        select(func.array_agg(UserTerritory.territory_id))
        .where(UserTerritory.user_id == User.id)
        .correlate(User)
        .scalar_subquery()
    )
    return (
        select(
            Token.id.label("token_id"),
            Token.family_id,
            Token.device_id,
            Token.first_used_at,
            User.id.label("user_id"),
            User.role,
            User.technician_id,
            territories.label("territories"),
        )
        .join(User, User.id == Token.user_id)
        .outerjoin(Device, Device.id == Token.device_id)
        .where(
            Token.token_sha256 == token_sha256,
            Token.kind == ACCESS,
            Token.revoked_at.is_(None),
            Token.expires_at > func.now(),
            User.is_active,
            Device.revoked_at.is_(None),
        )
    )


def users(
    session: Session, principal: Principal, *, cursor: str | None = None, limit: int = USUAL
) -> Page[User]:
    """Return users, newest first."""
    return cut(session, select(User).where(_within_reach(principal)), User.id, cursor=cursor, limit=limit)


def find_user(session: Session, principal: Principal, user_id: uuid.UUID) -> User:
    """Return a user whom this person may administer."""
    user = session.scalar(select(User).where(User.id == user_id, _within_reach(principal)))
    if user is None:
        raise NotFound("there is no such user")
    return user


def names_of_users(session: Session, user_ids: Iterable[uuid.UUID | None]) -> dict[uuid.UUID | None, str]:
    """Return the names of people by id, for timelines; whoever is not a user any more is left out."""
    wanted = {one for one in user_ids if one is not None}
    if not wanted:
        return {}
    statement = select(User.id, User.display_name).where(User.id.in_(wanted))
    return {row.id: row.display_name for row in session.execute(statement)}


def myself(session: Session, principal: Principal) -> User:
    """Return the person's own user."""
    return session.scalars(select(User).where(User.id == principal.user_id)).one()


def devices(
    session: Session, principal: Principal, *, cursor: str | None = None, limit: int = USUAL
) -> Page[Device]:
    """Return devices, newest first."""
    return cut(session, _devices(principal), Device.id, cursor=cursor, limit=limit)


def find_device(session: Session, principal: Principal, device_id: uuid.UUID) -> Device:
    """Return a device of a user whom this person may administer."""
    device = session.scalar(_devices(principal).where(Device.id == device_id))
    if device is None:
        raise NotFound("there is no such device")
    return device


def _devices(principal: Principal) -> Select[Device]:
    return select(Device).join(User, User.id == Device.user_id).where(_within_reach(principal))


def _within_reach(principal: Principal) -> ColumnElement[bool]:
    """An administrator of some territories reaches users of these alone, never one who sees more."""
    if principal.territory_ids is None:
        return true()
    of_user = UserTerritory.user_id == User.id
    inside = UserTerritory.territory_id.in_(principal.territory_ids)
    return and_(
        or_(exists().where(of_user, inside), User.role != Role.ADMIN),
        ~exists().where(of_user, ~inside),
    )
