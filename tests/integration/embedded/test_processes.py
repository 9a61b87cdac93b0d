"""Children are kept running, end in order, and never outlive their supervisor."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dispatch.embedded import logs, services
from dispatch.embedded.identity import identify, is_alive, session_of, wait_until
from dispatch.embedded.processes import Child, ProcessGroup
from dispatch.settings import Settings
from tests.integration.embedded.conftest import Supervisor
from tests.services import settings_for

pytestmark = pytest.mark.kill

SLEEPER = ("/bin/sh", "-c", "exec sleep 600")
STUBBORN = ("/bin/sh", "-c", 'trap "" TERM; while :; do sleep 0.05; done')
PARENT = ("/bin/sh", "-c", "sleep 600 & sleep 600")


@pytest.fixture
def told() -> list[str]:
    """What the group under test says."""
    return []


@pytest.fixture
def group_of(tmp_path: Path, told: list[str]) -> Iterator[Callable[..., ProcessGroup]]:
    """Make a group of children that is stopped at the end of the test."""
    made: list[ProcessGroup] = []

    def make(*children: Child) -> ProcessGroup:
        made.append(ProcessGroup(children, logs=tmp_path / "logs", tell=told.append))
        made[-1].start()
        return made[-1]

    yield make
    for group in made:
        group.hurry.set()
        group.stop()


def pids_of(home: Path, name: str) -> list[int]:
    """The numbers that a child of the driver has had, run after run."""
    try:
        return [int(line) for line in (home / f"{name}.pids").read_text().split()]
    except FileNotFoundError:
        return []


def test_a_killed_child_is_started_again(group_of: Callable[..., ProcessGroup], told: list[str]) -> None:
    group = group_of(Child("web", SLEEPER))
    before = group.pids()["web"]
    group.watch_in_background()
    os.kill(before, signal.SIGKILL)
    assert wait_until(lambda: group.pids().get("web", before) != before, seconds=10)
    assert told == ["web ended (killed by signal 9); it is started again in 0.2 s"]


def test_a_child_that_cannot_stay_is_started_ever_more_slowly_and_its_log_is_shown(
    group_of: Callable[..., ProcessGroup], told: list[str]
) -> None:
    group = group_of(Child("web", (sys.executable, "-c", "raise SystemExit('no such thing')")))
    group.watch_in_background()
    assert wait_until(lambda: len(told) >= 4, seconds=20)
    assert [line.partition("again in ")[2] for line in told if "again in" in line][:3] == [
        "0.2 s",
        "0.5 s",
        "1 s",
    ]
    assert "no such thing" in told[3]


def test_what_a_dead_child_leaves_behind_is_ended_before_it_is_started_again(
    group_of: Callable[..., ProcessGroup],
) -> None:
    group = group_of(Child("web", PARENT))
    before = group.pids()["web"]
    assert wait_until(lambda: len(session_of(before)) == 3, seconds=10)
    family = session_of(before)
    os.kill(before, signal.SIGKILL)
    assert wait_until(lambda: group.tick() is None and group.pids().get("web", before) != before, seconds=10)
    assert not any(is_alive(member) for member in family)


def test_a_child_that_ignores_the_request_to_end_is_ended_when_its_time_is_over(
    group_of: Callable[..., ProcessGroup],
) -> None:
    group = group_of(Child("worker", STUBBORN, stop_seconds=0.3))
    who = identify(group.pids()["worker"])
    group.stop()
    assert not is_alive(who)
    assert group.pids() == {}


def test_hurry_cuts_the_waiting_short(group_of: Callable[..., ProcessGroup]) -> None:
    group = group_of(Child("worker", STUBBORN, stop_seconds=600))
    hurry = threading.Timer(0.2, group.hurry.set)
    hurry.start()
    group.stop()
    hurry.join()
    assert group.pids() == {}


def test_a_child_sees_where_the_services_are_and_its_own_variables(tmp_path: Path) -> None:
    settings = settings_for(
        tmp_path, DATABASE_URL="postgresql://db.example/x", REDIS_URL="redis://q.example/0"
    )
    code = "import os; print(os.environ['DATABASE_URL'], os.environ['COLOUR'], flush=True)"
    with (
        services.start(settings) as running,
        ProcessGroup(
            [Child("web", (sys.executable, "-c", code), {"COLOUR": "blue"})], logs=tmp_path, running=running
        ) as group,
    ):
        group.start()
        assert wait_until(lambda: "blue" in logs.tail(tmp_path / "web.log"), seconds=10)
    assert logs.tail(tmp_path / "web.log") == "postgresql+psycopg://db.example/x blue"


def test_servers_that_are_killed_are_started_again_with_the_children_untouched(settings: Settings) -> None:
    with (
        services.start(settings) as running,
        ProcessGroup([Child("web", SLEEPER)], logs=settings.logs, running=running) as group,
    ):
        group.start()
        group.watch_in_background()
        before = group.pids()
        assert set(before) == {"web", "postgres", "valkey"}
        for name in ("postgres", "valkey"):
            os.kill(before[name], signal.SIGKILL)
        assert wait_until(
            lambda: all(
                group.pids().get(name, before[name]) != before[name] for name in ("postgres", "valkey")
            ),
            seconds=20,
        )
        assert group.pids()["web"] == before["web"]
        assert all(service.answers() for service in running.services)


def test_a_log_that_grows_too_long_keeps_its_end_and_one_predecessor(tmp_path: Path) -> None:
    with logs.open_log(tmp_path, "web") as log:
        log.write(b"old\n" * 10)
        logs.trim(tmp_path / "web.log", limit_bytes=20)
        log.write(b"new\n")
    assert (tmp_path / "web.log").read_text() == "new\n"
    assert (tmp_path / "web.log.1").read_text() == "old\n" * 10


@pytest.mark.usefixtures("settings")
def test_a_stop_signal_ends_web_scheduler_workers_and_then_the_servers(
    home: Path, supervisor: Callable[..., Supervisor]
) -> None:
    running = supervisor("up")
    running.wait_for("prepared")
    assert wait_until(lambda: all(pids_of(home, name) for name in ("web", "scheduler", "worker")), seconds=10)
    running.run.send_signal(signal.SIGINT)
    assert running.run.wait(timeout=30) == 0
    running.end()
    assert running.said[-5:] == ["stopping", "web stopped", "scheduler stopped", "worker stopped", "stopped"]
    assert (home / "stops").read_text().split("\n")[:3] == ["web 3", "scheduler 3", "worker 3"]
    assert services.locate(settings_for(home)) is None


@pytest.mark.usefixtures("settings")
def test_children_do_not_outlive_a_killed_supervisor_and_the_next_one_attaches_to_the_servers(
    home: Path, supervisor: Callable[..., Supervisor]
) -> None:
    first = supervisor("up")
    first.wait_for("prepared")
    names = ("web", "scheduler", "worker")
    assert wait_until(lambda: all(pids_of(home, name) for name in names), seconds=10)
    before = [identify(pids_of(home, name)[0]) for name in names]
    assert all(before)

    refused = supervisor("up")
    assert str(first.run.pid) in refused.wait_for("failed: ALREADY_SUPERVISED")
    assert refused.run.wait(timeout=10) == 1

    first.run.kill()
    first.run.wait()
    assert wait_until(lambda: not any(is_alive(who) for who in before), seconds=10)
    second = supervisor("up")
    assert "was running" in second.wait_for("postgres")
    assert "was running" in second.wait_for("valkey")
    assert wait_until(lambda: all(len(pids_of(home, name)) == 2 for name in names), seconds=10)
    second.run.send_signal(signal.SIGTERM)
    assert second.run.wait(timeout=30) == 0
