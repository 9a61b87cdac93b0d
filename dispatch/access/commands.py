"""Users and their devices: create, change, reset, register, revoke."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import extract, func, select, update
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import flag_modified

from dispatch.access import audit, signing_in
from dispatch.access.hashing import Passwords, code_address, new_code_secret
from dispatch.access.model import Device, Token, User, UserTerritory
from dispatch.access.proof import REGISTER, Proof, holds, read_public_key
from dispatch.access.rules import (
    OFFICE_ROLES,
    DeviceRefused,
    LoginRefused,
    Principal,
    ProofOutOfTime,
    Role,
    TokenRules,
    check_password,
)
from dispatch.db import AlreadyExists
from dispatch.errors import Forbidden, Invalid


@dataclass(frozen=True, slots=True)
class UserWithSecret:
    """A user with the secret of the one-time codes, which is shown this once and never again."""

    user: User
    code_secret: str | None = field(repr=False)

    @property
    def code_address(self) -> str | None:
        """The otpauth address for an authenticator app."""
        return None if self.code_secret is None else code_address(self.code_secret, self.user.username)


def create_user(
    session: Session,
    *,
    by: Principal | None,
    username: str,
    display_name: str,
    password: str,
    role: Role,
    passwords: Passwords,
    language: str = "en",
    technician_id: uuid.UUID | None = None,
    territory_ids: Collection[uuid.UUID] = (),
) -> UserWithSecret:
    """Create a user; office roles get a secret for one-time codes."""
    name = username.strip().lower()
    check_password(password, name)
    _check_reach(by, role, territory_ids)
    if (role == Role.TECHNICIAN) != (technician_id is not None):
        raise Invalid("a technician's user names the technician, any other user does not")
    if session.scalar(select(User.id).where(User.username == name)) is not None:
        raise AlreadyExists("the user name is taken")
    secret = new_code_secret() if role in OFFICE_ROLES else None
    user = User(
        username=name,
        display_name=display_name,
        password_hash=passwords.hash(password),
        role=role.value,
        language=language,
        technician_id=technician_id,
        otp_secret=secret,
        created_at=func.now(),
        territories=[UserTerritory(territory_id=territory) for territory in sorted(set(territory_ids))],
    )
    session.add(user)
    session.flush()
    _note(session, by, "create_user", user, role=role.value)
    return UserWithSecret(user, secret)


def change_user(
    session: Session,
    *,
    by: Principal | None,
    user: User,
    expected_version: int | None,
    display_name: str | None = None,
    language: str | None = None,
    is_active: bool | None = None,
    territory_ids: Collection[uuid.UUID] | None = None,
) -> User:
    """Change what is given; a deactivated user is logged out everywhere at once."""
    user.expect_version(expected_version)
    if by is not None and by.user_id == user.id and is_active is False:
        raise Forbidden("nobody deactivates themselves")
    if display_name is not None:
        user.display_name = display_name
    if language is not None:
        user.language = language
    if territory_ids is not None:
        _check_reach(by, Role(user.role), territory_ids)
        _set_territories(session, user, set(territory_ids))
    if is_active is not None:
        user.is_active = is_active
        if not is_active:
            signing_in.revoke(session, Token.user_id == user.id)
    session.flush()
    _note(session, by, "change_user", user, is_active=user.is_active)
    return user


def reset_user(
    session: Session,
    *,
    by: Principal | None,
    user: User,
    expected_version: int | None,
    password: str,
    passwords: Passwords,
) -> UserWithSecret:
    """Give a user a new password and code secret, lift the lock and end every login."""
    user.expect_version(expected_version)
    check_password(password, user.username)
    secret = new_code_secret() if user.role in OFFICE_ROLES else None
    user.password_hash = passwords.hash(password)
    user.otp_secret, user.otp_last_step = secret, None
    user.failed_logins, user.locked_until = 0, None
    signing_in.revoke(session, Token.user_id == user.id)
    session.flush()
    _note(session, by, "reset_user", user)
    return UserWithSecret(user, secret)


def change_own_password(
    session: Session, *, by: Principal, user: User, current: str, new: str, passwords: Passwords
) -> None:
    """Change the caller's password and end every login of theirs."""
    if not passwords.verify(user.password_hash, current):
        raise LoginRefused("the current password is wrong")
    check_password(new, user.username)
    user.password_hash = passwords.hash(new)
    signing_in.revoke(session, Token.user_id == user.id)
    session.flush()
    _note(session, by, "change_password", user)


def register_device(
    session: Session,
    *,
    by: Principal,
    family_id: uuid.UUID,
    access_token: str,
    label: str,
    public_key: str,
    proof: Proof,
    rules: TokenRules,
) -> Device:
    """Bind this login to a phone's key; from now on its refresh needs the key's signature (S8)."""
    if by.technician_id is None:
        raise Forbidden("only a technician's phone is registered")
    if not holds(read_public_key(public_key), proof, REGISTER, access_token):
        raise DeviceRefused("the signature was not made with this key for this login")
    at = session.scalar(select(extract("epoch", func.now()))) or 0
    if abs(proof.timestamp - at) > rules.proof_skew.total_seconds():
        raise ProofOutOfTime("the device's clock differs from the server's", server_time=int(at))
    known = select(Device).where(Device.user_id == by.user_id, Device.public_key == public_key)
    device = session.scalar(known)
    if device is not None and device.revoked_at is not None:
        raise DeviceRefused("this device was revoked")
    if device is None:
        device = Device(
            user_id=by.user_id,
            technician_id=by.technician_id,
            label=label,
            public_key=public_key,
            registered_at=func.now(),
        )
        session.add(device)
        session.flush()
    if by.device_id not in {None, device.id}:
        raise DeviceRefused("this login belongs to another device")
    bound = update(Token).where(Token.family_id == family_id).values(device_id=device.id)
    session.execute(bound, execution_options={"synchronize_session": False})
    audit.record(
        session, action="register_device", outcome="done", user_id=by.user_id, subject=device.id, label=label
    )
    return device


def revoke_device(
    session: Session, *, by: Principal | None, device: Device, expected_version: int | None
) -> Device:
    """Shut a lost phone out at once (S24)."""
    device.expect_version(expected_version)
    if device.revoked_at is None:
        device.revoked_at = session.scalar(select(func.now()))
        signing_in.revoke(session, Token.device_id == device.id)
        session.flush()
        audit.record(
            session,
            action="revoke_device",
            outcome="done",
            user_id=by.user_id if by else None,
            subject=device.id,
        )
    return device


def _check_reach(by: Principal | None, role: Role, territory_ids: Collection[uuid.UUID]) -> None:
    """Nobody hands out more than they have."""
    if by is None or by.territory_ids is None:
        return
    if not set(territory_ids) <= by.territory_ids or (role == Role.ADMIN and not territory_ids):
        raise Forbidden("you may only give territories that you have yourself")


def _set_territories(session: Session, user: User, wanted: set[uuid.UUID]) -> None:
    kept = [row for row in user.territories if row.territory_id in wanted]
    new = wanted - {row.territory_id for row in kept}
    changed = len(kept) != len(user.territories) or bool(new)
    user.territories = kept + [UserTerritory(territory_id=territory) for territory in sorted(new)]
    if changed:
        _touch(user)


def _touch(user: User) -> None:
    """Raise the version although only the list of territories changed."""
    flag_modified(user, "display_name")


def _note(session: Session, by: Principal | None, action: str, user: User, **detail: Any) -> None:
    audit.record(
        session,
        action=action,
        outcome="done",
        user_id=by.user_id if by else None,
        subject=user.id,
        **detail,
    )
