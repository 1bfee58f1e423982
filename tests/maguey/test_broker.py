"""What a worker's connection to Redis goes on doing after Redis was silent."""

from collections.abc import Callable
from typing import Any

import pytest
from celery.signals import worker_init
from kombu import Connection, Consumer, Queue
from kombu.transport import redis
from redis.exceptions import TimeoutError as RedisSilent

from maguey.celery import app

pytestmark = pytest.mark.django_db

Answer = Callable[[Any], None]


@pytest.mark.parametrize("answer", [lambda message: message.ack(), lambda message: message.reject()])
def test_a_worker_takes_the_next_message_though_redis_did_not_hear_of_the_last(
    monkeypatch: pytest.MonkeyPatch, answer: Answer
) -> None:
    taken: list[str] = []

    def take(body: str, message: Any) -> None:  # Any: kombu ships no types
        taken.append(body)
        with monkeypatch.context() as silence:
            silence.setattr(redis.QoS, "_remove_from_indices", be_silent)
            with pytest.raises(RedisSilent):
                answer(message)

    with connection() as broker, broker.Producer() as producer:
        queue = Queue("test-broker", channel=broker.default_channel)
        queue.declare()
        with Consumer(broker, [queue], callbacks=[take], prefetch_count=1):
            for body in ("first", "second"):
                producer.publish(body, routing_key="test-broker")
                broker.drain_events(timeout=5)

    assert taken == ["first", "second"]


def connection() -> Connection:
    """Return a connection as a worker opens it."""
    worker_init.send(sender=app)
    return app.connection_for_read()


def be_silent(*_: Any) -> None:
    """Answer as Redis does while it hangs."""
    raise RedisSilent("Timeout reading from socket")
