"""A form that is pressed twice does once what it is for, and the second press is led where the first was."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

from payments import orders, presses
from payments.exceptions import AlreadyExtended, StillBusy
from payments.models import IdempotencyKey, Order
from payments.presses import Lead
from tests.buying import clock, fresh, hold, mark_on, start
from tests.fakes import FakeProvider
from tests.threads import all_at_once, held_elsewhere

pytestmark = pytest.mark.django_db(transaction=True)
TYPED = {"press": "p", "csrfmiddlewaretoken": "x", "name": "Eva"}


@pytest.fixture
def now() -> datetime:
    return clock()


def extending(order: Order, now: datetime) -> Callable[[Lead], object]:
    """Return what gives an order more time, which can be had once only."""

    def act(lead: Lead) -> None:
        orders.extend_hold(order.pk, now=now, remember=lambda _: lead("/there/"))

    return act


def test_a_second_press_is_led_where_the_first_was(now: datetime) -> None:
    act = extending(hold(), now)

    first = presses.act_once(TYPED, act, path="/form/", now=now)
    again = presses.act_once({**TYPED, "csrfmiddlewaretoken": "y"}, act, path="/form/", now=now)

    assert first == again == "/there/"
    assert IdempotencyKey.objects.get().replays == 1


@pytest.mark.parametrize(
    ("typed", "path"),
    [({**TYPED, "press": "q"}, "/form/"), ({**TYPED, "name": "Isa"}, "/form/"), (TYPED, "/other/"), ({}, "/form/")],
)
def test_another_form_or_another_word_is_another_wish(now: datetime, typed: dict[str, str], path: str) -> None:
    act = extending(hold(), now)
    presses.act_once(TYPED, act, path="/form/", now=now)

    with pytest.raises(AlreadyExtended):
        presses.act_once(typed, act, path=path, now=now)


def test_a_refusal_is_not_remembered(now: datetime) -> None:
    order = hold()
    orders.extend_hold(order.pk, now=now)
    with pytest.raises(AlreadyExtended):
        presses.act_once(TYPED, extending(order, now), path="/form/", now=now)
    Order.objects.update(extended_at=None)

    assert presses.act_once(TYPED, extending(order, now), path="/form/", now=now) == "/there/"


def test_a_crash_leaves_neither_the_effect_nor_the_answer(now: datetime) -> None:
    order = hold()

    def die(lead: Lead) -> None:
        def remember(_: Order) -> None:
            lead("/there/")
            raise KeyboardInterrupt

        orders.extend_hold(order.pk, now=now, remember=remember)

    with pytest.raises(KeyboardInterrupt):
        presses.act_once(TYPED, die, path="/form/", now=now)

    assert (fresh(order).extended_at, IdempotencyKey.objects.exists()) == (None, False)
    assert presses.act_once(TYPED, extending(order, now), path="/form/", now=now) == "/there/"


def test_a_press_whose_twin_takes_too_long_is_asked_to_try_again(
    now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presses, "LOOK_SECONDS", 0)
    act = extending(hold(), now)
    presses.act_once(TYPED, act, path="/form/", now=now)

    with held_elsewhere(IdempotencyKey.objects.get()), pytest.raises(StillBusy):
        presses.act_once(TYPED, act, path="/form/", now=now)


# --- the pages of paying --------------------------------------------------------------------------


@pytest.mark.parametrize(("act", "status", "extended"), [("extend", "pending", True), ("cancel", "cancelled", False)])
def test_more_time_and_letting_go_pressed_ten_times_at_once_are_done_once_and_never_refused(
    provider: FakeProvider, act: str, status: str, extended: bool
) -> None:
    order = hold()
    start(order)
    until, page = order.expires_at, f"/orders/{order.reference}/"
    form = {"press": mark_on(f"{page}pay/", f"{page}{act}/")}

    answers = all_at_once(10, lambda _: Client().post(f"{page}{act}/", form))
    shown = Client().post(f"{page}{act}/", form, follow=True).content.decode()

    assert {(answer.status_code, answer["Location"]) for answer in answers if not isinstance(answer, Exception)} == {
        (302, f"{page}pay/" if extended else page)
    }
    assert "note-error" not in shown
    assert (fresh(order).status, fresh(order).expires_at - until) == (status, timedelta(minutes=10 * extended))


# --- every form -----------------------------------------------------------------------------------

ACTION = r"""(?: action="{% url '(?P<action>[^']+)'[^>]*)?"""
FORM = re.compile(rf'<form method="post"{ACTION}[^>]*>(?P<inside>.*?)</form>', re.DOTALL)
# A second press of these finds what the first has made, or makes the same of it.
HARMLESS = {
    "payments/pay.html: payments:start_hosted",  # the payment that is open
    "tickets/_wait_form.html: tickets:wait",  # the place in the line
    "tickets/find.html: ",  # one letter an hour
    "tickets/order.html: tickets:mend",  # one letter an address
    "tickets/waiting.html: ",  # out of the line
    "vip/host.html: vip:mend",  # one letter an address
    "vip/host.html: vip:resize",
    "vip/host.html: vip:revoke",
    "vip/host.html: vip:rotate_invite",
    "vip/host.html: vip:seat",  # one letter an address
    "vip/order.html: vip:book",  # its mark is among what was typed
    "vip/wait.html: ",  # the place in the line
    "vip/waiting.html: ",  # out of the line
}


def test_every_form_of_a_guest_is_marked_or_harmless_to_press_twice() -> None:
    root = Path(settings.BASE_DIR) / "templates"
    pages = [page for room in ("payments", "tickets", "vip") for page in sorted((root / room).glob("*.html"))]
    forms = [(page, form) for page in pages for form in FORM.finditer(page.read_text())]

    unmarked = {
        f"{page.relative_to(root)}: {form['action'] or ''}"
        for page, form in forms
        if "{% press %}" not in form["inside"] and 'name="press"' not in form["inside"]
    }

    assert len(forms) > 20
    assert unmarked == HARMLESS
