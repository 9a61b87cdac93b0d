"""What the other integration tests stand on: clones, roll back, own queue, and no remains."""

from collections.abc import Callable

import pytest
import redis
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from dispatch import migrating
from dispatch.embedded.identity import find_running
from tests.integration.embedded.conftest import Supervisor
from tests.services import PREFIX, remove_left_homes, short_home

NOBODYS_NUMBER = 4_194_305  # the kernel gives none above 2**22


def test_a_fresh_database_has_the_newest_schema(database_url: str) -> None:
    assert migrating.current_revision(database_url) == migrating.newest_revision()


@pytest.mark.parametrize("turn", ["first", "second"])
def test_what_a_test_commits_in_its_session_is_gone_for_the_next(session: Session, turn: str) -> None:
    assert session.scalar(text("SELECT to_regclass('left_over')")) is None, turn
    session.execute(text("CREATE TABLE left_over ()"))
    session.commit()
    assert session.scalar(text("SELECT to_regclass('left_over')")) == "left_over"


def test_a_cloned_database_is_not_the_shared_one(database_url: str, engine: Engine) -> None:
    assert engine.url.database not in {None, database_url.partition("?")[0].rpartition("/")[2]}


@pytest.mark.parametrize("turn", ["first", "second"])
def test_the_queue_is_empty_for_each_test(redis_url: str, turn: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0, turn
        client.set("left over", 1)


@pytest.mark.kill
def test_the_servers_and_files_of_a_killed_test_run_are_cleared_away(
    supervisor: Callable[..., Supervisor],
) -> None:
    home = short_home(f"{PREFIX}{NOBODYS_NUMBER}-")
    killed = supervisor("hold", at=home)
    killed.wait_for("all up")
    killed.run.kill()
    killed.run.wait()
    assert find_running(frozenset({"postgres"}), str(home / "servers/postgres"))
    remove_left_homes()
    assert not home.exists()
    assert find_running(frozenset({"postgres"}), str(home / "servers/postgres")) == []
