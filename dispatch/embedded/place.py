"""Where an installation keeps its files: the home, and the directories the servers may reach.

When we are root the servers run as nobody, and a home below a closed directory (such as /root) is
out of their reach. Directories above the home are never opened for that. The servers' files then
lie in a shelter outside, and `place.json` in the home says where.
"""

import fcntl
import json
import os
import re
import secrets
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dispatch.embedded.account import Account
from dispatch.embedded.failures import AlreadySupervised, PlaceUnfit
from dispatch.settings import Settings

SHELTERS = (Path("/var/lib/truckroll"), Path("/var/tmp/truckroll"))  # noqa: S108 - checked to be root's own
LONGEST_SOCKET_DIRECTORY = 80  # a socket's whole path must stay under 104 to 108 bytes
POINTER = "place.json"

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Place:
    """The directories of the embedded services of one home."""

    home: Path
    servers: Path
    sockets: Path
    account: Account

    @property
    def logs(self) -> Path:
        """Logs of everything that is started for this home."""
        return self.home / "logs"


def open_home(home: Path) -> Path:
    """Make the home if it is missing: closed to others, and passable for nobody when we are root."""
    if not home.is_dir():
        try:
            home.mkdir(parents=True)
        except OSError as error:
            raise PlaceUnfit(f"{home} cannot be made: {error.strerror}", path=str(home)) from error
        home.chmod(0o711 if os.geteuid() == 0 else 0o700)
    if not os.access(home, os.R_OK | os.W_OK | os.X_OK):
        raise PlaceUnfit(f"{home} belongs to somebody else and cannot be written", path=str(home))
    return home


def settle(settings: Settings, tell: Tell = lambda _: None) -> Place:
    """Find or make the directories of the services; the answer is kept, so that it never changes."""
    home = open_home(settings.home)
    account = Account.of_servers()
    if not account.is_known:
        raise PlaceUnfit(
            f"user {account.uid} has no name in the system's user list (/etc/passwd), "
            "and PostgreSQL demands one: add one there",
            uid=account.uid,
        )
    kept = _read_pointer(home)
    if kept is None:
        servers = _new_servers_directory(home, account, tell)
        sockets = servers / "run"
    else:
        servers, sockets = kept
        if not servers.is_dir():
            raise PlaceUnfit(
                f"the database of this home is gone: {servers} does not exist; put it back, or remove "
                f"{home / POINTER} to begin with an empty one",
                path=str(servers),
            )
        _check_owner(servers / "postgres", account)
    sockets = _sockets_directory(sockets, account)
    keep(home / POINTER, json.dumps({"servers": str(servers), "sockets": str(sockets)}) + "\n")
    return Place(home, servers, sockets, account)


def known_place(settings: Settings) -> Place | None:
    """The directories of the services if this home has them; nothing is made or changed."""
    kept = _read_pointer(settings.home)
    if kept is None or not kept[0].is_dir():
        return None
    return Place(settings.home, kept[0], kept[1], Account.of_servers())


def _read_pointer(home: Path) -> tuple[Path, Path] | None:
    """What `place.json` says: the servers' directory and the sockets' directory."""
    try:
        kept = json.loads((home / POINTER).read_text())
        return Path(kept["servers"]), Path(kept["sockets"])
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise PlaceUnfit(f"{home / POINTER} cannot be read: {error}", path=str(home / POINTER)) from error


def _new_servers_directory(home: Path, account: Account, tell: Tell) -> Path:
    if account.can_enter(home):
        servers = home / "servers"
        servers.mkdir(exist_ok=True)
        servers.chmod(0o711 if account.foreign else 0o700)
        return servers
    servers = _new_shelter(account)
    (servers / "home").write_text(f"{home}\n")
    tell(
        f"Running as root: the servers run as nobody and cannot enter {home}. "
        f"Their files are kept in {servers} instead."
    )
    return servers


def _new_shelter(account: Account) -> Path:
    """A directory outside the home that root alone can write and the servers' account can pass."""
    for root in SHELTERS:
        try:
            root.mkdir(exist_ok=True)
        except OSError:
            continue
        owner = root.lstat()
        if owner.st_uid != 0 or root.is_symlink() or owner.st_mode & 0o022:
            continue
        root.chmod(0o711)
        if account.can_enter(root):
            shelter = Path(tempfile.mkdtemp(prefix="home-", dir=root))
            shelter.chmod(0o711)
            return shelter
    raise PlaceUnfit(
        "running as root, and neither the home nor "
        f"{' nor '.join(map(str, SHELTERS))} can be entered by the servers' account"
    )


def _check_owner(cluster: Path, account: Account) -> None:
    if cluster.is_dir() and cluster.stat().st_uid != account.uid:
        raise PlaceUnfit(
            f"{cluster} belongs to user {cluster.stat().st_uid}, not to {account.uid}: start as the user who "
            "made this home",
            path=str(cluster),
        )


def _sockets_directory(wanted: Path, account: Account) -> Path:
    """The private directory of the sockets; a short one outside if the path is too long or too odd."""
    plain = re.fullmatch(r"[A-Za-z0-9_./-]+", str(wanted)) is not None
    if len(os.fsencode(wanted)) > LONGEST_SOCKET_DIRECTORY or not plain or not wanted.parent.is_dir():
        wanted = _short_directory()
    if wanted.is_symlink():
        raise PlaceUnfit(f"{wanted} is a symbolic link", path=str(wanted))
    if wanted.is_dir() and wanted.stat().st_uid not in {account.uid, os.geteuid()}:
        wanted = _short_directory()
    return account.own_directory(wanted)


def _short_directory() -> Path:
    """A new private directory under the temporary directory, or under /tmp if that is too long as well."""
    made = Path(tempfile.mkdtemp(prefix="truckroll-"))
    if len(os.fsencode(made)) > LONGEST_SOCKET_DIRECTORY:
        made.rmdir()
        made = Path(tempfile.mkdtemp(prefix="truckroll-", dir="/tmp"))
    return made


def keep(path: Path, content: str) -> None:
    """Write a small private file whole or not at all, also when we are killed meanwhile."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(content)
        file.flush()
        os.fsync(descriptor)
    fresh.replace(path)


def kept_secret(home: Path, name: str) -> str:
    """A random secret of this home, made once and readable by its owner only."""
    path = open_home(home) / name
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        keep(path, secrets.token_urlsafe(32) + "\n")
        return path.read_text().strip()


@contextmanager
def supervision(home: Path) -> Iterator[None]:
    """Be the only supervisor of this home; the kernel releases it when we die, however we die."""
    path = open_home(home) / "supervisor.lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 32).decode(errors="replace").strip() or "unknown"
            raise AlreadySupervised(
                f"{home} is already served by process {holder}", pid=holder, home=str(home)
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)
