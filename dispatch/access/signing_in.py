"""
Login, refresh and logout (S6 to S8).

A refusal is an answer here, not an exception: the failed attempt, the revoked family and the audit entry
must be committed although the caller gets an error.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, extract, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from dispatch.access import audit
from dispatch.access.hashing import Passwords, code_step
from dispatch.access.model import Device, Token, User
from dispatch.access.proof import REFRESH as REFRESH_PURPOSE
from dispatch.access.proof import Proof, holds, read_public_key
from dispatch.access.rules import (
    LoginRefused,
    LoginRules,
    ProofOutOfTime,
    RefreshRefused,
    Role,
    TokenRules,
    Unauthenticated,
)
from dispatch.access.tokens import ACCESS, REFRESH, fingerprint, new_token, successor
from dispatch.db import new_id

_UNSYNCHRONISED = {"synchronize_session": False}


@dataclass(frozen=True, slots=True)
class Issued:
    """A pair of tokens as the caller gets it, once."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    access_expires_at: datetime
    refresh_expires_at: datetime
    user_id: uuid.UUID


def log_in(
    session: Session,
    *,
    username: str,
    password: str,
    code: str | None,
    address: str,
    passwords: Passwords,
    login: LoginRules,
    tokens: TokenRules,
) -> Issued | LoginRefused:
    """Judge a login: the same work and the same refusal whether the name, password or code is wrong."""
    refused = LoginRefused("the login was refused")
    row = session.execute(_login_row(username.strip().lower())).one_or_none()
    fits = passwords.verify(row.password_hash if row else None, password)
    if row is None:
        audit.record(session, action="login", outcome="refused", address=address, reason="unknown")
        return refused
    reason, step = _judge(row, fits=fits, code=code, login=login)
    if reason:
        _count_failure(session, row, reason, login)
        audit.record(
            session, action="login", outcome="refused", subject=row.id, address=address, reason=reason
        )
        return refused
    changed: dict[str, Any] = {"failed_logins": 0, "locked_until": None}
    if step is not None:
        changed["otp_last_step"] = step
    if passwords.is_outdated(row.password_hash):
        changed["password_hash"] = passwords.hash(password)
    _change_user(session, row.id, changed)
    audit.record(session, action="login", outcome="done", user_id=row.id, address=address)
    expiry = func.now() + tokens.family
    family = _Family(new_id(), generation=0, user_id=row.id, device_id=None, expires_at=expiry)
    return _issue(session, family, new_token(ACCESS), new_token(REFRESH), tokens)


def _login_row(username: str) -> Any:
    locked = func.coalesce(User.locked_until > func.now(), False).label("locked")
    at = extract("epoch", func.now()).label("at")
    columns = (User.id, User.password_hash, User.role, User.otp_secret, User.otp_last_step, User.is_active)
    return (
        select(*columns, User.failed_logins, locked, at)
        .where(User.username == username)
        .with_for_update(of=User)  # guesses at one account wait for each other: none slips past the count
    )


def _judge(row: Row[Any], *, fits: bool, code: str | None, login: LoginRules) -> tuple[str, int | None]:
    """Return why a login is refused (empty: it is not) and the step of the one-time code."""
    step = None
    if row.otp_secret and code:
        step = code_step(row.otp_secret, code, at=int(row.at), last_step=row.otp_last_step)
    if row.locked:
        return "locked", None
    if not row.is_active:
        return "inactive", None
    if not fits:
        return "password", None
    if login.needs_code(row.role) and step is None:
        return "code", None
    return "", step


def _count_failure(session: Session, row: Row[Any], reason: str, login: LoginRules) -> None:
    """Count a failure; the last one allowed locks the account for the login window."""
    if reason not in {"password", "code"}:
        return
    failures = row.failed_logins + 1
    if failures < login.attempts:
        _change_user(session, row.id, {"failed_logins": failures})
        return
    _change_user(session, row.id, {"failed_logins": 0, "locked_until": func.now() + login.window})
    audit.record(session, action="lock_account", outcome="alert", subject=row.id, failures=failures)


def _change_user(session: Session, user_id: uuid.UUID, values: dict[str, Any]) -> None:
    """Note the state of logins; it is not a change of the user, so the version stays."""
    session.execute(update(User).where(User.id == user_id).values(values), execution_options=_UNSYNCHRONISED)


def refresh(
    session: Session, *, refresh_token: str, proof: Proof | None, address: str, rules: TokenRules
) -> Issued | Unauthenticated:
    """
    Exchange a refresh token for its successor (S8).

    The same token gets the same successor again until the successor was first used: a reply may be lost.
    Later, or without the device's proof, it counts as stolen: the whole family is revoked.
    """
    row = session.execute(_refresh_row(fingerprint(refresh_token))).one_or_none()
    refused = RefreshRefused("the refresh token is not accepted")
    if row is None:
        return refused
    reason = _dead(row)
    if reason:
        audit.record(
            session, action="refresh", outcome="refused", subject=row.user_id, address=address, reason=reason
        )
        return refused
    if row.public_key is not None:
        if not _is_proved(row, proof, refresh_token):
            _stolen(session, row, "no device proof", address)
            return refused
        if proof is None or abs(proof.timestamp - row.at) > rules.proof_skew.total_seconds():
            return ProofOutOfTime("the device's clock differs from the server's", server_time=int(row.at))
    if row.succeeded_at is not None and _successor_was_used(session, row):
        _stolen(session, row, "used again", address)
        return refused
    if row.succeeded_at is None:
        used = {"succeeded_at": func.now(), "first_used_at": func.now()}
        session.execute(
            update(Token).where(Token.id == row.id).values(used), execution_options=_UNSYNCHRONISED
        )
    family = _Family(row.family_id, row.generation + 1, row.user_id, row.device_id, row.family_expires_at)
    access, following = (successor(rules.secret, refresh_token, kind) for kind in (ACCESS, REFRESH))
    return _issue(session, family, access, following, rules)


def _refresh_row(token_sha256: str) -> Any:
    columns = (Token.id, Token.family_id, Token.generation, Token.user_id, Token.device_id)
    state = (Token.family_expires_at, Token.succeeded_at, Token.revoked_at)
    expired = (Token.expires_at <= func.now()).label("expired")
    device_revoked = Device.revoked_at.is_not(None).label("device_revoked")
    at = extract("epoch", func.now()).label("at")
    return (
        select(*columns, *state, expired, device_revoked, at, User.is_active, User.role, Device.public_key)
        .join(User, User.id == Token.user_id)
        .outerjoin(Device, Device.id == Token.device_id)
        .where(Token.token_sha256 == token_sha256, Token.kind == REFRESH)
        .with_for_update(of=Token)
    )


def _dead(row: Row[Any]) -> str:
    """Return why a token cannot be refreshed at all; empty when it can."""
    if row.revoked_at is not None:
        return "revoked"
    if row.expired:
        return "expired"
    if not row.is_active:
        return "inactive"
    if row.device_revoked:
        return "device revoked"
    if row.role == Role.TECHNICIAN and row.device_id is None:
        return "device not registered"
    return ""


def _is_proved(row: Row[Any], proof: Proof | None, token: str) -> bool:
    return proof is not None and holds(read_public_key(row.public_key), proof, REFRESH_PURPOSE, token)


def _successor_was_used(session: Session, row: Row[Any]) -> bool:
    later = Token.generation > row.generation
    used = select(Token.id).where(Token.family_id == row.family_id, later, Token.first_used_at.is_not(None))
    return session.scalar(used.limit(1)) is not None


def _stolen(session: Session, row: Row[Any], reason: str, address: str) -> None:
    revoke(session, Token.family_id == row.family_id)
    audit.record(
        session,
        action="revoke_family",
        outcome="alert",
        subject=row.user_id,
        address=address,
        reason=reason,
        family=str(row.family_id),
    )


def revoke(session: Session, *which: ColumnElement[bool]) -> None:
    """Revoke the tokens that match; the next request with one of them is refused."""
    session.execute(
        update(Token).where(*which, Token.revoked_at.is_(None)).values(revoked_at=func.now()),
        execution_options=_UNSYNCHRONISED,
    )


def log_out(session: Session, *, family_id: uuid.UUID, user_id: uuid.UUID) -> None:
    """End one login: every token of its family."""
    revoke(session, Token.family_id == family_id)
    audit.record(session, action="logout", outcome="done", user_id=user_id)


def log_out_everywhere(session: Session, *, user_id: uuid.UUID, by: uuid.UUID | None) -> None:
    """End every login of a user."""
    revoke(session, Token.user_id == user_id)
    audit.record(session, action="logout_everywhere", outcome="done", user_id=by, subject=user_id)


def note_first_use(session: Session, token_id: uuid.UUID) -> None:
    """Note that an access token arrived at its owner: from now on its predecessor counts as stolen."""
    session.execute(
        update(Token)
        .where(Token.id == token_id, Token.first_used_at.is_(None))
        .values(first_used_at=func.now()),
        execution_options=_UNSYNCHRONISED,
    )


@dataclass(frozen=True, slots=True)
class _Family:
    id: uuid.UUID
    generation: int
    user_id: uuid.UUID
    device_id: uuid.UUID | None
    expires_at: datetime | ColumnElement[Any]


def _issue(session: Session, family: _Family, access: str, refresh: str, rules: TokenRules) -> Issued:
    """Store both tokens as hashes; issued again, only the access token's life begins anew."""
    expiries = {ACCESS: func.least(func.now() + rules.access, family.expires_at), REFRESH: family.expires_at}
    rows = [
        {
            "id": new_id(),
            "token_sha256": fingerprint(token),
            "kind": kind,
            "family_id": family.id,
            "generation": family.generation,
            "user_id": family.user_id,
            "device_id": family.device_id,
            "issued_at": func.now(),
            "expires_at": expiries[kind],
            "family_expires_at": family.expires_at,
        }
        for kind, token in ((ACCESS, access), (REFRESH, refresh))
    ]
    stored = upsert(Token).values(rows)
    again = stored.on_conflict_do_update(
        index_elements=["token_sha256"], set_={"expires_at": stored.excluded.expires_at}
    )
    found = session.execute(again.returning(Token.kind, Token.expires_at))
    ends = {row.kind: row.expires_at for row in found}
    return Issued(access, refresh, ends[ACCESS], ends[REFRESH], family.user_id)
