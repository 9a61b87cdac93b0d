"""The services find a place for their files under every user, and open no directory above the home."""

import json
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dispatch.embedded import services
from dispatch.embedded.account import Account
from dispatch.embedded.failures import PlaceUnfit, ProgramMissing
from dispatch.embedded.find import SYSTEM_POSTGRES, find_postgres, find_valkey
from dispatch.embedded.place import POINTER, known_place
from dispatch.embedded.postgres import Postgres
from dispatch.settings import Settings
from tests.integration.embedded.conftest import Supervisor
from tests.services import remove_home, settings_for, short_home

pytestmark = pytest.mark.slow
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: only root's servers run as another user")


@pytest.fixture
def closed() -> Iterator[Path]:
    """A directory that only its owner may enter, as /root is."""
    made = short_home()
    made.chmod(0o700)
    yield made
    remove_home(made / "home")
    shutil.rmtree(made)


@as_root
def test_root_runs_the_servers_as_nobody(settings: Settings) -> None:
    with services.start(settings) as running:
        owners = {Path(f"/proc/{service.pid}").stat().st_uid for service in running.services}
    assert owners == {65534}


@as_root
def test_a_home_that_nobody_may_enter_gets_a_shelter_and_stays_closed(closed: Path) -> None:
    said: list[str] = []
    settings = settings_for(closed / "home")
    with services.start(settings, said.append) as running:
        place = known_place(settings)
        assert place is not None
        assert not place.servers.is_relative_to(closed)
        assert str(place.servers) in said[0]
        assert (place.servers / "home").read_text() == f"{closed}/home\n"
        postgres = running.service("postgres")
        assert isinstance(postgres, Postgres)
        with postgres.connect() as connection:
            connection.execute("CREATE TABLE kept ()")
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    with services.start(settings, said.append) as running:
        postgres = running.service("postgres")
        assert isinstance(postgres, Postgres)
        with postgres.connect() as connection:
            connection.execute("SELECT FROM kept")


@as_root
def test_programs_out_of_the_servers_reach_are_copied_beside_the_data(closed: Path, home: Path) -> None:
    originals = settings_for(home)
    programs = find_postgres(originals)
    origin = programs.directory.parents[2]
    for tree in programs.trees:
        shutil.copytree(tree, closed / tree.relative_to(origin), symlinks=True)
    shutil.copy(find_valkey(originals), closed / "valkey-server")
    settings = settings_for(
        home,
        TRUCKROLL_PG_BIN=str(closed / programs.directory.relative_to(origin)),
        TRUCKROLL_VALKEY_BIN=f"{closed}/valkey-server",
    )
    with services.start(settings) as running:
        used = {Path(f"/proc/{service.pid}/exe").readlink() for service in running.services}
    assert all(program.is_relative_to(home / "servers") for program in used)


def test_another_user_runs_everything_as_himself(
    home: Path, supervisor: Callable[..., Supervisor], stranger: int
) -> None:
    os.chown(home, stranger, stranger)
    home.chmod(0o700)
    running = supervisor("hold", uid=stranger)
    running.wait_for("all up")
    for name in ("servers", "servers/postgres", "servers/run", "servers/valkey"):
        state = (home / name).stat()
        assert (stat.S_IMODE(state.st_mode), state.st_uid) == (0o700, stranger)
    running.end()
    again = supervisor("round", uid=stranger)
    assert "was running" in again.wait_for("postgres")
    again.wait_for("all down")


@as_root
def test_root_does_not_take_over_another_users_database(
    home: Path, supervisor: Callable[..., Supervisor], stranger: int
) -> None:
    os.chown(home, stranger, stranger)
    supervisor("round", uid=stranger).wait_for("all down")
    with pytest.raises(PlaceUnfit, match=f"belongs to user {stranger}"):
        services.start(settings_for(home))


@pytest.mark.parametrize("name", ["l" * 120, "with a space, a comma, 'quotes' and 派工"])
def test_a_long_or_odd_home_works_through_a_short_private_socket_directory(home: Path, name: str) -> None:
    settings = settings_for(home / name)
    try:
        with services.start(settings):
            place = known_place(settings)
            assert place is not None
            assert place.servers == home / name / "servers"
            assert len(str(place.sockets)) < 80
            state = place.sockets.stat()
            assert (stat.S_IMODE(state.st_mode), state.st_uid) == (0o700, Account.of_servers().uid)
        with services.start(settings):
            assert known_place(settings) == place
        shutil.rmtree(place.sockets)  # as after a restart of the machine
        services.start(settings).stop()
    finally:
        remove_home(home / name)


def test_a_vanished_database_is_said_and_not_replaced_by_an_empty_one(settings: Settings) -> None:
    services.start(settings).stop()
    shutil.rmtree(settings.home / "servers")
    with pytest.raises(PlaceUnfit, match="is gone"):
        services.start(settings)


def test_a_damaged_pointer_is_said(settings: Settings) -> None:
    (settings.home / POINTER).write_text(json.dumps(["nonsense"]))
    with pytest.raises(PlaceUnfit, match="cannot be read"):
        services.start(settings)
    (settings.home / POINTER).unlink()


def test_a_cluster_of_another_major_version_names_what_to_do(settings: Settings) -> None:
    services.start(settings).stop()
    (settings.home / "servers/postgres/PG_VERSION").write_text("17\n")
    with pytest.raises(ProgramMissing, match=r"PostgreSQL 17 is not installed.*dump it"):
        services.start(settings)


def test_missing_programs_are_said_by_the_name_of_their_setting(home: Path) -> None:
    with pytest.raises(ProgramMissing, match="PostgreSQL 15 or newer is not installed"):
        find_postgres(settings_for(home, TRUCKROLL_PG_BIN=str(home)))
    with pytest.raises(ProgramMissing, match="Valkey is not at"):
        find_valkey(settings_for(home, TRUCKROLL_VALKEY_BIN=str(home / "none")))


@pytest.mark.debian
def test_the_systems_own_postgresql_serves_as_well(home: Path) -> None:
    found = sorted(SYSTEM_POSTGRES.glob("*/bin/initdb"))
    if not found:
        if os.environ.get("CI") == "true":
            pytest.fail("the Debian package postgresql is not installed")
        pytest.skip("the Debian package postgresql is not installed")
    settings = settings_for(home, TRUCKROLL_PG_BIN=str(found[-1].parent))
    with services.start(settings) as running:
        program = Path(f"/proc/{running.service('postgres').pid}/exe").readlink()
    assert program.is_relative_to(SYSTEM_POSTGRES)


def test_a_user_without_a_name_is_told_so_before_anything_is_written(
    home: Path, supervisor: Callable[..., Supervisor], stranger: int
) -> None:
    nameless = stranger + 54_321
    os.chown(home, nameless, nameless)
    said = supervisor("round", uid=nameless).wait_for("failed")
    assert f"user {nameless} has no name" in said
    assert not (home / "servers").exists()
