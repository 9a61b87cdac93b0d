"""One database for many tests: emptied between them, which is much quicker than a new one each."""

from __future__ import annotations

from dataclasses import dataclass, field

import psycopg
from psycopg import sql

from tests.services import TestServices

REWIND = """
select setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false)
from pg_sequences where schemaname = 'public' and last_value is not null
"""
"""Numbers begin anew; the migrations draw none."""
LEFT = """
select pg_terminate_backend(pid, 5000) from pg_stat_activity
where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'
"""
"""Who is still connected, as a process that was killed, is sent away: emptying waits for no lock."""
SHAPE = """
select md5(string_agg(thing, ',' order by thing)) from (
    select concat_ws(' ', 'table', oid, relnatts) from pg_class where relnamespace = 'public'::regnamespace
    union all select concat_ws(' ', 'column', attrelid, attname, atttypid, attnotnull, attisdropped)
        from pg_attribute join pg_class c on c.oid = attrelid where relnamespace = 'public'::regnamespace
    union all select concat_ws(' ', 'constraint', oid, convalidated) from pg_constraint
    union all select concat_ws(' ', 'trigger', oid, tgenabled) from pg_trigger
    union all select concat_ws(' ', 'function', oid, xmin) from pg_proc
        where pronamespace = 'public'::regnamespace
) things (thing)
"""
"""What a test that changes the schema leaves behind; its database is thrown away."""


@dataclass
class SharedDatabase:
    """A migrated database; what the migrations wrote stays, everything else goes."""

    services: TestServices
    url: str = ""
    _shape: str = ""
    _seeded: dict[str, str] = field(default_factory=dict)

    def fresh(self) -> str:
        """Return the address of a database as the migrations left it."""
        if self.url and self._emptied():
            return self.url
        if self.url:
            self.services.drop_database(self.url)
        self.url = self.services.new_database()
        with self._connection() as connection:
            tables = self._tables(connection)
            self._shape = self._shape_of(connection)
            self._seeded = self._digests(connection, self._filled(connection, tables))
        return self.url

    def _emptied(self) -> bool:
        """Empty what a test filled; ``False`` when it changed what the migrations made or wrote."""
        with self._connection() as connection:
            connection.execute(LEFT)
            if self._shape_of(connection) != self._shape:
                return False
            filled = self._filled(connection, self._tables(connection))
            added = [table for table in filled if table not in self._seeded]
            if added:
                self._empty(connection, added)
            connection.execute(REWIND)
            return self._digests(connection, self._filled(connection, list(self._seeded))) == self._seeded

    @staticmethod
    def _empty(connection: psycopg.Connection[tuple[object, ...]], tables: list[str]) -> None:
        """Few rows are deleted much quicker than a hundred tables truncated: each of those is new files."""
        row = connection.execute("show is_superuser").fetchone()
        if row == ("on",):
            connection.execute("set session_replication_role = replica")  # no triggers, in any order
            delete = sql.SQL("delete from {}")
            connection.execute(sql.SQL("; ").join(delete.format(sql.Identifier(one)) for one in tables))
        else:
            names = sql.SQL(", ").join(map(sql.Identifier, tables))
            connection.execute(sql.SQL("truncate {} cascade").format(names))

    def _connection(self) -> psycopg.Connection[tuple[object, ...]]:
        address = self.url.replace("postgresql+psycopg://", "postgresql://")
        return psycopg.connect(address, autocommit=True)

    @staticmethod
    def _shape_of(connection: psycopg.Connection[tuple[object, ...]]) -> str:
        row = connection.execute(SHAPE).fetchone()
        return str(row and row[0])

    @staticmethod
    def _tables(connection: psycopg.Connection[tuple[object, ...]]) -> list[str]:
        found = connection.execute(
            "select relname::text from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace"
        )
        return sorted(str(row[0]) for row in found)

    @staticmethod
    def _filled(connection: psycopg.Connection[tuple[object, ...]], tables: list[str]) -> list[str]:
        one = sql.SQL("select {} where exists (select from {})")
        each = [one.format(sql.Literal(table), sql.Identifier(table)) for table in tables]
        asked = sql.SQL(" union all ").join(each)
        return [str(row[0]) for row in connection.execute(asked)] if tables else []

    @staticmethod
    def _digests(connection: psycopg.Connection[tuple[object, ...]], tables: list[str]) -> dict[str, str]:
        digests = {}
        for table in tables:
            rows = sql.SQL("select md5(string_agg(t::text, ',' order by t::text)) from {} t")
            row = connection.execute(rows.format(sql.Identifier(table))).fetchone()
            digests[table] = str(row and row[0])
        return digests
