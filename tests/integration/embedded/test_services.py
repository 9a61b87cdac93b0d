"""The embedded services start from nothing, are found again, and keep to themselves."""

import os
import signal
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import redis
from sqlalchemy import text

from dispatch.db import connect
from dispatch.embedded import services
from dispatch.embedded.account import Account
from dispatch.embedded.failures import AlreadySupervised, ServiceFailed
from dispatch.embedded.identity import find_running
from dispatch.embedded.place import POINTER
from dispatch.embedded.postgres import Postgres
from dispatch.settings import Settings
from tests.integration.embedded.conftest import Supervisor
from tests.services import remove_home, settings_for, short_home


def postgres_of(running: services.Running) -> Postgres:
    """The PostgreSQL of these services."""
    postgres = running.service("postgres")
    assert isinstance(postgres, Postgres)
    return postgres


@pytest.fixture(scope="module")
def running() -> Iterator[services.Running]:
    """Services that the tests of this file only look at."""
    home = short_home()
    with services.start(settings_for(home)) as started:
        yield started
    remove_home(home)


def test_a_cold_start_gives_an_empty_database_and_an_empty_queue(running: services.Running) -> None:
    engine = connect(running.database_url)
    with engine.connect() as connection:
        encoding, zone = connection.execute(
            text("SELECT current_setting('server_encoding'), current_setting('timezone')")
        ).one()
        tables = connection.scalar(text("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"))
    engine.dispose()
    with redis.Redis.from_url(running.redis_url) as client:
        keys = client.dbsize()
    assert (encoding, zone, tables, keys) == ("UTF8", "UTC", 0, 0)
    assert running.attached == ()


def test_the_database_can_refuse_overlaps_because_btree_gist_is_there(running: services.Running) -> None:
    with postgres_of(running).connect() as connection:
        connection.execute("CREATE EXTENSION btree_gist")
        assert connection.execute(
            "SELECT count(*) FROM pg_extension WHERE extname = 'btree_gist'"
        ).fetchone() == (1,)


def test_stopping_leaves_no_process_and_a_clean_shutdown_in_the_log(settings: Settings) -> None:
    running = services.start(settings)
    pids = [service.pid for service in running.services]
    running.stop()
    assert all(pid is not None and not Path(f"/proc/{pid}").exists() for pid in pids)
    assert "database system is shut down" in (settings.logs / "postgres.log").read_text()
    assert "ready to exit" in (settings.logs / "valkey.log").read_text()


def test_a_second_start_keeps_the_rows_the_keys_and_the_secrets(settings: Settings) -> None:
    with services.start(settings) as running:
        secret = running.secret_key
        with postgres_of(running).connect() as connection:
            connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
        with redis.Redis.from_url(running.redis_url) as client:
            client.set("kept", 7)
    with services.start(settings) as running:
        assert running.secret_key == secret
        with postgres_of(running).connect() as connection:
            assert connection.execute("SELECT n FROM kept").fetchone() == (7,)
        with redis.Redis.from_url(running.redis_url) as client:
            assert client.get("kept") == b"7"


def test_sockets_and_secrets_are_for_their_owner_alone(running: services.Running) -> None:
    place, home = postgres_of(running).place, running.settings.home
    sockets = [place.sockets / ".s.PGSQL.5432", place.sockets / "valkey.sock"]
    for path in (place.sockets, *sockets, place.servers / "postgres", place.servers / "valkey"):
        state = path.stat()
        assert (stat.S_IMODE(state.st_mode), state.st_uid) == (0o700, Account.of_servers().uid), path
    for name in ("secret", "postgres.password"):
        assert stat.S_IMODE((home / name).stat().st_mode) == 0o600
    assert len(running.secret_key) >= 32


def test_nothing_listens_on_a_port(running: services.Running) -> None:
    with postgres_of(running).connect() as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
    with redis.Redis.from_url(running.redis_url) as client:
        assert client.config_get("port") == {"port": "0"}


def test_valkey_writes_every_change_to_its_log_and_never_evicts(running: services.Running) -> None:
    with redis.Redis.from_url(running.redis_url) as client:
        chosen = client.config_get("append*", "maxmemory-policy", "save")
    assert chosen["appendonly"] == "yes"
    assert chosen["appendfsync"] == "everysec"
    assert chosen["maxmemory-policy"] == "noeviction"
    assert chosen["save"] == ""


def test_another_user_of_the_machine_cannot_connect(
    running: services.Running, supervisor: Callable[..., Supervisor], stranger: int
) -> None:
    for name in (".s.PGSQL.5432", "valkey.sock"):
        knocking = supervisor("knock", at=postgres_of(running).place.sockets / name, uid=stranger)
        said = knocking.wait_for("refused: ")
        assert "Permission denied" in said


def test_with_both_addresses_given_nothing_is_started_or_written(home: Path) -> None:
    settings = settings_for(
        home, DATABASE_URL="postgresql://db.example/x", REDIS_URL="redis://queue.example/0"
    )
    with services.start(settings) as running:
        assert running.services == ()
        assert running.database_url == "postgresql+psycopg://db.example/x"
        assert running.redis_url == "redis://queue.example/0"
        assert not (home / POINTER).exists()


@pytest.mark.parametrize(
    ("given", "started"),
    [
        ({"DATABASE_URL": "postgresql://db.example/x"}, ["valkey"]),
        ({"REDIS_URL": "redis://queue.example/0"}, ["postgres"]),
    ],
)
def test_with_one_address_given_only_the_other_service_is_started(
    home: Path, given: dict[str, str], started: list[str]
) -> None:
    with services.start(settings_for(home, **given)) as running:
        assert [service.name for service in running.services] == started


def test_a_second_supervisor_of_the_same_home_is_refused_by_name(settings: Settings) -> None:
    with services.start(settings), pytest.raises(AlreadySupervised, match=f"process {os.getpid()}"):
        services.start(settings)
    services.start(settings).stop()


def test_a_killed_supervisor_leaves_the_services_and_the_next_one_attaches(
    settings: Settings, supervisor: Callable[..., Supervisor]
) -> None:
    first = supervisor("hold")
    first.wait_for("all up")
    located = services.locate(settings)
    assert located is not None
    before = [service.pid for service in located.services]
    first.run.send_signal(signal.SIGKILL)
    first.run.wait()
    with services.start(settings) as running:
        assert running.attached == ("postgres", "valkey")
        assert [service.pid for service in running.services] == before
        psycopg.connect(running.database_url.replace("+psycopg", "")).close()
    assert find_running(frozenset({"postgres"}), str(settings.home / "servers/postgres")) == []


def test_services_that_are_down_are_not_located(settings: Settings) -> None:
    assert services.locate(settings) is None
    services.start(settings).stop()
    assert services.locate(settings) is None


def test_a_lost_password_is_said_at_once(settings: Settings) -> None:
    services.start(settings).stop()
    (settings.home / "postgres.password").unlink()
    with pytest.raises(ServiceFailed, match="password"):
        services.start(settings)
    assert find_running(frozenset({"postgres"}), str(settings.home / "servers/postgres")) == []
