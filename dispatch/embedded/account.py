"""As whom the servers run: as ourselves, or as nobody when we are root (PostgreSQL refuses root)."""

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NOBODY = 65534


@dataclass(frozen=True)
class Account:
    """The user and group of a server, and whether that differs from our own."""

    uid: int
    gid: int
    foreign: bool

    @classmethod
    def of_servers(cls) -> "Account":
        """Our own account, or nobody when we are root."""
        if os.geteuid() == 0:
            return cls(NOBODY, NOBODY, foreign=True)
        return cls(os.geteuid(), os.getegid(), foreign=False)

    @property
    def is_known(self) -> bool:
        """Whether the system knows a name for this account; PostgreSQL refuses to run without."""
        try:
            return bool(pwd.getpwuid(self.uid).pw_name)
        except KeyError:
            return False

    def give(self, path: Path, mode: int) -> None:
        """Make the account the owner of one file or directory, with this mode."""
        if self.foreign:
            os.chown(path, self.uid, self.gid)
        path.chmod(mode)

    def own_directory(self, path: Path) -> Path:
        """A directory only this account may enter; made if it is not there."""
        path.mkdir(exist_ok=True)
        self.give(path, 0o700)
        return path

    def popen(self) -> dict[str, Any]:
        """Arguments of `subprocess.Popen` for a server: detached, bare environment, this account."""
        bare = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC", "HOME": "/"}
        arguments: dict[str, Any] = {"env": bare, "cwd": "/", "umask": 0o077, "start_new_session": True}
        if self.foreign:
            arguments |= {"user": self.uid, "group": self.gid, "extra_groups": []}
        return arguments

    def can_enter(self, directory: Path) -> bool:
        """Whether this account can pass through every directory on the way to this one, and it."""
        return not self.foreign or all(
            _lets_pass(step, self.uid) for step in (directory.resolve(), *directory.resolve().parents)
        )

    def can_run(self, program: Path) -> bool:
        """Whether this account can run a program where it is."""
        return not self.foreign or (
            self.can_enter(program.parent) and bool(program.stat().st_mode & stat.S_IXOTH)
        )

    def can_use(self, tree: Path) -> bool:
        """Whether this account can read everything below a directory of programs."""
        if not self.foreign:
            return True
        return self.can_enter(tree) and all(
            entry.stat().st_mode & stat.S_IROTH for entry in tree.rglob("*") if not entry.is_symlink()
        )


def _lets_pass(directory: Path, uid: int) -> bool:
    mode = directory.stat()
    return bool(mode.st_mode & (stat.S_IXUSR if mode.st_uid == uid else stat.S_IXOTH))
