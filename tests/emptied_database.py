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


@dataclass
class SharedDatabase:
    """A migrated database; what the migrations wrote stays, everything else goes."""

    services: TestServices
    url: str = ""
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
            self._seeded = self._digests(connection, self._filled(connection, tables))
        return self.url

    def _emptied(self) -> bool:
        """Empty what a test filled; ``False`` when it changed what the migrations wrote."""
        with self._connection() as connection:
            filled = self._filled(connection, self._tables(connection))
            added = [table for table in filled if table not in self._seeded]
            if added:
                names = sql.SQL(", ").join(map(sql.Identifier, added))
                connection.execute(sql.SQL("truncate {} cascade").format(names))
            connection.execute(REWIND)
            return self._digests(connection, self._filled(connection, list(self._seeded))) == self._seeded

    def _connection(self) -> psycopg.Connection[tuple[object, ...]]:
        address = self.url.replace("postgresql+psycopg://", "postgresql://")
        return psycopg.connect(address, autocommit=True)

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
