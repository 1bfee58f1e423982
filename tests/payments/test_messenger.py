import os
import threading
import time
from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest
from celery import current_app

from payments import messenger, wake
from payments.messenger import Errand, Messenger

SECONDS = 5


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[str], str]]:
    """Hear what the broker is sent: the queue, the work, and the thread that sent it."""
    heard: list[tuple[str, list[str], str]] = []

    def hear(_: str, *, args: list[str], queue: str, **__: object) -> None:
        heard.append((queue, args, threading.current_thread().name))

    monkeypatch.setattr(current_app, "send_task", hear)
    return heard


def errands(count: int, *, at_once: int) -> Iterator[Errand]:
    for number in range(count):
        yield Errand("fulfilment", UUID(int=number), "money", at_once)


def test_an_errand_is_run_by_the_thread(sent: list[tuple[str, list[str], str]]) -> None:
    pk, own = uuid4(), Messenger()

    own.take(Errand("fulfilment", pk, "money", 20))

    assert own.wait(SECONDS)
    assert sent == [("money", ["fulfilment", str(pk)], "messenger")]


def test_what_is_quick_goes_together(sent: list[tuple[str, list[str], str]]) -> None:
    messenger.send(errands(45, at_once=20))

    assert [len(args) - 1 for _, args, _ in sent] == [20, 20, 5]
    assert [pk for _, args, _ in sent for pk in args[1:]] == [str(UUID(int=number)) for number in range(45)]


def test_the_first_goes_at_once_and_what_comes_soon_after_it_together(sent: list[tuple[str, list[str], str]]) -> None:
    own = Messenger()
    first, *others = errands(10, at_once=20)

    own.take(first)
    assert own.wait(SECONDS)
    for other in others:
        own.take(other)
        time.sleep(0.001)

    assert own.wait(SECONDS)
    assert [len(args) - 1 for _, args, _ in sent] == [1, 9]


def test_what_may_take_long_goes_alone(sent: list[tuple[str, list[str], str]]) -> None:
    messenger.send(errands(3, at_once=1))

    assert [len(args) - 1 for _, args, _ in sent] == [1, 1, 1]


def test_a_broker_that_is_away_ends_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("connection refused")

    monkeypatch.setattr(current_app, "send_task", refuse)
    own = Messenger()
    own.take(Errand("fulfilment", uuid4(), "money", 20))
    assert own.wait(SECONDS)
    assert wake.pause.is_on()

    own.take(Errand("fulfilment", uuid4(), "money", 20))

    assert own.wait(SECONDS)


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_process_that_was_forked_has_a_thread_of_its_own(sent: list[tuple[str, list[str], str]]) -> None:
    messenger.take(Errand("fulfilment", uuid4(), "money", 20))
    assert messenger.wait(SECONDS)
    sent.clear()

    child = os.fork()
    if not child:
        messenger.take(Errand("fulfilment", uuid4(), "money", 20))
        was_sent = messenger.wait(SECONDS) and len(sent) == 1
        os._exit(0 if was_sent else 1)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_process_that_sent_nothing_waits_for_nothing() -> None:
    assert Messenger().wait(0)
