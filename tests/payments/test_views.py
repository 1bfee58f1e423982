from datetime import datetime, timedelta

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from payments import rate_limits
from payments.models import Order, Payment
from tests.buying import buy, come_back, fresh, hold, intent_of, pay, start
from tests.factories.tickets import TicketTypeFactory
from tests.fakes import FakeProvider

pytestmark = pytest.mark.django_db(transaction=True)


def at(order: Order, page: str) -> str:
    return f"/orders/{order.reference}/{page}"


def test_the_pay_page_counts_down_by_the_servers_clock(provider: FakeProvider) -> None:
    order = hold()

    page = Client().get(at(order, "pay/"))

    assert f'data-expires="{order.expires_at.isoformat()}"' in page.content.decode()
    assert (page.headers["X-Robots-Tag"], page.headers["Referrer-Policy"]) == ("noindex, nofollow", "same-origin")
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    assert "unsafe" not in page.headers["Content-Security-Policy"]


def test_a_wallet_may_be_asked_for_money_by_us_and_by_the_provider(provider: FakeProvider, settings: Settings) -> None:
    """Apple Pay and Google Pay come with the Payment Element; browsers ask this header whether they may."""
    page = Client().get(at(hold(), "pay/"))

    allowed = next(part for part in page.headers["Permissions-Policy"].split(", ") if part.startswith("payment="))
    assert allowed.startswith("payment=(self ")
    assert f'"{settings.STRIPE_JS_URL.removesuffix("/stripe.js")}"' in allowed
    assert f"frame-src {settings.STRIPE_JS_URL.removesuffix('/stripe.js')}" in page.headers["Content-Security-Policy"]


def test_an_overdue_order_offers_the_places_again(provider: FakeProvider, now: datetime) -> None:
    page = Client().get(at(hold(now=now - timedelta(minutes=20)), "pay/"), follow=True).content.decode()

    assert "Your time ran out" in page
    assert "data-card" not in page


def test_a_paid_order_leads_to_its_own_page(provider: FakeProvider) -> None:
    order = buy(provider)

    assert Client().get(at(order, "pay/")).headers["Location"] == at(order, "")


def test_starting_gives_the_secret_and_the_same_one_again(provider: FakeProvider) -> None:
    order = hold()

    answers = [Client().post(at(order, "payments/")).json() for _ in range(2)]

    assert answers[0] == answers[1]
    assert answers[0]["client_secret"] == "pi_1_secret"
    assert Payment.objects.count() == 1


def test_starting_too_late_is_a_problem_document(provider: FakeProvider, now: datetime) -> None:
    answer = Client().post(at(hold(now=now - timedelta(minutes=20)), "payments/"))

    assert (answer.status_code, answer.json()["code"]) == (409, "hold_expired")
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_too_many_attempts_are_asked_to_wait(provider: FakeProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: str) -> None:
        raise rate_limits.RateLimited

    order = hold()
    monkeypatch.setattr(rate_limits, "check", refuse)

    answer = Client().post(at(order, "payments/"))
    hosted = Client().post(at(order, "hosted/"))

    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "30")
    assert (hosted.status_code, hosted.headers["Retry-After"]) == (429, "30")
    assert f'href="{at(order, "pay/")}"' in hosted.content.decode()


def test_limits_count_and_let_everybody_in_without_redis(settings: Settings) -> None:
    rate_limits.check("1/minute", "test", "a")
    with pytest.raises(rate_limits.RateLimited):
        rate_limits.check("1/minute", "test", "a")

    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    for _ in range(3):
        rate_limits.check("1/minute", "test", "b")
    rate_limits.limiter.cache_clear()


def test_the_hosted_road_leads_to_the_provider(provider: FakeProvider) -> None:
    answer = Client().post(at(hold(), "hosted/"))

    assert (answer.status_code, answer.headers["Location"]) == (303, "https://pay.example/cs_1")


def test_the_hosted_road_says_so_when_the_provider_is_away(provider: FakeProvider) -> None:
    order = hold()
    provider.fail_next("create_session")

    answer = Client().post(at(order, "hosted/"), follow=True)

    assert answer.redirect_chain == [(at(order, "pay/"), 302)]
    assert "You have not been charged." in answer.content.decode()


def test_extending_twice_says_so(provider: FakeProvider) -> None:
    order = hold()
    guest = Client()

    guest.post(at(order, "extend/"))
    page = guest.post(at(order, "extend/"), follow=True).content.decode()

    assert "already had your extra time" in page
    assert "Keep my places" not in page


def test_letting_go_says_that_nothing_was_charged(provider: FakeProvider) -> None:
    order = hold()

    page = Client().post(at(order, "cancel/"), follow=True).content.decode()

    assert "You have not been charged." in page
    assert fresh(order).status == Order.Status.CANCELLED


def test_letting_go_of_what_was_just_paid_leads_to_the_tickets(provider: FakeProvider) -> None:
    order = hold()
    pay(provider, order)

    answer = Client().post(at(order, "cancel/"))

    assert answer.headers["Location"] == at(order, "pay/")
    assert fresh(order).status == Order.Status.PAID


def test_coming_back_delivers_at_once(provider: FakeProvider) -> None:
    order = hold()
    pay(provider, order)

    page = Client().get(at(order, "return/"), follow=True).content.decode()

    assert "Your tickets are here" in page
    assert fresh(order).status == Order.Status.FULFILLED


def test_coming_back_unpaid_leads_to_paying(provider: FakeProvider) -> None:
    order = hold()
    start(order)

    page = Client().get(at(order, "return/?redirect_status=failed"), follow=True).content.decode()

    assert "Payment failed. Please try again." in page


def test_coming_back_while_the_provider_is_silent_shows_what_we_know(provider: FakeProvider) -> None:
    order = hold()
    start(order)
    provider.fail_next("read_intent")

    assert Client().get(at(order, "return/")).headers["Location"] == at(order, "pay/")


def test_the_state_is_asked_of_the_provider(provider: FakeProvider) -> None:
    order = hold()
    payment = start(order)
    provider.pay(intent_of(payment))

    before = Client().get(at(order, "state/")).json()
    provider.fail_next("read_intent")
    silent = Client().get(at(order, "state/?ask=1")).json()
    after = Client().get(at(order, "state/?ask=1")).json()

    assert (before["truth"], before["is_known"]) == ("not_charged", True)
    assert silent["is_known"] is False
    assert (after["truth"], after["status"], after["page"]) == ("delivered", "fulfilled", at(order, ""))


def test_an_order_is_reached_by_its_reference_only(provider: FakeProvider) -> None:
    assert Client().get("/orders/guess/pay/").status_code == 404
    assert Client().get("/orders/guess/").status_code == 404


@pytest.mark.parametrize(
    "address",
    ["orders/a%00b/", "orders/a%00b/pay/", "tickets/a%00b/", "party/a%00b/", "nights/a%00b/", "webhooks/%00/"],
)
def test_an_address_with_a_nul_leads_nowhere(address: str) -> None:
    assert Client().get(f"/{address}").status_code == 404


def test_a_form_from_elsewhere_is_refused(provider: FakeProvider) -> None:
    order = hold()
    stranger = Client(enforce_csrf_checks=True)

    for page in ("payments/", "hosted/", "extend/", "cancel/"):
        assert stranger.post(at(order, page)).status_code == 403
    assert stranger.post(f"/nights/{order.event.slug}/buy/").status_code == 403


def test_money_on_the_way_is_told_so(provider: FakeProvider, now: datetime) -> None:
    from payments import checkout

    order = hold(TicketTypeFactory.create())
    pay(provider, order)
    checkout.ask_provider(order, now=now)

    page = Client().get(at(order, "")).content.decode()

    assert "Your tickets are on the way" in page
    assert come_back(order).status == Order.Status.FULFILLED
