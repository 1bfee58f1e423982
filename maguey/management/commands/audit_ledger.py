"""Prove the invariants on live data."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from maguey import audit


class Command(BaseCommand):
    """Ask whether every payment, ticket and place is accounted for; exit 1 where one is not."""

    help = "Prove that every payment, ticket and place is accounted for; exit 1 and a list where one is not."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the form of the answer."""
        parser.add_argument("--json", action="store_true", help="answer as JSON")

    def handle(self, *args: Any, **options: Any) -> None:  # Any: Django's own signature
        """Ask, and say what was found."""
        findings = audit.audit(now=timezone.now())
        if options["json"]:
            self.stdout.write(json.dumps([as_json(finding) for finding in findings], indent=2))
        else:
            for finding in findings:
                self.stdout.write(as_text(finding))
        if broken := [finding.invariant.number for finding in findings if not finding.holds]:
            raise CommandError(f"Broken: {', '.join(map(str, broken))}.")


def as_text(finding: audit.Finding) -> str:
    """Write one finding as a line, and what broke it beneath."""
    lines = [f"{'holds ' if finding.holds else 'BROKEN'} {finding.invariant.number:2} {finding.invariant.sentence}"]
    return "\n".join([*lines, *(f"          {what}" for what in finding.broken_by)])


def as_json(finding: audit.Finding) -> dict[str, Any]:  # Any: JSON
    """Write one finding as JSON."""
    return {
        "invariant": finding.invariant.number,
        "sentence": finding.invariant.sentence,
        "holds": finding.holds,
        "broken_by": finding.broken_by,
    }
