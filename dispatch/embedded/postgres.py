"""The embedded PostgreSQL: a cluster of our own, reachable only through a private Unix socket."""

import shutil
import signal
import subprocess
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote

import psycopg
from psycopg import sql

from dispatch.embedded.failures import PlaceUnfit, ServiceFailed
from dispatch.embedded.find import PostgresPrograms, find_postgres
from dispatch.embedded.identity import Identity, find_running, identify, wait_until, working_in
from dispatch.embedded.place import Place, kept_secret
from dispatch.embedded.service import Service
from dispatch.settings import Settings

OWNER = "app"
DATABASE = "truckroll"
MAX_CONNECTIONS = 100
_PASSING = ("pre-existing shared memory block", "lock file", "could not create shared memory")


class Postgres(Service):
    """One PostgreSQL cluster of one home."""

    name: ClassVar[str] = "postgres"
    stop_signals: ClassVar[tuple[tuple[signal.Signals, float], ...]] = (
        (signal.SIGINT, 30.0),  # fast: roll back what is open, write a checkpoint
        (signal.SIGQUIT, 10.0),  # immediate: the next start recovers
    )

    def __init__(self, place: Place, settings: Settings) -> None:
        super().__init__(place)
        self.settings = settings
        self.cluster = place.servers / "postgres"
        self.password = kept_secret(place.home, "postgres.password")
        self._programs: PostgresPrograms | None = None

    def url(self, database: str = DATABASE) -> str:
        """Address of one database for SQLAlchemy; the password is part of it."""
        return (
            f"postgresql+psycopg://{OWNER}:{quote(self.password, safe='')}@/{quote(database, safe='')}"
            f"?host={quote(str(self.place.sockets), safe='/')}"
        )

    def connect(self, database: str = "postgres") -> psycopg.Connection[tuple[object, ...]]:
        """A connection of the owner, in autocommit mode."""
        return psycopg.connect(
            host=str(self.place.sockets),
            user=OWNER,
            password=self.password,
            dbname=database,
            connect_timeout=5,
            autocommit=True,
        )

    def start(self) -> bool:
        """Attach or start, then make sure that the application's database exists."""
        attached = super().start()
        try:
            self._make_database()
        except psycopg.Error as error:
            raise ServiceFailed(f"the database {DATABASE} could not be made: {error}") from error
        return attached

    def _make_database(self) -> None:
        with self.connect() as connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
            if known is None:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))

    def find(self) -> Identity | None:
        """The postmaster of this cluster, recognised by its own arguments."""
        running = find_running(frozenset({"postgres"}), str(self.cluster))
        return running[0] if running else None

    def prepare(self) -> None:
        """Make the cluster if it is new, and wait until nothing of a killed server is left."""
        _remove_left_copies(self.cluster)
        if self.cluster.is_dir():
            major = int((self.cluster / "PG_VERSION").read_text())
            self._programs = self._reachable(find_postgres(self.settings, major=major))
        else:
            self._programs = self._reachable(find_postgres(self.settings))
            self._make_cluster(self._programs)
        wait_until(lambda: not working_in(self.cluster), seconds=2)
        self._drop_misleading_pid_file()

    def command(self) -> list[str]:
        """The postmaster's arguments: Unix socket only, UTC, no secret."""
        if self._programs is None:
            raise ServiceFailed("postgres is started before it is prepared")
        options = {
            "listen_addresses": "",
            "unix_socket_permissions": "0700",
            "max_connections": str(MAX_CONNECTIONS),
            "timezone": "UTC",
            "log_timezone": "UTC",
            "log_line_prefix": "%m [%p] ",
        }
        if not self.settings.fsync:
            options |= {"fsync": "off", "full_page_writes": "off"}  # a killed server still loses nothing
        chosen = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        program = str(self._programs.directory / "postgres")
        return [program, "-D", str(self.cluster), "-k", str(self.place.sockets), *chosen]

    def answers(self) -> bool:
        """Whether the server on our socket is the one of our cluster."""
        try:
            with self.connect() as connection:
                row = connection.execute("SHOW data_directory").fetchone()
        except psycopg.OperationalError as error:
            if "password authentication failed" in str(error):
                raise ServiceFailed(f"the password in {self.place.home} is not the cluster's") from error
            return False
        return row is not None and self.cluster.samefile(str(row[0]))

    def may_try_again(self, said: str) -> bool:
        """Straight after a kill the old server's shared memory is still in use; that passes."""
        return any(phrase in said for phrase in _PASSING)

    def _make_cluster(self, programs: PostgresPrograms) -> None:
        """Run initdb beside the final directory and move it there when it is whole."""
        account = self.place.account
        fresh = account.own_directory(self.cluster.with_name("postgres.fresh"))
        password_file = self.cluster.with_name("postgres.pwfile")
        password_file.touch(mode=0o600)
        password_file.write_text(self.password + "\n")
        account.give(password_file, 0o600)
        command: list[str | Path] = [programs.directory / "initdb", "-D", fresh, "-U", OWNER, "-E", "UTF8"]
        command += ["--locale=C.UTF-8", "--pwfile", password_file, "--data-checksums"]
        command += ["--auth-local=scram-sha-256", "--auth-host=scram-sha-256"]
        if not self.settings.fsync:
            command.append("--no-sync")
        made = subprocess.run(command, capture_output=True, text=True, check=False, **account.popen())
        password_file.unlink()
        if made.returncode:
            shutil.rmtree(fresh)
            raise ServiceFailed(
                f"the database cluster could not be made: {(made.stderr or made.stdout)[-1500:]}"
            )
        fresh.replace(self.cluster)

    def _reachable(self, programs: PostgresPrograms) -> PostgresPrograms:
        """The programs where the servers' account can run them: copied once if it cannot reach them."""
        if all(self.place.account.can_use(tree) for tree in programs.trees):
            return programs
        origin = programs.directory.parent.parent.parent
        copy = self.place.servers / f"programs-{programs.major}"
        if not copy.is_dir():
            _copy_for_everyone(programs.trees, origin, copy)
        return PostgresPrograms(copy / programs.directory.relative_to(origin), programs.major)

    def _drop_misleading_pid_file(self) -> None:
        """Remove a pid file whose number meanwhile belongs to a program that is no server of ours.

        PostgreSQL would take that program for a running server and refuse to start. Nothing works in
        the cluster's directory any more, so the file guards nobody.
        """
        path = self.cluster / "postmaster.pid"
        try:
            pid = int(path.read_text().partition("\n")[0])
        except (FileNotFoundError, ValueError):
            return
        if identify(pid) is None:
            return
        if working_in(self.cluster) or self.find() is not None:
            raise PlaceUnfit(f"something is still working in {self.cluster}", path=str(self.cluster))
        path.unlink()


def _copy_for_everyone(trees: tuple[Path, ...], origin: Path, copy: Path) -> None:
    """Copy programs so that every account can run them; whole or not at all."""
    fresh = copy.with_name(f"{copy.name}.fresh")
    for tree in trees:
        shutil.copytree(tree, fresh / tree.relative_to(origin), symlinks=True)
    for entry in (fresh, *fresh.rglob("*")):
        if not entry.is_symlink():
            entry.chmod(0o755 if entry.is_dir() or entry.stat().st_mode & 0o100 else 0o644)
    fresh.replace(copy)


def _remove_left_copies(cluster: Path) -> None:
    """Clear away what an interrupted first start left half made."""
    for left in cluster.parent.glob("*.fresh"):
        shutil.rmtree(left)
    cluster.with_name("postgres.pwfile").unlink(missing_ok=True)
