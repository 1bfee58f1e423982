"""Who hears of trouble: listeners run in the transaction that records it."""

from collections.abc import Callable
from datetime import datetime

from payments.models import PaymentFailure

Listener = Callable[[PaymentFailure, datetime], None]

_listeners: list[Listener] = []


def register(listener: Listener) -> None:
    """Tell a listener of every failure from now on; called once when Django starts."""
    if listener not in _listeners:
        _listeners.append(listener)


def tell(failure: PaymentFailure, *, now: datetime) -> None:
    """Tell every listener of a new failure."""
    for listener in _listeners:
        listener(failure, now)
