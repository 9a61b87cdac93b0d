"""
PostgreSQL and nothing else: the declarative base, column types, sessions and the transaction.

``transaction()`` is the only place that commits outside the HTTP layer. Work recorded with
:func:`after_commit` runs once, after a successful commit, and never fails the caller.
"""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import structlog
from sqlalchemy import (
    JSON,
    DateTime,
    Dialect,
    Engine,
    Interval,
    MetaData,
    Text,
    TypeDecorator,
    Uuid,
    create_engine,
    event,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoFreeConnection
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, declared_attr, mapped_column, sessionmaker
from sqlalchemy.orm.exc import StaleDataError

from dispatch.clock import TimeWithoutZone
from dispatch.errors import Conflict, DispatchError, Invalid, Stale

log = structlog.get_logger(__name__)

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


def new_id() -> uuid.UUID:
    """
    Return a version 7 UUID: sortable by creation, made without asking the database.

    Below the millisecond it counts in quarters of a microsecond (RFC 9562 §6.2, method 3), so that what one
    process makes in turn sorts in turn. It is an identifier, not a secret.
    """
    millis, rest = divmod(time.time_ns(), 1_000_000)
    value = (
        (millis & (2**48 - 1)) << 80
        | 0x7 << 76
        | (rest * 4096 // 1_000_000) << 64
        | 0b10 << 62
        | int.from_bytes(os.urandom(8)) & (2**62 - 1)
    )
    return uuid.UUID(int=value)


class Moment(TypeDecorator[datetime]):
    """A moment in UTC; a value without a zone is refused before it reaches the database."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive times."""
        if value is not None and value.tzinfo is None:
            raise TimeWithoutZone(f"{value.isoformat()} has no zone")
        return value

    def coerce_compared_value(self, op: Any, value: Any) -> Any:
        """Let a length of time be added to a moment."""
        return Interval() if isinstance(value, timedelta) else self

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return UTC whatever the server's zone is."""
        return None if value is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """Base of every mapped class."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        uuid.UUID: Uuid(),
        datetime: Moment(),
        str: Text(),
        dict[str, Any]: JSON().with_variant(JSONB(), "postgresql"),
        list[Any]: JSON().with_variant(JSONB(), "postgresql"),
    }


class Identified:
    """Mixin: a version 7 UUID as primary key."""

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)


class Versioned:
    """
    Mixin: a version number that every change raises; the ETag of the thing.

    SQLAlchemy adds ``WHERE version = …`` to each update, so a lost race raises ``Stale``.
    """

    version: Mapped[int] = mapped_column(nullable=False)

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:  # noqa: N805 - SQLAlchemy passes the class
        return {"version_id_col": cls.version}

    def expect_version(self, expected: int | None) -> None:
        """Refuse a change that was decided on an older version; ``None`` skips the check."""
        if expected is not None and expected != self.version:
            raise Stale(
                f"version {expected} was read, version {self.version} is current", current=self.version
            )


class AlreadyExists(Conflict):
    """Something with the same identifying value exists already."""

    code = "ALREADY_EXISTS"
    remedy = "Use the one that exists, or choose another value."


class Overlapping(Conflict):
    """Two planned intervals of one technician would overlap; the database refuses a double booking."""

    code = "OVERLAPPING"
    remedy = "Read the present plan and choose another technician or time."


class ReferenceUnknown(Invalid):
    """A given id refers to nothing, or something still refers to what should go."""

    code = "REFERENCE_UNKNOWN"
    remedy = "Check the ids in the request."


class ValueRefused(Invalid):
    """The database cannot store a given value."""

    code = "VALUE_REFUSED"
    remedy = "Check the values of the request: signs, lengths and ranges."


class Unavailable(DispatchError):
    """The database does not answer at the moment; nothing was changed."""

    code = "UNAVAILABLE"
    kind = "unavailable"
    remedy = "Send the same request again after the time given in Retry-After."


_REFUSALS: dict[str, tuple[type[DispatchError], str]] = {
    "23505": (AlreadyExists, "something with the same identifying value exists already"),
    "23P01": (Overlapping, "the technician is booked elsewhere at that time"),
    "23503": (ReferenceUnknown, "an id in the request refers to nothing"),
    "23514": (ValueRefused, "a value lies outside what is allowed"),
    "23502": (ValueRefused, "a value is missing"),
    "40001": (Unavailable, "another change got in between"),
    "40P01": (Unavailable, "another change got in between"),
    "55P03": (Unavailable, "another change holds this at the moment"),
    "57014": (Unavailable, "the database took too long"),
}


def refusal_of(error: BaseException) -> DispatchError | None:
    """
    Return what a database error means to a caller; ``None`` when it is our own mistake.

    Table and constraint names stay in the chained cause, never in the message.
    """
    if isinstance(error, StaleDataError):
        return Stale("somebody else changed the same thing at the same moment")
    if isinstance(error, NoFreeConnection):
        return Unavailable("no database connection was free")
    return _refusal_by_state(error) if isinstance(error, DBAPIError) else None


def _refusal_by_state(error: DBAPIError) -> DispatchError | None:
    state: str = getattr(error.orig, "sqlstate", None) or ""
    if state in _REFUSALS:
        kind, message = _REFUSALS[state]
        return kind(message)
    unspoken = isinstance(error, OperationalError | InterfaceError) and not state
    if unspoken or error.connection_invalidated or state[:2] in {"08", "53", "57"}:
        return Unavailable("the database does not answer")
    if isinstance(error, IntegrityError | DataError):
        return ValueRefused("a value cannot be stored")
    return None


QUERY_CACHE = 2000
"""Compiled statements that a process keeps; the API has more of them than the default of 500."""


def connect(url: str, *, pool_size: int = 5, echo: bool = False) -> Engine:
    """
    Return an engine for a PostgreSQL URL.

    Statements are cut at 30 s and idle transactions at 60 s, so that a hung client frees its locks.
    """
    return create_engine(
        url,
        pool_size=pool_size,
        max_overflow=pool_size,
        query_cache_size=QUERY_CACHE,
        pool_pre_ping=True,
        pool_timeout=10,
        echo=echo,
        connect_args={
            "connect_timeout": 10,
            "options": "-c timezone=UTC -c statement_timeout=30000"
            " -c idle_in_transaction_session_timeout=60000",
        },
    )


def connect_lean(url: str, *, pool_size: int) -> Engine:
    """Return an engine for single questions: no transaction around them and no look at the line before."""
    return create_engine(
        url,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_timeout=10,
        pool_reset_on_return=None,
        isolation_level="AUTOCOMMIT",
        connect_args={"connect_timeout": 10, "options": "-c timezone=UTC -c statement_timeout=5000"},
    )


Sessions = sessionmaker[Session]


def sessions(engine: Engine) -> Sessions:
    """Return a session factory; objects stay readable after a commit."""
    return sessionmaker(engine, expire_on_commit=False)


_default: Sessions | None = None


def configure(factory: Sessions) -> None:
    """Set the process's session factory (``bootstrap`` calls this once)."""
    global _default  # noqa: PLW0603 - one database per process (decision 10)
    _default = factory


def open_session() -> Session:
    """Return a new session of the configured database."""
    if _default is None:
        raise RuntimeError("dispatch.bootstrap.start() has not been called")
    return _default()


def remembering(session: Session) -> Session:
    """
    Let a short-lived session keep what it has loaded, so that one row is not asked for twice.

    By itself a session forgets a row as soon as nobody refers to its object.
    """
    kept: list[object] = session.info.setdefault("kept", [])
    event.listen(session, "loaded_as_persistent", lambda _session, loaded: kept.append(loaded))
    return session


@contextmanager
def transaction() -> Iterator[Session]:
    """Open a session, commit on success, roll back on any error, and run what waits for the commit."""
    session = open_session()
    try:
        yield session
        commit(session)
    except BaseException:
        session.rollback()
        raise
    finally:
        session.close()


def commit(session: Session) -> None:
    """Commit; a lost version race becomes ``Stale``. Then run the work that waited for the commit."""
    try:
        session.commit()
    except StaleDataError as error:
        session.rollback()
        raise Stale("somebody else changed the same thing at the same moment") from error


def answers(session: Session) -> bool:
    """Tell whether the database answers a question."""
    try:
        session.execute(text("select 1"))
    except (DBAPIError, NoFreeConnection):
        return False
    return True


def flush(session: Session) -> None:
    """Send the changes so far to the database; a lost version race becomes ``Stale``."""
    try:
        session.flush()
    except StaleDataError as error:
        raise Stale("somebody else changed the same thing at the same moment") from error


def after_commit(session: Session, work: Callable[[], None]) -> None:
    """Run ``work`` once after this session's commit; its failure is logged, never raised."""
    session.info.setdefault("after_commit", []).append(work)


@event.listens_for(Session, "after_commit")
def _run_waiting(session: Session) -> None:
    if session.in_nested_transaction():
        return
    for work in session.info.pop("after_commit", []):
        try:
            work()
        except Exception as error:  # noqa: BLE001 - the commit stands; the sweeper repeats what was missed
            log.warning("after_commit_failed", error=repr(error))


@event.listens_for(Session, "after_rollback")
def _forget_waiting(session: Session) -> None:
    if session.in_nested_transaction():
        return
    session.info.pop("after_commit", None)
