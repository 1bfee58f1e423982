"""Every page at a phone's and a desktop's width: a picture to look at, nothing sideways, nothing axe objects to."""

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page
from pytest_django.live_server_helper import LiveServer

from payments import checkout, fulfilment, refunds, retrying
from payments.models import Order, Refund
from payments.orders import Buyer
from payments.sandbox.server import Server
from tests.factories.tickets import EventFactory, TicketTypeFactory
from tests.fakes import FakeProvider
from tickets import checkout as ticket_checkout
from tickets.models import Event

pytestmark = pytest.mark.django_db(transaction=True)

AXE = Path(__file__).parents[1] / "vendor" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
# The provider's own frames are the provider's to mend.
RUN = """axe.run({exclude: ["iframe"]}, {runOnly: %s, iframes: false})
  .then(found => found.violations.map(rule => [rule.id, rule.nodes.map(node => node.html)]))"""
GUEST = Buyer("Ana Ruiz", "ana@example.com")


def nine_in(days: int) -> datetime:
    """Return nine in the evening at the club, so many days from now."""
    zone = Event().zone
    return datetime.combine(datetime.now(tz=zone).date() + timedelta(days=days), time(21), tzinfo=zone)


@pytest.fixture
def programme(transactional_db: None) -> dict[str, Event]:
    """Return a programme of nights, as a club has them."""
    cumbia = EventFactory.create(
        slug="noche-de-cumbia",
        doors_at=nine_in(7),
        tagline="Sonidero, sudor y cumbia rebajada hasta las dos.",
        description="Maguey, Market Street. Cocteles de agave, cocina hasta la medianoche, pista hasta el final.",
        line_up="Sonido Maguey, La Comadre Selectora, Los Tíos del Barrio",
    )
    perreo = EventFactory.create(
        slug="perreo",
        title="Perreo Intenso",
        artwork="perreo",
        line_up="DJ Candela Ríos, Kike 302",
        doors_at=nine_in(14),
    )
    nortena = EventFactory.create(
        slug="nortena",
        title="Noche Norteña",
        artwork="nortena",
        line_up="Conjunto Río Brandywine",
        doors_at=nine_in(21),
    )
    sonidera = EventFactory.create(
        slug="sonidera",
        title="Sonidera de Noviembre",
        artwork="sonidera",
        line_up="Sonido Maguey",
        doors_at=nine_in(28),
    )
    house = EventFactory.create(slug="posada", title="Posada", artwork="", status="cancelled", doors_at=nine_in(30))
    TicketTypeFactory.create(
        event=cumbia, slug="early", name="Early", description="In before 10:30 PM", price_cents=1500, fee_cents=250,
        position=1, capacity=6,
    )  # fmt: skip
    TicketTypeFactory.create(
        event=cumbia, slug="general", name="General", description="In at any time", price_cents=2500, fee_cents=350,
        position=2,
    )  # fmt: skip
    TicketTypeFactory.create(
        event=cumbia, slug="ultima-hora", name="Última hora", description="The last places", price_cents=3500,
        fee_cents=450, position=3, capacity=0,
    )  # fmt: skip
    for event in (perreo, nortena, house):
        TicketTypeFactory.create(event=event, slug="general", name="General")
    TicketTypeFactory.create(event=sonidera, slug="general", name="General", capacity=0)
    return {event.slug: event for event in (cumbia, perreo, nortena, sonidera, house)}


def hold(event: Event, *, ago: float = 0) -> Order:
    """Hold two places, so many minutes ago."""
    then = datetime.now(tz=UTC) - timedelta(minutes=ago)
    return ticket_checkout.buy_tickets(event, quantities={"general": 2}, buyer=GUEST, now=then)


def pay(order: Order, provider: FakeProvider) -> Order:
    """Pay for an order; nothing is delivered yet."""
    now = datetime.now(tz=UTC)
    checkout.start_payment(order.pk, provider="stripe", mode="elements", now=now)
    provider.pay(next(reversed(provider.intents)))
    checkout.ask_provider(order, now=now)
    return order


def delivered(event: Event, provider: FakeProvider) -> Order:
    """Buy and deliver."""
    order = pay(hold(event), provider)
    fulfilment.try_now(order, now=datetime.now(tz=UTC))
    return order


def refunded(event: Event, provider: FakeProvider) -> Order:
    """Buy, deliver and give the money back."""
    order, now = delivered(event, provider), datetime.now(tz=UTC)
    refunds.refund_order(order.pk, reason=Refund.Reason.OWNER, cause="look", now=now)
    retrying.run_due(now=now + timedelta(seconds=1))
    return order


def on_the_way(event: Event, provider: FakeProvider) -> Order:
    """Pay, while whoever delivers is held up."""
    order, now = pay(hold(event), provider), datetime.now(tz=UTC)
    order.fulfilment.__class__.objects.update(locked_until=now + timedelta(minutes=5))
    return order


PAGES = ["/", "/nights/noche-de-cumbia/", "/nights/sonidera/", "/nights/posada/", "/find/", "/nowhere/"]
ORDERS: dict[str, Callable[[Event, FakeProvider], Order]] = {
    "delivered": delivered,
    "refunded": refunded,
    "on_the_way": on_the_way,
    "ran_out": lambda event, provider: hold(event, ago=20),
}


@pytest.fixture(params=[320, 390, 1280])
def screen(request: pytest.FixtureRequest, guest: Page) -> Page:
    """Return a page on the smallest phone, a usual phone and a desktop."""
    guest.set_viewport_size({"width": request.param, "height": 844 if request.param < 500 else 800})
    return guest


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_sound(
    programme: dict[str, Event], screen: Page, live_server: LiveServer, path: str, pictures: Path
) -> None:
    screen.goto(live_server.url + path)

    check(screen, pictures / f"{path.strip('/').replace('/', '-') or 'home'}-{width_of(screen)}.png")


@pytest.mark.parametrize("kind", ORDERS)
def test_an_orders_page_is_sound(  # noqa: PLR0917 (fixtures)
    programme: dict[str, Event],
    provider: FakeProvider,
    screen: Page,
    live_server: LiveServer,
    kind: str,
    pictures: Path,
) -> None:
    order = ORDERS[kind](programme["noche-de-cumbia"], provider)

    screen.goto(f"{live_server.url}/orders/{order.reference}/")

    check(screen, pictures / f"order-{kind}-{width_of(screen)}.png")


def test_the_pay_page_is_sound_idle_covered_and_failed(
    club: Server, programme: dict[str, Event], screen: Page, live_server: LiveServer, pictures: Path
) -> None:
    width = width_of(screen)
    screen.goto(f"{live_server.url}/orders/{hold(programme['noche-de-cumbia']).reference}/pay/")
    screen.frame_locator("[data-card] iframe").get_by_label("Card number").wait_for()
    check(screen, pictures / f"pay-{width}.png")

    screen.evaluate("document.querySelector('card-checkout').cover('Talking to your bank…')")
    screen.wait_for_timeout(600)
    check(screen, pictures / f"pay-covered-{width}.png", full=False)

    screen.evaluate(
        """() => { const box = document.querySelector('card-checkout'); box.uncover();
        box.tell(box.say('declined')); box.toast.show(box.say('failed')); }"""
    )
    check(screen, pictures / f"pay-failed-{width}.png", full=False)


def width_of(page: Page) -> int:
    """Return a page's width."""
    return int((page.viewport_size or {"width": 0})["width"])


def check(page: Page, picture: Path, *, full: bool = True) -> None:
    """Take a picture, and let neither the ruler nor axe find anything."""
    page.evaluate("document.fonts.ready")
    page.screenshot(path=picture, full_page=full)
    assert page.evaluate("document.documentElement.scrollWidth") <= width_of(page)
    assert objections(page) == []


def objections(page: Page) -> list[Any]:
    """Return what axe objects to; put in by the debugger, whom the page's policy does not stop."""
    session = page.context.new_cdp_session(page)
    session.send("Runtime.evaluate", {"expression": AXE.read_text()})
    answer = session.send("Runtime.evaluate", {"expression": RUN % RULES, "awaitPromise": True, "returnByValue": True})
    found: list[Any] = answer["result"]["value"]
    return found
