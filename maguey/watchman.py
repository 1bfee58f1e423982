"""The watchman: tells owners that PostgreSQL does not answer, when nothing that lives in it can.

Run as `python -m maguey.watchman`. Every alert is a row, so one thing no alert can tell of is PostgreSQL itself. This
process asks it every few seconds, remembers from the last answer whom to write to, and writes to them itself. Once
PostgreSQL answers again, it notes the outage in the console by a command of its own, so that the process which stays
need not load the whole product.
"""

import argparse
import asyncio
import logging
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
from django.conf import settings
from django.core.mail import EmailMessage
from django.utils import timezone
from django.utils.log import configure_logging

from owners import apart

logger = logging.getLogger(__name__)

ROUND_SECONDS = 5.0
# Longer than a connection and a statement may take by themselves: the end of patience with one that hangs.
PATIENCE_SECONDS = apart.PATIENCE_SECONDS + 2.0
NOTING_SECONDS = 60
CHAT = ""
RECIPIENTS = """
    SELECT DISTINCT u.email FROM owner_assignments a JOIN auth_user u ON u.id = a.user_id
    WHERE a.event_id IS NULL AND a.role IN ('owner', 'admin') AND u.is_active AND u.email <> '' ORDER BY 1
"""


@dataclass
class Outage:
    """One time in which PostgreSQL did not answer, and who has been told how often."""

    began_at: datetime
    ended_at: datetime | None = None
    told: set[tuple[str, int]] = field(default_factory=set)


class Watchman:
    """What one round after another has seen."""

    def __init__(self) -> None:
        """Begin with nobody to tell but whom the settings name."""
        self.recipients: list[str] = []
        self.outage: Outage | None = None

    def look(self, *, now: datetime) -> None:
        """Ask once, and do what follows from the answer."""
        found = asyncio.run(ask())
        if found is None:
            self.note_silence(now=now)
        else:
            self.recipients = found
            self.note_answer(now=now)

    def note_silence(self, *, now: datetime) -> None:
        """Tell whoever is to be told by now and has not been."""
        outage = self.outage = self.outage or Outage(began_at=now)
        outage.ended_at = None
        waits = (settings.DATABASE_SILENT_SECONDS, settings.ALERT_AGAIN_MINUTES * 60)
        due = [turn for turn, wait in enumerate(waits) if now - outage.began_at >= timedelta(seconds=wait)]
        for turn in due:
            for recipient in self.everybody():
                if (recipient, turn) not in outage.told and tell(recipient, outage, again=turn > 0):
                    outage.told.add((recipient, turn))

    def everybody(self) -> list[str]:
        """Return every owner's address, those the settings name, and the chat where there is one."""
        chat = [CHAT] if settings.ALERT_WEBHOOK_URL else []
        return sorted({*self.recipients, *settings.ALERT_EMAILS}) + chat

    def note_answer(self, *, now: datetime) -> None:
        """Note an outage that was told of as ended; a moment's silence is not worth a word."""
        if self.outage is None:
            return
        self.outage.ended_at = self.outage.ended_at or now
        silent = self.outage.ended_at - self.outage.began_at
        if silent < timedelta(seconds=settings.DATABASE_SILENT_SECONDS) or noted(self.outage):
            self.outage = None


async def ask() -> list[str] | None:
    """Ask PostgreSQL for the owners' addresses; None where it does not answer in time.

    A table that is not there yet is an answer: of nobody.
    """
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            async with await psycopg.AsyncConnection.connect(**apart.address("watchman")) as connection:
                found = await connection.execute(RECIPIENTS)
                return [str(row[0]) for row in await found.fetchall()]
    except psycopg.ProgrammingError:
        return []
    except (psycopg.Error, OSError) as error:
        logger.warning("PostgreSQL does not answer: %s", error)
        return None


def tell(recipient: str, outage: Outage, *, again: bool) -> bool:
    """Write to one owner, or into the chat; False where it could not be sent, and is to be tried again."""
    began = timezone.localtime(outage.began_at)
    title = f"{'Still open: ' if again else ''}The database does not answer"
    text = (
        f"PostgreSQL has not answered since {began:%b} {began.day}, {began:%H:%M:%S}. Guests cannot buy, and the door "
        f"cannot scan online. Money that is paid meanwhile is taken in once it is back.\n\n"
        f"What to do next: {settings.SITE_URL}/health/ready/ says whether it is back; docs/operations.md, “The "
        "database does not answer”, says how to bring it back.\n"
    )
    try:
        send(recipient, title, text)
    except OSError as error:  # mail and network raise OSErrors of their own
        logger.warning("An owner could not be told that PostgreSQL does not answer: %s", error)
        return False
    return True


def send(recipient: str, title: str, text: str) -> None:
    """Send one message on its way. Raises OSError."""
    if recipient == CHAT:
        import requests  # what it brings along costs memory that nobody needs while all is well

        chat = settings.ALERT_WEBHOOK_URL
        requests.post(chat, json={"text": f"*{title}*\n{text}"}, timeout=PATIENCE_SECONDS).raise_for_status()
        return
    EmailMessage(
        subject=f"[{settings.VENUE_NAME}] {title}",
        body=f"{title}\n\n{text}",
        to=[recipient],
        headers={"Auto-Submitted": "auto-generated"},
    ).send()


def noted(outage: Outage) -> bool:
    """Note an outage in the console by a process of its own; False where that failed, and is to be tried again."""
    moments = [moment.isoformat() for moment in (outage.began_at, outage.ended_at) if moment]
    command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "note_outage", *moments]
    try:
        done = subprocess.run(command, timeout=NOTING_SECONDS, capture_output=True, text=True, check=False)
    except subprocess.TimeoutExpired:
        return False
    if done.returncode:
        logger.warning("An outage could not be noted: %s", done.stderr[-500:])
    return done.returncode == 0


def main(arguments: list[str]) -> None:
    """Look, round after round, until the process is ended."""
    parser = argparse.ArgumentParser(prog="python -m maguey.watchman", description=__doc__)
    parser.add_argument("--alive", type=Path, help="a file to touch each round, for whoever watches the watchman")
    chosen = parser.parse_args(arguments)
    configure_logging(settings.LOGGING_CONFIG, settings.LOGGING)
    watchman = Watchman()
    while True:
        watchman.look(now=datetime.now(tz=UTC))
        if chosen.alive:
            chosen.alive.touch()
        time.sleep(ROUND_SECONDS)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "maguey.settings")
    main(sys.argv[1:])
