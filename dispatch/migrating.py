"""Applying schema revisions, one process at a time."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.pool import NullPool

import migrations

LOCK_KEY = 7_263_514
"""Advisory lock that two starting processes contend for."""


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    if connection is not None:
        config.attributes["connection"] = connection
    return config


def _run(url: str, step: str, revision: str) -> None:
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as guard, engine.connect() as connection:
        guard.execute(text("select pg_advisory_lock(:key)"), {"key": LOCK_KEY})
        connection.execute(text("set lock_timeout = '4s'"))
        connection.commit()
        getattr(command, step)(_config(connection), revision)
        guard.execute(text("select pg_advisory_unlock(:key)"), {"key": LOCK_KEY})
    engine.dispose()


def upgrade(url: str, revision: str = "head") -> None:
    """Bring the database up to a revision; safe to call from several processes at once."""
    _run(url, "upgrade", revision)


def downgrade(url: str, revision: str) -> None:
    """Take the database down to a revision, ``base`` for an empty one."""
    _run(url, "downgrade", revision)


def newest_revision() -> str:
    """Return the revision that this code expects."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def current_revision(url: str) -> str | None:
    """Return the database's revision, or None for an empty database."""
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        known = connection.execute(text("select to_regclass('alembic_version')")).scalar()
        found = (
            connection.execute(text("select version_num from alembic_version")).scalar() if known else None
        )
    engine.dispose()
    return found
