"""Wake a worker after commit; a message that is lost is made up for by the sweeper."""

import logging
from functools import partial
from uuid import UUID

from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

# A message nobody took is worth nothing later: the sweeper will have sent another.
EXPIRES_SECONDS = 120
RUN_TASK = "payments.tasks.run"


def wake(kind: str, pk: UUID, *, queue: str) -> None:
    """Wake a worker for one piece of work once the transaction at hand has committed."""
    transaction.on_commit(partial(publish, kind, pk, queue=queue), robust=True)


def publish(kind: str, pk: UUID, *, queue: str) -> bool:
    """Send the message now; say whether the broker took it."""
    try:
        current_app.send_task(
            RUN_TASK, args=[kind, str(pk)], queue=queue, expires=EXPIRES_SECONDS, ignore_result=True, retry=False
        )
    except (OperationalError, RedisError, OSError) as error:
        logger.warning("The broker did not take %s %s; the sweeper will: %s", kind, pk, error)
        return False
    return True
