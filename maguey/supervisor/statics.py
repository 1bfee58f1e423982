"""Whether the static files must be gathered again: hashing and compressing them takes longer than all else."""

from collections.abc import Iterator
from pathlib import Path

from maguey.supervisor.plan import PROJECT

MANIFEST = PROJECT / "staticfiles" / "staticfiles.json"


def are_gathered() -> bool:
    """Tell whether nothing they are made from has changed since they were gathered."""
    if not MANIFEST.exists():
        return False
    made_at = MANIFEST.stat().st_mtime
    return all(source.stat().st_mtime <= made_at for source in _sources())


def _sources() -> Iterator[Path]:
    """Name our own files with their directories, and the list of packages, which bring theirs."""
    yield PROJECT / "requirements.txt"
    for directory in (PROJECT / "static", *PROJECT.glob("*/static")):
        yield directory
        yield from directory.rglob("*")
