#!/usr/bin/env python
"""Run a management command."""

import os
import sys

from django.core.management import execute_from_command_line

from payments import actors

SCHEMA_COMMANDS = {"migrate", "flush", "dbshell", "verify_constraints"}


def main() -> None:
    """Run the command named on the command line, as the database role it needs."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "maguey.settings")
    if sys.argv[1:2] and sys.argv[1] in SCHEMA_COMMANDS:
        os.environ.setdefault("DATABASE_ROLE", "migrate")
    with actors.acting(actors.COMMAND, " ".join(sys.argv[1:2])):
        execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
