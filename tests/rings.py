"""Whether those who change several rows hold them in one order: nobody waits in a ring."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Select, text
from sqlalchemy.orm import Session

from dispatch import db

WAITING = text(
    "select exists (select from pg_locks where not granted and pg_backend_pid() = any(pg_blocking_pids(pid)))"
)


def met_at(first: Select[Any], then: Sequence[Select[Any]], act: Callable[[], Any]) -> tuple[bool, Any]:
    """
    Let ``act`` meet somebody who holds ``first`` and goes on to ``then``; return whether it waited, and what
    came of it. What waits for ``first`` must hold nothing of ``then``, or this fails.
    """
    outcome: list[Any] = []
    thread = threading.Thread(target=lambda: outcome.append(act()))
    with db.transaction() as session:
        session.execute(first.with_for_update()).all()
        thread.start()
        while waited := thread.is_alive():
            if _somebody_waits(session):
                break
        for rows in then:
            session.execute(rows.with_for_update(nowait=True)).all()
    thread.join(timeout=60)
    assert not thread.is_alive()
    [result] = outcome
    return waited, result


def _somebody_waits(session: Session) -> bool:
    return bool(session.scalar(WAITING))
