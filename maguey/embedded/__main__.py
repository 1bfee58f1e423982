"""Start, stop and look at the embedded PostgreSQL and Redis."""

import argparse
import os
import sys

from maguey import embedded
from maguey.embedded import bootstrap, cluster, places, wheels
from maguey.embedded.exceptions import EmbeddedError


def main(arguments: list[str]) -> int:
    """Do what the command line asks."""
    parser = argparse.ArgumentParser(prog="python -m maguey.embedded", description=__doc__)
    actions = parser.add_subparsers(dest="action", required=True)
    for name in ("start", "status", "reset"):
        actions.add_parser(name)
    stop = actions.add_parser("stop")
    stop.add_argument("--unused", action="store_true", help="only if no other process uses them")
    psql = actions.add_parser("psql", help="its own arguments follow", prefix_chars="\0", add_help=False)
    psql.add_argument("rest", nargs="*")
    parser.set_defaults(unused=False, rest=[])
    chosen = parser.parse_args(arguments)
    try:
        return _act(chosen.action, unused=chosen.unused, rest=chosen.rest)
    except EmbeddedError as error:
        print(error, file=sys.stderr)  # noqa: T201 - a command line speaks by printing
        return 1


def _act(action: str, *, unused: bool, rest: list[str]) -> int:
    if action == "start":
        embedded.ensure_running()
    if action == "stop" and unused:
        embedded.release()
    if action == "stop" and not unused:
        embedded.stop()
    if action == "reset":
        embedded.reset()
    if action == "psql":
        _become_psql(rest)
    all_running = _show_status()
    return 0 if all_running or action != "status" else 3


def _become_psql(arguments: list[str]) -> None:
    """Open a terminal on the database as its superuser."""
    embedded.ensure_running()
    program = str(wheels.postgres_install() / "bin" / "psql")
    where = ["-h", str(places.postgres_socket_dir()), "-U", cluster.SUPERUSER, "-d", bootstrap.DATABASE]
    os.execv(program, [program, *where, *arguments])  # noqa: S606 - no shell is meant


def _show_status() -> bool:
    """Print one line per server, and tell whether each that is wanted runs."""
    running = True
    for service in embedded.status():
        if service.replaced:
            print(f"{service.name}: replaced by an address in the environment")  # noqa: T201
            continue
        running = running and service.pid is not None
        state = f"runs as process {service.pid}" if service.pid else "does not run"
        print(f"{service.name}: {state}; {service.address}")  # noqa: T201
    return running


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
