"""Prove the invariants on live data."""

import json
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from owners import audit
from payments.exceptions import GatewayUnavailable

DAYS = 30


class Command(BaseCommand):
    """Ask whether every payment, ticket and place is accounted for; exit 1 where one is not."""

    help = "Prove that every payment, ticket and place is accounted for; exit 1 and a list where one is not."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the form of the answer, and whose books are compared."""
        parser.add_argument("--json", action="store_true", help="answer as JSON")
        parser.add_argument("--provider", help="compare with this provider's own books too: stripe")
        parser.add_argument("--days", type=int, default=DAYS, help=f"how far back in those books (default: {DAYS})")

    def handle(self, *args: Any, **options: Any) -> None:  # Any: Django's own signature
        """Ask, and say what was found."""
        now = timezone.now()
        findings = audit.audit(now=now)
        if provider := options["provider"]:
            since = now - timedelta(days=options["days"])
            try:
                findings.append(audit.compare_with_provider(provider, since=since, now=now))
            except GatewayUnavailable as error:
                raise CommandError(f"The provider does not answer: {error}") from error
        if options["json"]:
            answers = [{**asdict(finding), "holds": finding.holds} for finding in findings]
            self.stdout.write(json.dumps(answers, indent=2))
        else:
            for finding in findings:
                self.stdout.write(as_text(finding))
        if broken := [finding.number for finding in findings if not finding.holds]:
            raise CommandError(f"Broken: {', '.join(map(str, broken))}.")


def as_text(finding: audit.Finding) -> str:
    """Write one finding as a line, and what broke it beneath."""
    lines = [f"{'holds ' if finding.holds else 'BROKEN'} {finding.number:2} {finding.sentence}"]
    return "\n".join([*lines, *(f"          {what}" for what in finding.broken_by)])
