"""Wake a worker by a message; one that is lost is made up for by the sweeper."""

import logging
import time
from dataclasses import dataclass
from uuid import UUID

from celery import current_app
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

# A message nobody took is worth nothing later: the sweeper will have sent another.
EXPIRES_SECONDS = 120
RUN_TASK = "payments.tasks.run"
# One message waits for a broker that hangs; those after it do not.
PAUSE_SECONDS = 3.0


@dataclass
class Pause:
    """Until when this process leaves a broker alone that did not answer, by its own steady clock."""

    until: float = 0.0

    def begin(self) -> None:
        """Leave the broker alone for a while."""
        self.until = time.monotonic() + PAUSE_SECONDS

    def is_on(self) -> bool:
        """Say whether the broker is left alone now."""
        return time.monotonic() < self.until


pause = Pause()


def publish(kind: str, *pks: UUID, queue: str) -> bool:
    """Send a message for so many pieces of work; say whether the broker took it. Never waits long, and seldom twice."""
    if pause.is_on():
        return False
    try:
        current_app.send_task(
            RUN_TASK, args=[kind, *map(str, pks)], queue=queue, expires=EXPIRES_SECONDS, ignore_result=True, retry=False
        )
    except (OperationalError, RedisError, OSError) as error:
        pause.begin()
        logger.warning("The broker did not take %s; the sweeper will: %s", kind, error)
        return False
    return True
