"""Alembic's entry: applies revisions over a connection that ``dispatch.migrating`` hands over."""

from __future__ import annotations

from alembic import context

from dispatch.bootstrap import load_models
from dispatch.db import Base

load_models()


def run() -> None:
    """Run each revision in its own transaction, with timeouts that protect live traffic."""
    connection = context.config.attributes["connection"]
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        transaction_per_migration=True,
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()


run()
