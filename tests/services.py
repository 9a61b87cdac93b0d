"""One PostgreSQL and one Valkey for the integration tests of one pytest worker.

Each pytest-xdist worker starts its own pair: a test that stops its servers disturbs nobody. The
migrations run once, into a template. A clone of it costs up to a second, so tests share one that is
emptied between them (``tests.emptied_database``). With TEST_DATABASE_URL and TEST_REDIS_URL the
given servers are used instead; the user of the first must be allowed to create databases.
"""

import os
import shutil
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import redis
from psycopg import sql
from sqlalchemy.engine import URL, make_url

from dispatch import migrating
from dispatch.embedded import services
from dispatch.embedded.failures import AlreadySupervised
from dispatch.embedded.identity import identify
from dispatch.embedded.place import POINTER, known_place
from dispatch.settings import Settings

PREFIX = "truckroll-test-"


@dataclass
class TestServices:
    """The servers of this test run, with a migrated template database to clone from."""

    __test__ = False

    server_url: URL
    redis_server_url: str
    worker: str = "main"
    _template: str | None = None
    _serial: int = 0
    _made: list[str] = field(default_factory=list)

    def new_database(self, *, migrated: bool = True) -> str:
        """The address of a new database: a clone of the migrated template, or an empty one."""
        self._serial += 1
        name = f"t_{os.getpid()}_{self._serial}"
        self._create(name, self._migrated_template() if migrated else "template1")
        return self._url(name)

    def drop_database(self, url: str) -> None:
        """Drop a database, whoever is still connected to it."""
        name = make_url(url).database or ""
        self._administer(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        self._made.remove(name)

    def drop_all(self) -> None:
        """Drop every database that was made here."""
        for name in list(self._made):
            self.drop_database(self._url(name))

    @property
    def redis_url(self) -> str:
        """Address of this worker's own numbered database."""
        number = int(self.worker.removeprefix("gw")) + 1 if self.worker.startswith("gw") else 0
        return _numbered(self.redis_server_url, number)

    def flush_redis(self) -> None:
        """Empty this worker's numbered database."""
        with redis.Redis.from_url(self.redis_url) as client:
            client.flushdb()

    def _migrated_template(self) -> str:
        if self._template is None:
            name = f"template_{os.getpid()}"
            self._create(name, "template1")
            migrate(self._url(name))
            self._template = name
        return self._template

    def _create(self, name: str, template: str) -> None:
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY")
        self._administer(statement.format(sql.Identifier(name), sql.Identifier(template)))
        self._made.append(name)

    def _administer(self, statement: sql.Composed) -> None:
        address = self.server_url.set(drivername="postgresql", database="postgres")
        with psycopg.connect(address.render_as_string(hide_password=False), autocommit=True) as connection:
            connection.execute(statement)

    def _url(self, database: str) -> str:
        return self.server_url.set(database=database).render_as_string(hide_password=False)


def migrate(url: str) -> None:
    """Bring a database to the newest schema."""
    migrating.upgrade(url)


def short_home(prefix: str = PREFIX) -> Path:
    """A new home under the temporary directory that the servers' account can enter, root or not."""
    home = Path(tempfile.mkdtemp(prefix=f"{prefix}{os.getpid()}-"))
    if os.geteuid() == 0:
        home.chmod(0o711)
    return home


def settings_for(home: Path, **variables: str) -> Settings:
    """Settings of a test installation: this home, no write-through, nothing from the environment."""
    given = {"TRUCKROLL_HOME": str(home), "TRUCKROLL_ENV": "test", "TRUCKROLL_FSYNC": "off"}
    return Settings.from_environment(given | variables)


def remove_home(home: Path) -> None:
    """Stop what still runs for a test's home and remove its files, those outside the home included."""
    place = known_place(settings_for(home)) if (home / POINTER).exists() else None
    if place is not None:
        services.stop_left(settings_for(home))
        shutil.rmtree(place.servers, ignore_errors=True)
        shutil.rmtree(place.sockets, ignore_errors=True)
    shutil.rmtree(home, ignore_errors=True)


def _owner_of(home: Path) -> int | None:
    """Whose a home is; None when another run removed it just now."""
    try:
        return home.stat().st_uid
    except FileNotFoundError:
        return None


def remove_left_homes() -> None:
    """Clear away the servers and homes of test runs that were killed."""
    for home in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        owner = home.name.removeprefix(PREFIX).partition("-")[0]
        if _owner_of(home) == os.geteuid() and owner.isdigit() and identify(int(owner)) is None:
            with suppress(AlreadySupervised):  # another run clears it away just now
                remove_home(home)


def _numbered(url: str, number: int) -> str:
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return f"unix://{parts.path}?db={number}"
    return urlunsplit(parts._replace(path=f"/{number}"))
