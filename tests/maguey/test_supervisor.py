"""The supervisor, with small programs in the place of the product's, and once with all of it."""

import io
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from maguey.embedded import cluster, locks, places
from maguey.supervisor import guard, panel, ports, statics
from maguey.supervisor.child import Program
from maguey.supervisor.crew import Crew
from maguey.supervisor.exceptions import StepFailed
from maguey.supervisor.output import Output
from maguey.supervisor.plan import Plan

PROJECT = Path(__file__).resolve().parents[2]

# Three programs: one polite, one with a child of its own, one that ignores SIGTERM.
SUPERVISOR = """
import sys
from maguey.supervisor import single
from maguey.supervisor.child import Program
from maguey.supervisor.crew import Crew
from maguey.supervisor.exceptions import AlreadyRunning, StopRequested
from maguey.supervisor.output import Output

PROGRAMS = {
    "polite": "echo up; exec sleep 1000",
    "parent": "sleep 1001 & echo up; wait",
    "deaf": "trap '' TERM; echo up; while true; do sleep 0.1; done",
}
output = Output()
try:
    with single.only_here(output) as lock, Crew(output, lock=lock) as crew:
        for name, script in PROGRAMS.items():
            if name in sys.argv[1:]:
                child = crew.start(Program(name, ("/bin/sh", "-c", script)))
                output.say(f"{name} is {child.pid}")
        crew.watch()
except StopRequested:
    output.say("stopped.")
except AlreadyRunning as error:
    sys.exit(str(error))
"""


class Running:
    """Hold a supervisor in a process of its own and read what it says."""

    def __init__(self, *programs: str, directory: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-u", "-c", SUPERVISOR, *programs],
            cwd=PROJECT,
            env={**os.environ, "MAGUEY_DATA_DIR": str(directory)},
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self.groups: dict[str, int] = {}
        while len(self.groups) < len(programs):
            name, pid = re.findall(r"(\w+) is (\d+)", self.line("is"))[0]
            self.groups[name] = int(pid)

    def line(self, word: str) -> str:
        """Return the next line that has a word in it."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if word in line:
                return line
        raise AssertionError(f"It ended without saying {word!r}.")

    def ends_in_time(self) -> bool:
        """Tell whether everything it started is gone soon."""
        return _soon(lambda: not any(_lives(group) for group in self.groups.values()))


def _lives(group: int) -> bool:
    """Tell whether a group has a process that is more than an entry nobody collected."""
    found = subprocess.run(["/bin/ps", "-eo", "pgid=,stat="], capture_output=True, text=True, check=True)
    rows = (line.split() for line in found.stdout.splitlines())
    return any(int(pgid) == group and not state.startswith("Z") for pgid, state in rows)


def _soon(answer: Callable[[], bool], *, seconds: float = 15) -> bool:
    deadline = time.monotonic() + seconds
    while not answer():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


@pytest.fixture
def directory(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a place for one checkout's locks."""
    with tempfile.TemporaryDirectory(prefix="maguey-test-") as name:
        monkeypatch.setenv("MAGUEY_DATA_DIR", str(Path(name) / ".maguey"))
        yield places.state_dir()
        cluster.remove()  # what root keeps elsewhere
        shutil.rmtree(places.runtime_dir(), ignore_errors=True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_everything(directory: Path, number: signal.Signals) -> None:
    running = Running("polite", "parent", directory=directory)

    running.process.send_signal(number)

    said, _ = running.process.communicate(timeout=15)
    assert running.process.returncode == 0
    assert said.splitlines()[-1] == "maguey   │ stopped."
    assert running.ends_in_time()


def test_a_second_signal_ends_the_patience(directory: Path) -> None:
    running = Running("deaf", directory=directory)
    running.line("up")
    began = time.monotonic()

    running.process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    running.process.send_signal(signal.SIGINT)

    running.process.communicate(timeout=15)
    assert time.monotonic() - began < 5
    assert running.ends_in_time()


def test_a_killed_supervisor_leaves_nobody_behind(directory: Path) -> None:
    running = Running("polite", "parent", "deaf", directory=directory)

    running.process.kill()
    running.process.communicate()

    assert running.ends_in_time()
    again = Running("polite", directory=directory)
    again.process.terminate()
    again.process.communicate(timeout=15)


def test_a_dead_program_is_started_again(directory: Path) -> None:
    running = Running("polite", "parent", directory=directory)

    os.kill(running.groups["parent"], signal.SIGKILL)

    assert running.line("parent was").endswith("parent was ended by SIGKILL; starting it again in 1 s.\n")
    assert running.line("parent   │ up")
    assert _lives(running.groups["polite"])
    assert not _lives(running.groups["parent"])
    running.process.terminate()
    running.process.communicate(timeout=15)
    assert running.ends_in_time()


def test_a_killed_guard_is_replaced(directory: Path) -> None:
    running = Running("polite", directory=directory)
    command = ["/usr/bin/pgrep", "-P", str(running.process.pid), "-f", "supervisor/guard.py"]
    old = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    os.kill(int(old), signal.SIGKILL)
    assert _soon(lambda: subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip() != old)
    time.sleep(0.3)

    running.process.kill()
    running.process.communicate()

    assert running.ends_in_time()


def test_a_second_supervisor_of_the_checkout_is_refused(directory: Path) -> None:
    running = Running("polite", directory=directory)

    second = subprocess.run(
        [sys.executable, "-c", SUPERVISOR],
        cwd=PROJECT,
        env={**os.environ, "MAGUEY_DATA_DIR": str(directory)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert second.returncode == 1
    assert f"already runs in this checkout: stop it there with Ctrl-C, or with `kill {running.process.pid}`" in (
        second.stderr
    )
    running.process.terminate()
    running.process.communicate(timeout=15)


def test_a_lost_terminal_stops_everything(directory: Path) -> None:
    running = Running("polite", "parent", directory=directory)

    assert running.process.stdout is not None
    running.process.stdout.close()
    os.kill(running.groups["parent"], signal.SIGKILL)

    assert running.process.wait(timeout=15) is not None
    assert running.ends_in_time()


def test_a_step_that_fails_says_so_after_its_last_line() -> None:
    written = io.StringIO()

    with pytest.raises(StepFailed, match="`migrate` ended with exit code 3"), Crew(Output(written)) as crew:
        crew.finish(Program("migrate", ("/bin/sh", "-c", "printf 'no such\\ntable'; exit 3")))

    assert written.getvalue() == "migrate  │ no such\nmigrate  │ table\n"


def test_programs_are_told_their_variables() -> None:
    written = io.StringIO()

    with Crew(Output(written)) as crew:
        crew.finish(Program("web", ("/bin/sh", "-c", 'echo "$SITE_URL"'), {"SITE_URL": "http://127.0.0.1:8001"}))

    assert written.getvalue() == "web      │ http://127.0.0.1:8001\n"


def test_lines_are_coloured_only_for_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.delenv("NO_COLOR", raising=False)
    plain, coloured = io.StringIO(), Terminal()
    Output(plain).line("web", "hello")
    Output(coloured).line("web", "hello")
    monkeypatch.setenv("NO_COLOR", "1")
    asked_for_none = Terminal()
    Output(asked_for_none).line("web", "hello")

    assert plain.getvalue() == asked_for_none.getvalue() == "web      │ hello\n"
    assert coloured.getvalue() == "\x1b[36mweb      │\x1b[0m hello\n"


def test_a_taken_port_gives_way_to_the_next() -> None:
    with ports.listen(18000) as first, ports.listen(ports.port_of(first)) as second:
        assert ports.port_of(second) > ports.port_of(first)
        assert ports.free(ports.port_of(first)) > ports.port_of(second)
        assert ports.accepts(ports.port_of(first))
        taken = ports.port_of(first)
    assert not ports.accepts(taken)


def test_static_files_are_gathered_again_only_when_they_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "static" / "css").mkdir(parents=True)
    (tmp_path / "requirements.txt").touch()
    style = tmp_path / "static" / "css" / "site.css"
    style.touch()
    monkeypatch.setattr(statics, "PROJECT", tmp_path)
    monkeypatch.setattr(statics, "MANIFEST", tmp_path / "staticfiles.json")

    assert not statics.are_gathered()
    (tmp_path / "staticfiles.json").touch()
    assert statics.are_gathered()
    later = time.time() + 10
    os.utime(style, (later, later))
    assert not statics.are_gathered()


def test_the_guard_counts_what_is_left() -> None:
    assert guard.remaining(["+12\n", "+13\n", "-12\n", "+14\n"]) == {13, 14}


def test_the_panel_names_every_place(capsys: pytest.CaptureFixture[str]) -> None:
    panel.show(Plan(web_port=8003, web_socket=0, sandbox_port=8904))

    said = capsys.readouterr().out
    for words in ("http://127.0.0.1:8003/nights/noche-de-cumbia/", "owner / maguey", "door / maguey", "/outbox/"):
        assert words in said
    for words in ("http://127.0.0.1:8904/", "4242 4242 4242 4242", "4000 0027 6000 3184"):
        assert words in said


@pytest.mark.prove
def test_make_run_opens_the_club_and_closes_it(directory: Path) -> None:
    replaced = ("DATABASE_URL", "REDIS_URL", "DATABASE_ROLE")
    settings = {name: value for name, value in os.environ.items() if name not in replaced}
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "maguey.supervisor"],
        cwd=PROJECT,
        env={**settings, "MAGUEY_DATA_DIR": str(directory)},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    said = _read_until(process, "Ctrl-C stops everything")
    web, sandbox = (int(port) for port in re.findall(r"(?:Guests|Sandbox) +http://127.0.0.1:(\d+)/", said))

    open_pages = [ports.answers(web, path) for path in ("/", "/nights/noche-de-cumbia/", "/health/live/")]

    process.terminate()
    process.communicate(timeout=60)
    assert open_pages == [True, True, True], said
    assert process.returncode == 0
    assert not ports.accepts(web)
    assert not ports.accepts(sandbox)
    assert not locks.is_held(directory / "postgres.lock")


def _read_until(process: subprocess.Popen[str], words: str) -> str:
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if words in line:
            return said
    raise AssertionError(said[-4000:])
