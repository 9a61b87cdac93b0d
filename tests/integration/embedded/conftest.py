"""Homes of test installations, and supervisors that a test may kill."""

import os
import pwd
import select
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dispatch.embedded import services
from dispatch.embedded.account import NOBODY, Account
from dispatch.embedded.find import find_postgres
from dispatch.settings import Settings
from tests.services import remove_home, settings_for, short_home

ROOT = Path(__file__).parents[3]


class Supervisor:
    """A supervisor of services in a process of its own, with what it said line by line."""

    def __init__(self, mode: str, home: Path, *, uid: int | None = None) -> None:
        env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
        self.run = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("driver.py")), mode, str(home), str(uid or "")],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=env,
            cwd="/",
            start_new_session=True,
        )
        self.said: list[str] = []
        self._rest = b""

    def wait_for(self, phrase: str, *, seconds: float = 30) -> str:
        """Read until a line holds the phrase; the line is returned."""
        stdout = self.run.stdout
        assert stdout is not None
        while True:
            line, newline, rest = self._rest.partition(b"\n")
            if newline:
                self._rest = rest
                self.said.append(line.decode())
                if phrase in self.said[-1]:
                    return self.said[-1]
                continue
            ready, _, _ = select.select([stdout], [], [], seconds)
            read = os.read(stdout.fileno(), 65536) if ready else b""
            if not read:
                pytest.fail(f"never said {phrase!r}: {self.said}")
            self._rest += read

    def end(self) -> list[str]:
        """Kill it if it still runs, and return everything it said."""
        if self.run.poll() is None:
            self.run.kill()
        rest, _ = self.run.communicate(timeout=30)
        self.said += (self._rest + rest).decode().splitlines()
        self._rest = b""
        return self.said


@pytest.fixture(scope="session")
def made_home() -> Iterator[Path]:
    """A home whose database cluster is made and stopped, to be copied: initdb takes most of a start."""
    made = short_home()
    services.start(settings_for(made)).stop()
    yield made
    remove_home(made)


@pytest.fixture
def home() -> Iterator[Path]:
    """A new home; afterwards whatever runs for it is stopped and its files are removed."""
    made = short_home()
    yield made
    remove_home(made)


@pytest.fixture
def settings(home: Path, made_home: Path) -> Settings:
    """Settings of an installation in this home that has its cluster, but was never started."""
    (home / "servers").mkdir()
    subprocess.run(["/bin/cp", "-a", made_home / "servers/postgres", home / "servers/postgres"], check=True)
    shutil.copy(made_home / "postgres.password", home / "postgres.password")
    return settings_for(home)


@pytest.fixture
def supervisor(home: Path) -> Iterator[Callable[..., Supervisor]]:
    """Start a supervisor of this home (or another) in a process of its own."""
    started: list[Supervisor] = []

    def start(mode: str, *, at: Path = home, uid: int | None = None) -> Supervisor:
        started.append(Supervisor(mode, at, uid=uid))
        return started[-1]

    yield start
    for one in started:
        one.end()


@pytest.fixture
def stranger() -> int:
    """A user who is neither root nor nobody; needs root, and server programs he can reach."""
    if os.geteuid() != 0:
        pytest.skip("needs root to act as another user; these tests then run as non-root themselves")
    uid = next((user.pw_uid for user in pwd.getpwall() if user.pw_uid not in {0, NOBODY}), None)
    if uid is None:
        pytest.skip("there is no third user on this machine")
    if not all(Account(uid, uid, foreign=True).can_use(tree) for tree in find_postgres(Settings()).trees):
        pytest.skip("the server programs lie in a directory that is closed to other users")
    return uid
