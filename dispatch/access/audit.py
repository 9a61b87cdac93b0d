"""The trail of who did what to whom in matters of access: rows are only added (S21)."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import func, insert
from sqlalchemy.orm import Session

from dispatch.access.model import AuditEntry


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
    session.execute(
        insert(AuditEntry).values(
            at=func.now(),
            user_id=user_id,
            action=action,
            subject=None if subject is None else str(subject),
            outcome=outcome,
            detail=detail,
        )
    )
