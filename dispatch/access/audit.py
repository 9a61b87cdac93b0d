"""The trail of who did what to whom in matters of access: rows are only added (S21)."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import ColumnElement, SQLColumnExpression, Text, Uuid, cast, extract, func, insert
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from dispatch.access.model import AuditEntry

Said = tuple[SQLColumnExpression[Any], ...]


def record(
    session: Session,
    *,
    action: str,
    outcome: str,
    user_id: uuid.UUID | None = None,
    subject: object = None,
    **detail: Any,
) -> None:
    """
    Add an entry in the caller's transaction, at the database's time.

    ``detail`` never holds passwords, tokens or names that were tried: a mistyped name is often a password.
    """
    who, about = cast(user_id, Uuid), cast(None if subject is None else str(subject), Text)
    said = (func.now(), who, cast(action, Text), about, cast(outcome, Text), cast(detail, JSONB))
    names = ("at", "user_id", "action", "subject", "outcome", "detail")
    session.execute(insert(AuditEntry).values(**dict(zip(names, said, strict=True)), sha256=digest_of(*said)))


def columns() -> Said:
    """What an entry says."""
    row = AuditEntry
    return (row.at, row.user_id, row.action, row.subject, row.outcome, row.detail)


def digest_of(at: SQLColumnExpression[Any], *said: SQLColumnExpression[Any]) -> ColumnElement[str]:
    """Return the digest of what an entry says, as the database computes it."""
    whole = cast(func.jsonb_build_array(extract("epoch", at), *said), Text)
    return func.encode(func.sha256(func.convert_to(whole, "UTF8")), "hex")
