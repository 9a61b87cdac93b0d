"""The feed stays short and on time: what nobody can ask for goes, and what delays everybody is told."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Text, delete, func, literal, select, text, tuple_, update
from sqlalchemy.orm import Session, aliased

from dispatch import clock
from dispatch.feed import FeedRow
from dispatch.sync.conflicts import DISTANCE, FAR
from dispatch.sync.pull import RETENTION
from dispatch.work_orders.model import ReviewCase

MARGIN = timedelta(days=1)
PORTION = 20_000
"""Rows that one transaction deletes at most; longer ones would delay the feed themselves."""
LATE_SECONDS = 30.0
"""A transaction that writes for so long holds every phone's news back."""

_OLDEST_WRITER = text(
    "select coalesce(extract(epoch from clock_timestamp() - min(xact_start)), 0)::float from pg_stat_activity"
    " where datname = current_database() and backend_xid is not null and pid <> pg_backend_pid()"
)


def prune(session: Session) -> int:
    """
    Delete changes that no cursor can ask for any more, and acknowledgements that newer ones surpass.

    At most ``PORTION`` rows; returns how many went.
    """
    newer = aliased(FeedRow)
    surpassed = (
        select(newer.seq)
        .where(newer.scope == FeedRow.scope, newer.entity == "ack", newer.entity_id == FeedRow.entity_id)
        .where(tuple_(newer.xid, newer.seq) > tuple_(FeedRow.xid, FeedRow.seq))
        .where(newer.recorded_at < func.now() - MARGIN)
    )
    gone = (
        select(FeedRow.seq)
        .where(
            ((FeedRow.entity != "ack") & (FeedRow.recorded_at < func.now() - RETENTION - MARGIN))
            | ((FeedRow.entity == "ack") & surpassed.exists())
        )
        .limit(PORTION)
    )
    return len(session.scalars(delete(FeedRow).where(FeedRow.seq.in_(gone)).returning(FeedRow.seq)).all())


def forget_distances(session: Session, *, keep_days: int) -> int:
    """Forget how far from the site arrivals were, once the positions of their age are gone (R-903)."""
    name = literal(DISTANCE, Text)
    told = ReviewCase.detail.op("?", is_comparison=True)(name)
    old = ReviewCase.opened_at < clock.now() - timedelta(days=keep_days)
    statement = update(ReviewCase).where(ReviewCase.kind == FAR, old, told)
    gone = statement.values(detail=ReviewCase.detail.op("-")(name)).returning(ReviewCase.id)
    return len(session.scalars(gone.execution_options(synchronize_session=False)).all())


def delayed_seconds(session: Session) -> float:
    """Return for how long the oldest transaction that writes has been open; the feed waits for it."""
    return float(session.execute(_OLDEST_WRITER).scalar_one())
