"""Servers that are killed come back with what was committed, and nobody else is harmed."""

import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from dispatch.embedded import services
from dispatch.embedded.account import Account
from dispatch.embedded.identity import identify, is_alive, send, session_of, wait_until
from dispatch.embedded.postgres import Postgres
from dispatch.embedded.service import Service
from dispatch.settings import Settings
from tests.services import remove_home, settings_for, short_home

pytestmark = pytest.mark.kill


def kill(service: Service) -> int:
    """Kill a server of ours and wait until it is gone; its number is returned."""
    pid = service.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert wait_until(lambda: not service.is_alive(), seconds=5)
    return pid


def postgres_of(running: services.Running) -> Postgres:
    """The PostgreSQL of these services."""
    postgres = running.service("postgres")
    assert isinstance(postgres, Postgres)
    return postgres


@pytest.fixture(scope="module")
def running() -> Iterator[services.Running]:
    """Services whose servers are killed, and back at the end of each test."""
    home = short_home()
    with services.start(settings_for(home)) as started:
        yield started
    remove_home(home)


def test_every_committed_row_outlives_a_killed_postgresql(running: services.Running) -> None:
    postgres = postgres_of(running)
    with postgres.connect() as connection:
        connection.execute("CREATE TABLE kept (n int PRIMARY KEY)")
        for n in range(1000):
            connection.execute("INSERT INTO kept VALUES (%s)", [n])
    before = kill(postgres)
    assert postgres.start() is False
    assert postgres.pid != before
    with postgres.connect() as connection:
        assert connection.execute("SELECT count(*), max(n) FROM kept").fetchone() == (1000, 999)


def test_every_change_that_valkey_has_synchronised_outlives_its_kill(running: services.Running) -> None:
    valkey = running.service("valkey")
    with redis.Redis.from_url(running.redis_url) as client:
        for n in range(1000):
            client.rpush("kept", n)
        assert client.waitaof(1, 0, 10_000)[0] == 1
    kill(valkey)
    valkey.start()
    with redis.Redis.from_url(running.redis_url) as client:
        assert client.llen("kept") == 1000


def test_a_start_straight_after_a_kill_succeeds_with_clients_still_connected(
    running: services.Running,
) -> None:
    postgres = postgres_of(running)
    with postgres.connect() as client:
        for _ in range(3):
            kill(postgres)
            postgres.start()
        with pytest.raises(psycopg.OperationalError):
            client.execute("SELECT 1")
    with postgres.connect() as client:
        assert client.execute("SELECT 1").fetchone() == (1,)


def test_a_start_is_tried_again_while_the_killed_servers_memory_is_in_use(running: services.Running) -> None:
    postgres = postgres_of(running)
    client = postgres.connect()
    row = client.execute("SELECT pg_backend_pid()").fetchone()
    backend = identify(int(str(row[0]))) if row else None
    assert backend is not None
    send(backend, signal.SIGSTOP)  # it keeps the shared memory attached
    kill(postgres)
    release = threading.Timer(3.0, send, (backend, signal.SIGCONT))
    release.start()
    postgres.start()
    release.join()
    client.close()
    assert not is_alive(backend)
    assert "pre-existing shared memory block" in postgres.log.read_text()


def test_a_stale_pid_file_neither_hinders_the_start_nor_harms_who_has_the_number_now(
    settings: Settings,
) -> None:
    with services.start(settings) as running:
        cluster = postgres_of(running).cluster
        kill(postgres_of(running))
    account = Account.of_servers()
    innocent = subprocess.Popen(["/bin/sleep", "60"], **account.popen())
    try:
        stale = cluster / "postmaster.pid"
        stale.write_text(
            stale.read_text().replace(stale.read_text().partition("\n")[0], str(innocent.pid), 1)
        )
        services.start(settings).stop()
        assert innocent.poll() is None
    finally:
        innocent.kill()
        innocent.wait()


def test_a_server_that_hangs_is_replaced_by_the_next_start(
    running: services.Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dispatch.embedded.service.ATTACH_SECONDS", 0.2)
    monkeypatch.setattr("dispatch.embedded.valkey.Valkey.stop_signals", ((signal.SIGTERM, 0.2),))
    monkeypatch.setattr("dispatch.embedded.valkey.ANSWER_SECONDS", 0.2)
    valkey = running.service("valkey")
    before = identify(valkey.pid or 0)
    assert before is not None
    send(before, signal.SIGSTOP)
    assert valkey.start() is False
    assert not is_alive(before)
    assert valkey.answers()


def test_a_number_that_was_given_to_another_program_is_not_signalled() -> None:
    first = subprocess.Popen(["/bin/sleep", "60"], start_new_session=True)
    who = identify(first.pid)
    assert who is not None
    impostor = type(who)(who.pid, who.started - 1)
    assert send(impostor, signal.SIGKILL) is False
    assert first.poll() is None
    assert session_of(first.pid) == [who]
    assert send(who, signal.SIGKILL) is True
    first.wait()
    assert send(who, signal.SIGKILL) is False


def test_an_interrupted_first_start_leaves_nothing_half_made(home: Path) -> None:
    settings = settings_for(home)
    half_made = home / "servers" / "postgres.fresh"
    half_made.mkdir(parents=True)
    (half_made.parent).chmod(0o711)
    (half_made / "PG_VERSION").write_text("18\n")
    with services.start(settings) as running, postgres_of(running).connect() as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    assert not half_made.exists()
