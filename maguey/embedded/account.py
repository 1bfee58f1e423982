"""Which account a server runs as: PostgreSQL refuses to run as root."""

import os
import pwd
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from maguey.embedded.exceptions import EmbeddedError

UNPRIVILEGED = ("postgres", "nobody")


class Identity(TypedDict, total=False):
    """Say to subprocess whom to become."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True)
class Account:
    """Name an account of this machine."""

    name: str
    uid: int
    gid: int

    def identity(self) -> Identity:
        """Return what subprocess needs to become this account, which is nothing when it already is."""
        if self.uid == os.geteuid():
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def environment(self) -> dict[str, str]:
        """Return a server's environment, without our secrets and without PG* variables that would steer it."""
        return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}

    def own(self, path: Path) -> None:
        """Make a private directory of this account's."""
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.stat().st_uid != self.uid:
            os.chown(path, self.uid, self.gid)

    def can_reach(self, path: Path) -> bool:
        """Tell whether this account may pass through every directory above a path and into it."""
        if self.uid == os.geteuid():
            return True
        done = subprocess.run(["/bin/test", "-x", path], cwd="/", check=False, **self.identity())
        return done.returncode == 0


def current() -> Account:
    """Return the account that runs this process."""
    try:
        return _named(pwd.getpwuid(os.geteuid()))
    except KeyError:
        return Account("", os.geteuid(), os.getegid())


def for_postgres(data: Path) -> Account:
    """Return the account PostgreSQL runs as: this one, or for root the owner of the data, or an unprivileged one."""
    if os.geteuid() != 0:
        return _current_by_name()
    if data.exists() and data.stat().st_uid != 0:
        return _named(pwd.getpwuid(data.stat().st_uid))
    for name in UNPRIVILEGED:
        with suppress(KeyError):
            return _named(pwd.getpwnam(name))
    raise EmbeddedError("PostgreSQL refuses to run as root, and this machine has neither `postgres` nor `nobody`.")


def _current_by_name() -> Account:
    found = current()
    if not found.name:
        raise EmbeddedError(
            f"User id {found.uid} has no name on this machine, which PostgreSQL needs: "
            "add it to /etc/passwd, or set DATABASE_URL to a server of your own."
        )
    return found


def _named(found: pwd.struct_passwd) -> Account:
    return Account(found.pw_name, found.pw_uid, found.pw_gid)
