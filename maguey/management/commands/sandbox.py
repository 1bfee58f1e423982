"""Start the providers' stand-in."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from payments.sandbox import server

DEFAULT_WEBHOOK = "http://127.0.0.1:8000/webhooks/stripe/"


class Command(BaseCommand):
    """Serve the sandbox on this machine until interrupted."""

    help = "Serve a stand-in for Stripe on this machine: API, card form, hosted page, webhooks."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take port, faults, database, webhook addresses and secrets."""
        parser.add_argument("--port", type=int, default=8901)
        parser.add_argument("--faults", action="store_true", help="open the control room at /_sandbox/")
        parser.add_argument("--database", default=":memory:", metavar="PATH", help="keep the books in a file")
        parser.add_argument("--webhook", action="append", metavar="URL", help=f"default: {DEFAULT_WEBHOOK}")
        parser.add_argument("--secret", action="append", metavar="WHSEC", help="default: whsec_maguey")

    def handle(self, *args: Any, **options: Any) -> None:  # Any: as Django declares them
        """Serve until interrupted."""
        secrets = options["secret"] or ["whsec_maguey"]
        urls = options["webhook"] or [DEFAULT_WEBHOOK]
        running = server.build(
            port=options["port"],
            database=options["database"],
            faults=options["faults"],
            webhook_endpoints=[(url, secrets) for url in urls],
        )
        self.stdout.write(f"SANDBOX for Stripe at {running.url}, webhooks to {', '.join(urls)}")
        try:
            running.run()
        except KeyboardInterrupt:
            self.stdout.write("SANDBOX stopped")
