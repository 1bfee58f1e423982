"""Run Maguey on this machine: the database, the sandbox, the web, the workers and the clock."""

import argparse
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import environ

from maguey import embedded
from maguey.embedded import places
from maguey.embedded.exceptions import EmbeddedError
from maguey.supervisor import panel, plan, ports, single, statics
from maguey.supervisor.crew import Crew
from maguey.supervisor.exceptions import StepFailed, StopRequested, SupervisorError
from maguey.supervisor.output import Output
from maguey.supervisor.plan import Plan

SANDBOX_SECONDS = 30
WEB_SECONDS = 60


def main(arguments: list[str]) -> int:
    """Run everything until somebody asks to stop."""
    parser = argparse.ArgumentParser(prog="python -m maguey.supervisor", description=__doc__)
    parser.add_argument("--reset", action="store_true", help="delete the demo's data first")
    chosen = parser.parse_args(arguments)
    environ.Env.read_env(plan.PROJECT / ".env")
    output = Output()
    try:
        _run(output, reset=chosen.reset)
    except StopRequested:
        output.say("stopped.")
        if output.is_lost:  # lest Python complain of it once more while it ends
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (SupervisorError, EmbeddedError) as error:
        output.say(str(error))
        return 1
    return 0


def _run(output: Output, *, reset: bool) -> None:
    with single.only_here(output) as lock:
        if reset:
            _forget_everything(output)
        with _services(output), ports.listen(plan.WEB_PORT) as web, Crew(output, lock=lock) as crew:
            _open(crew, output, _choose(output, web_port=ports.port_of(web), web_socket=web.fileno()))
            crew.watch()


def _open(crew: Crew, output: Output, chosen: Plan) -> None:
    """Bring everything up in the order it needs.

    The sandbox takes its port first. The demo buys through the running web and sandbox, and the workers come after
    it, so that what they find is whole.
    """
    crew.start(chosen.sandbox())
    crew.finish(chosen.migrate())
    if not statics.are_gathered():
        output.say("gathering the static files; this happens when they change …")
        crew.finish(chosen.collectstatic())
    crew.start(chosen.web())
    if not crew.wait_until(lambda: ports.accepts(chosen.sandbox_port), seconds=SANDBOX_SECONDS):
        raise StepFailed("The sandbox does not answer: its lines above say why.")
    if not crew.wait_until(lambda: ports.answers(chosen.web_port, "/health/live/"), seconds=WEB_SECONDS):
        raise StepFailed("The web does not answer: its lines above say why.")
    crew.finish(chosen.demo())
    for program in (*chosen.workers(), chosen.watchman()):
        crew.start(program)
    panel.show(chosen)


def _choose(output: Output, *, web_port: int, web_socket: int) -> Plan:
    sandbox_port = ports.free(plan.SANDBOX_PORT)
    for name, wanted, found in (
        ("web", plan.WEB_PORT, web_port),
        ("sandbox", plan.SANDBOX_PORT, sandbox_port),
    ):
        if found != wanted:
            output.say(f"port {wanted} is in use by another program; the {name} takes {found} instead.")
    return Plan(web_port=web_port, web_socket=web_socket, sandbox_port=sandbox_port)


@contextmanager
def _services(output: Output) -> Iterator[None]:
    """Have PostgreSQL and Redis for a block, and stop them after it unless someone else uses them."""
    output.say("starting PostgreSQL and Redis …")
    try:
        embedded.ensure_running()
        yield
    finally:
        embedded.release()


def _forget_everything(output: Output) -> None:
    for variable in ("DATABASE_URL", "REDIS_URL"):
        if os.environ.get(variable):
            output.say(f"{variable} names a server of your own: RESET leaves its data alone.")
    embedded.reset()
    for path in places.state_dir().glob(f"{plan.SANDBOX_FILE}*"):
        path.unlink()
    shutil.rmtree(places.state_dir() / plan.OUTBOX, ignore_errors=True)
    output.say("the demo's data is deleted.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
