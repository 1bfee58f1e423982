"""Where this checkout keeps its servers' data and sockets."""

import hashlib
import os
import stat
from pathlib import Path

from maguey.embedded.exceptions import NotOurs

PROJECT = Path(__file__).resolve().parents[2]


def state_dir() -> Path:
    """Return the directory that holds the data, `.maguey` under the project unless MAGUEY_DATA_DIR names another."""
    return Path(os.path.realpath(os.environ.get("MAGUEY_DATA_DIR") or PROJECT / ".maguey"))


def key() -> str:
    """Return a short name no other checkout on this machine has."""
    return hashlib.sha256(os.fsencode(state_dir())).hexdigest()[:12]


def runtime_dir() -> Path:
    """Return the directory of the sockets, refusing one that somebody else made first.

    A socket's path may be no longer than 107 bytes, and a checkout's often is, so sockets live in /tmp: always
    /tmp, never TMPDIR, because two shells of one person must agree. Another user could make the directory first
    and listen there in our place; what they cannot do is make it ours.
    """
    path = Path("/tmp") / f"maguey-{os.geteuid()}-{key()}"  # noqa: S108 - checked on the next line
    if os.path.lexists(path):
        _refuse_foreign(path)
    return path


def postgres_socket_dir() -> Path:
    """Return the directory PostgreSQL listens in."""
    return runtime_dir() / "pg"


def redis_socket() -> Path:
    """Return the socket Redis listens on."""
    return runtime_dir() / "redis.sock"


def prepare() -> None:
    """Make the directories, private to this user.

    Root runs PostgreSQL as another account, which must be able to pass through: 0711 lets it pass and list nothing.
    """
    mode = 0o711 if os.geteuid() == 0 else 0o700
    for path in (state_dir(), runtime_dir()):
        path.mkdir(mode=mode, parents=path == state_dir(), exist_ok=True)
        _refuse_foreign(path)
        path.chmod(mode)


def _refuse_foreign(path: Path) -> None:
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise NotOurs(f"{path} is in the way: it should be a directory. Remove it and start again.")
    if found.st_uid != os.geteuid():
        raise NotOurs(
            f"{path} belongs to user id {found.st_uid} and you are {os.geteuid()}: "
            "start Maguey as the user who started it first, or remove that directory."
        )
