"""What Celery's own connection to Redis does not do: go on after Redis was silent for a moment."""

from kombu.transport import redis, virtual


class PatientQoS(redis.QoS):
    """Count a message as taken even where Redis did not hear so.

    Celery logs an acknowledgement that failed and goes on, but kombu would count the message as still in hand: a
    worker of one process then waits for ever for it to be done, and takes no other. Redis gives such a message out
    once more in an hour; by then it has expired, and the work is in PostgreSQL in any case.
    """

    def ack(self, delivery_tag: str) -> None:
        """Acknowledge, and let go whatever happens."""
        try:
            super().ack(delivery_tag)
        except Exception:
            self.let_go(delivery_tag)
            raise

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        """Reject, and let go whatever happens."""
        try:
            super().reject(delivery_tag, requeue)
        except Exception:
            self.let_go(delivery_tag)
            raise

    def let_go(self, delivery_tag: str) -> None:
        """Count a message as in hand no longer."""
        virtual.QoS.ack(self, delivery_tag)


def install() -> None:
    """Have every channel count so; kombu lets an address with a socket choose no transport of ours."""
    redis.Channel.QoS = PatientQoS
