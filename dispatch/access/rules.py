"""Roles and the person behind a request, as plain values."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from dispatch.errors import Conflict, DispatchError, Forbidden, Invalid


class Role(StrEnum):
    """What a user is here for; one each."""

    ADMIN = "admin"
    DISPATCHER = "dispatcher"
    CALL_TAKER = "call_taker"
    SUPERVISOR = "supervisor"
    TECHNICIAN = "technician"
    FINANCE = "finance"


OFFICE_ROLES = frozenset(Role) - {Role.TECHNICIAN}
"""Roles that need a second factor (S6)."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is asking. ``territory_ids`` of ``None`` means every territory (administrators without a list)."""

    user_id: uuid.UUID
    role: Role
    territory_ids: frozenset[uuid.UUID] | None = None
    technician_id: uuid.UUID | None = None
    device_id: uuid.UUID | None = None

    def may_see(self, territory_id: uuid.UUID) -> bool:
        """Tell whether a territory lies within this person's scope."""
        return self.territory_ids is None or territory_id in self.territory_ids


@dataclass(frozen=True, slots=True)
class LoginRules:
    """How a login is judged (S6)."""

    attempts: int = 10
    """Failed logins of one account before it is refused."""
    window: timedelta = timedelta(minutes=15)
    """How long it is then refused."""
    second_factor: bool = True
    """Whether office roles must give a one-time code."""

    def needs_code(self, role: str) -> bool:
        """Tell whether a role logs in with a one-time code."""
        return self.second_factor and role in OFFICE_ROLES


@dataclass(frozen=True, slots=True)
class TokenRules:
    """How long tokens live and what their successors are derived from (S7, S8)."""

    secret: bytes
    access: timedelta = timedelta(minutes=10)
    family: timedelta = timedelta(days=30)
    proof_skew: timedelta = timedelta(minutes=5)
    """How far a device's clock may be from the server's when it signs."""


class Unauthenticated(DispatchError):
    """The caller did not prove who they are: no access token, an old one, or one that was revoked."""

    code = "UNAUTHENTICATED"
    kind = "unauthenticated"
    remedy = "Refresh the access token, or log in again."


class LoginRefused(Unauthenticated):
    """Name, password or code are wrong, or there were too many attempts; the answer is the same for all."""

    code = "LOGIN_REFUSED"
    remedy = "Check name, password and one-time code; after too many attempts wait, or ask an administrator."


class RefreshRefused(Unauthenticated):
    """The refresh token is unknown, old, used before or without the device's proof; log in again."""

    code = "REFRESH_REFUSED"
    remedy = "Log in again."


class ProofOutOfTime(Unauthenticated):
    """The device signed a time too far from the server's; the token stays good."""

    code = "PROOF_OUT_OF_TIME"
    remedy = "Sign again with the server time given in the answer."


class DeviceRefused(Forbidden):
    """The device was revoked, or its key or signature is not acceptable."""

    code = "DEVICE_REFUSED"
    remedy = "Register the device again with a P-256 key, or ask an administrator."


class PasswordWeak(Invalid):
    """A password is too short, too long or the user's own name."""

    code = "PASSWORD_WEAK"
    remedy = "Choose 12 to 200 characters that do not contain the user name."


class IdempotencyKeyReused(Invalid):
    """The same Idempotency-Key came with a different request."""

    code = "IDEMPOTENCY_KEY_REUSED"
    remedy = "Use a new key for a new request; repeat the first request unchanged to get its answer."


class IdempotencyKeyInUse(Conflict):
    """A request with the same Idempotency-Key is being worked on at this moment."""

    code = "IDEMPOTENCY_KEY_IN_USE"
    remedy = "Wait a second and send the same request again."


SHORTEST_PASSWORD, LONGEST_PASSWORD = 12, 200


def check_password(password: str, username: str) -> None:
    """Refuse a password that is easily guessed; length counts, composition does not."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise PasswordWeak(f"a password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters")
    if username.lower() in password.lower():
        raise PasswordWeak("the password contains the user name")
    if len(set(password)) < 5:
        raise PasswordWeak("the password repeats too few characters")
