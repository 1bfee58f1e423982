"""What runs for `make run`: each program, its database role, and the addresses they share."""

import sys
from dataclasses import dataclass, replace
from pathlib import Path

from maguey.embedded import places
from maguey.supervisor.child import Program

PROJECT = Path(__file__).resolve().parents[2]
SANDBOX_FILE = "sandbox.sqlite3"
OUTBOX = "outbox"
WEB_PORT = 8000
SANDBOX_PORT = 8901
WEBHOOK_SECRET = "whsec_maguey"  # noqa: S105 - the sandbox's, known to all


@dataclass(frozen=True)
class Plan:
    """Name the programs, given where the web listens and where the sandbox will."""

    web_port: int
    web_socket: int
    sandbox_port: int

    @property
    def site_url(self) -> str:
        """Return the address guests use."""
        return f"http://127.0.0.1:{self.web_port}"

    @property
    def sandbox_url(self) -> str:
        """Return the address of the stand-in for Stripe and PayPal."""
        return f"http://127.0.0.1:{self.sandbox_port}"

    def migrate(self) -> Program:
        """Bring the database's tables up to date."""
        return self._manage("migrate", "migrate", "--noinput", role="migrate")

    def collectstatic(self) -> Program:
        """Gather the static files."""
        return self._manage("static", "collectstatic", "--noinput", "--verbosity", "0", role="web")

    def demo(self) -> Program:
        """Make the demo nights, their staff and a few sales."""
        return self._manage("demo", "demo", role="web")

    def sandbox(self) -> Program:
        """Stand in for Stripe and PayPal."""
        arguments = ["--port", str(self.sandbox_port), "--faults", "--database", str(places.state_dir() / SANDBOX_FILE)]
        webhook = ["--webhook", f"{self.site_url}/webhooks/stripe/", "--secret", WEBHOOK_SECRET]
        return self._manage("sandbox", "sandbox", *arguments, *webhook, role="web")

    def web(self) -> Program:
        """Serve the pages, on a socket that stays open while the server restarts."""
        command = (
            *("-m", "gunicorn", "maguey.wsgi", "--bind", f"fd://{self.web_socket}", "--preload"),
            *("--worker-class", "gthread", "--workers", "2", "--threads", "16"),
            # Longer than a guest takes to read on: a connection that is closed as they come back is lost to them.
            *("--keep-alive", "15", "--timeout", "60", "--graceful-timeout", "8", "--no-control-socket"),
            *("--access-logfile", "-", "--access-logformat", "%(s)s %(m)s %(U)s %(M)s ms"),
        )
        return self._python("web", *command, role="web", pass_fds=(self.web_socket,))

    def workers(self) -> tuple[Program, ...]:
        """Do what runs later: money first among its own, mail and the rest beside it, and the clock.

        Both take alerts: neither a night's letters nor an hour's audit keeps an owner from being told. Where everybody
        wants the processor, letters wait for tickets.
        """
        mailer = self._worker("mailer", queues="mail,default,alerts", processes=1)
        return (
            self._worker("worker", queues="money,alerts", processes=2),
            replace(mailer, command=("nice", "-n", "10", *mailer.command)),
            self._celery("beat", "beat", "--scheduler", "django_celery_beat.schedulers:DatabaseScheduler"),
        )

    def watchman(self) -> Program:
        """Tell owners when PostgreSQL itself does not answer."""
        return self._python("watchman", "-m", "maguey.watchman", role="worker")

    def _worker(self, name: str, *, queues: str, processes: int) -> Program:
        quiet = ("--without-gossip", "--without-mingle")
        which = ("-Q", queues, "-n", f"{name}@%h", "--concurrency", str(processes))
        return self._celery(name, "worker", *which, *quiet)

    def _celery(self, name: str, *arguments: str) -> Program:
        quietly = ("-m", "celery", "--quiet", "--app", "maguey")
        return self._python(name, *quietly, *arguments, "--loglevel", "INFO", role="worker")

    def _manage(self, name: str, *arguments: str, role: str) -> Program:
        return self._python(name, str(PROJECT / "manage.py"), *arguments, role=role)

    def _python(self, name: str, *arguments: str, role: str, pass_fds: tuple[int, ...] = ()) -> Program:
        return Program(
            name=name,
            command=(sys.executable, *arguments),
            environment={**self._environment(), "DATABASE_ROLE": role},
            pass_fds=pass_fds,
        )

    def _environment(self) -> dict[str, str]:
        return {
            "DJANGO_SETTINGS_MODULE": "maguey.settings",
            "MAGUEY_ENV": "demo",
            "PYTHONWARNINGS": "ignore:You're running the worker with superuser",  # in a container one does
            "SITE_URL": self.site_url,
            "STRIPE_API_BASE": self.sandbox_url,
            "STRIPE_JS_URL": f"{self.sandbox_url}/stripe.js",
            "STRIPE_SECRET_KEY": "sk_test_maguey",
            "STRIPE_PUBLISHABLE_KEY": "pk_test_maguey",
            "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
        }
