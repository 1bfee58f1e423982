"""Every page at a phone's and a desktop's width: a picture to look at, nothing sideways, nothing axe objects to."""

from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.template.loader import render_to_string
from playwright.sync_api import Browser, Page, ViewportSize, expect
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from payments import checkout, expiry, fulfilment, refunds, retrying
from payments.gateways.types import IntentStatus
from payments.models import Order, Refund
from payments.orders import Buyer
from payments.sandbox.server import Server
from tests.browser import ARGUMENTS
from tests.factories.tickets import EventFactory, PromoCodeFactory, TicketTypeFactory
from tests.fakes import FakeProvider
from tickets import checkout as ticket_checkout
from tickets import transfers
from tickets.models import Event, RefundPolicy, Ticket, WaitingGuest

pytestmark = pytest.mark.django_db(transaction=True)

AXE = Path(__file__).parents[1] / "vendor" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
# The provider's own frames are the provider's to mend.
RUN = """axe.run({exclude: ["iframe"]}, {runOnly: %s, rules: {"target-size": {enabled: true}}, iframes: false})
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


def deciding(event: Event, provider: FakeProvider) -> Order:
    """Pay by a bank that takes its time."""
    order, now = hold(event), datetime.now(tz=UTC)
    checkout.start_payment(order.pk, provider="stripe", mode="elements", now=now)
    provider.set_status(next(reversed(provider.intents)), IntentStatus.PROCESSING)
    checkout.ask_provider(order, now=now)
    return order


def let_go(event: Event, provider: FakeProvider) -> Order:
    """Hold places and give them back."""
    order = hold(event)
    expiry.cancel_order(order.pk, now=datetime.now(tz=UTC))
    return order


def half_used(event: Event, provider: FakeProvider) -> Order:
    """Deliver two tickets: one guest is in, the other's is no longer valid."""
    order, now = delivered(event, provider), datetime.now(tz=UTC)
    first, second = order.tickets.order_by("position")
    first.move_to(Ticket.Status.ADMITTED, now=now)
    second.move_to(Ticket.Status.VOID, now=now)
    return order


def half_given(event: Event, provider: FakeProvider) -> Order:
    """Deliver two tickets under terms, and give one to a friend."""
    order, now = cancellable(event, provider), datetime.now(tz=UTC)
    transfers.give(order.tickets.get(position=2).pk, name="Eva", email="eva@example.com", giver=None, now=now)
    return order


def cancellable(event: Event, provider: FakeProvider) -> Order:
    """Deliver two tickets of a night that gives money back."""
    RefundPolicy.objects.create(event=event)
    return delivered(event, provider)


PAGES = ["/", "/nights/noche-de-cumbia/", "/nights/sonidera/", "/nights/posada/", "/find/", "/nowhere/"]
ORDERS: dict[str, Callable[[Event, FakeProvider], Order]] = {
    "delivered": delivered,
    "half_used": half_used,
    "half_given": half_given,
    "cancellable": cancellable,
    "refunded": refunded,
    "on_the_way": on_the_way,
    "deciding": deciding,
    "let_go": let_go,
    "ran_out": lambda event, provider: hold(event, ago=20),
}


@pytest.fixture(params=[320, *(pytest.param(width, marks=pytest.mark.prove) for width in (390, 1280))])
def screen(request: pytest.FixtureRequest, guest: Page) -> Page:
    """Return a page on the smallest phone, and in the long form on a usual one and a desktop."""
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


def test_giving_mending_and_cancelling_are_sound(
    programme: dict[str, Event], provider: FakeProvider, screen: Page, live_server: LiveServer, pictures: Path
) -> None:
    order = cancellable(programme["noche-de-cumbia"], provider)
    home, width = f"{live_server.url}/orders/{order.reference}/", width_of(screen)
    screen.goto(home)
    screen.get_by_text("Wrong address?").click()
    check(screen, pictures / f"order-mend-{width}.png")
    screen.get_by_label("Email").fill("anna@example.com")
    screen.get_by_role("button", name="Send my tickets there").click()
    expect(screen.get_by_text("on their way to anna@example.com").first).to_be_visible()

    screen.get_by_role("link", name="Cancel my tickets").click()
    expect(screen.get_by_role("heading", name="You get $57.00 back")).to_be_visible()
    check(screen, pictures / f"cancel-{width}.png")
    screen.get_by_role("link", name="Keep my tickets").click()

    screen.get_by_role("link", name="Give to a friend Ticket 2 of 2").click()
    screen.get_by_role("button", name="Give it").click()
    expect(screen.get_by_text("Type your friend’s email")).to_be_visible()
    check(screen, pictures / f"give-{width}.png")
    screen.get_by_label("Your friend’s name").fill("Eva")
    screen.get_by_label("Your friend’s email").fill("eva@example.com")
    screen.get_by_role("button", name="Give it").click()
    expect(screen.get_by_text("The ticket is Eva’s now.")).to_be_visible()

    screen.goto(f"{live_server.url}/tickets/{order.tickets.get(position=2).holder_reference}/")
    check(screen, pictures / f"ticket-{width}.png")


@pytest.mark.parametrize("where", ["home", "night", "pay", "delivered", "find"])
def test_a_page_in_spanish_is_sound(  # noqa: PLR0917 (fixtures)
    programme: dict[str, Event],
    provider: FakeProvider,
    screen: Page,
    live_server: LiveServer,
    where: str,
    pictures: Path,
) -> None:
    screen.set_extra_http_headers({"Accept-Language": "es-MX"})
    screen.goto(live_server.url + place(where, programme["noche-de-cumbia"], provider))
    if where == "pay":
        expect(screen.get_by_text("No se pudo abrir el campo de la tarjeta.")).to_be_visible()

    check(screen, pictures / f"es-{where}-{width_of(screen)}.png")


@pytest.mark.parametrize("name", ["403", "403_csrf", "429", "500"])
def test_a_sorry_page_is_sound(screen: Page, live_server: LiveServer, name: str, pictures: Path) -> None:
    words = render_to_string(f"{name}.html", {"sentence": "You are going a little fast.", "way_back": "/"})
    screen.route("**/sorry/", lambda route: route.fulfill(body=words, content_type="text/html"))

    screen.goto(f"{live_server.url}/sorry/")

    check(screen, pictures / f"{name}-{width_of(screen)}.png")


def test_an_empty_programme_is_sound(screen: Page, live_server: LiveServer, pictures: Path) -> None:
    screen.goto(live_server.url)

    expect(screen.get_by_text("The next nights are being put together")).to_be_visible()
    check(screen, pictures / f"home-empty-{width_of(screen)}.png")


def test_a_night_with_mistakes_and_a_hint_is_sound(
    programme: dict[str, Event], screen: Page, live_server: LiveServer, pictures: Path
) -> None:
    screen.goto(f"{live_server.url}/nights/noche-de-cumbia/")
    screen.get_by_role("button", name="One Early more").click()
    screen.get_by_role("button", name="Hold my places").click()
    expect(screen.locator("#id_name")).to_be_focused()
    assert screen.title().startswith("Please look again")

    screen.locator("#id_email").fill("ana@gmial.com")
    screen.locator("#id_email").blur()
    screen.get_by_text("all in").first.click()

    expect(screen.get_by_text("Did you mean ana@gmail.com?")).to_be_visible()
    check(screen, pictures / f"night-mistakes-{width_of(screen)}.png")


@pytest.mark.parametrize("code", ["cumbia", "nada"])
def test_a_night_with_a_code_and_tiers_is_sound(
    programme: dict[str, Event], screen: Page, live_server: LiveServer, code: str, pictures: Path
) -> None:
    event = programme["noche-de-cumbia"]
    PromoCodeFactory.create(code="CUMBIA", percent=15)
    event.ticket_types.filter(slug="early").update(sales_end_at=event.doors_at - timedelta(days=1))
    event.ticket_types.filter(slug="ultima-hora").update(sales_start_at=event.doors_at - timedelta(days=1))
    screen.goto(f"{live_server.url}/nights/noche-de-cumbia/")
    screen.get_by_text("I have a code").click()
    screen.get_by_label("Code").fill(code)
    screen.get_by_role("button", name="Show its prices").click()

    expect(
        screen.get_by_text("in the prices below" if code == "cumbia" else "not valid for this night")
    ).to_be_visible()
    check(screen, pictures / f"night-code-{code}-{width_of(screen)}.png")


def test_choosing_nothing_is_sound(
    programme: dict[str, Event], screen: Page, live_server: LiveServer, pictures: Path
) -> None:
    screen.goto(f"{live_server.url}/nights/noche-de-cumbia/")
    screen.locator("#id_name").fill("Ana Ruiz")
    screen.locator("#id_email").fill("ana@example.com")
    screen.get_by_role("button", name="Hold my places").click()

    expect(screen.get_by_role("alert")).to_have_text("Choose at least one ticket.")
    check(screen, pictures / f"night-nothing-{width_of(screen)}.png")


def test_waiting_is_sound_mistyped_and_done(
    programme: dict[str, Event], screen: Page, live_server: LiveServer, pictures: Path
) -> None:
    screen.goto(f"{live_server.url}/nights/sonidera/")
    screen.get_by_role("button", name="Put me in the line").click()
    expect(screen.get_by_text("Type your name")).to_be_visible()
    check(screen, pictures / f"wait-mistyped-{width_of(screen)}.png")

    screen.get_by_label("Name").fill("Ana Ruiz")
    screen.get_by_label("Email").fill("ana@example.com")
    screen.get_by_role("button", name="Put me in the line").click()
    expect(screen.get_by_text("You are in the line.")).to_be_visible()
    check(screen, pictures / f"wait-done-{width_of(screen)}.png")

    screen.goto(f"{live_server.url}/waiting/{WaitingGuest.objects.get().reference}/")
    check(screen, pictures / f"waiting-{width_of(screen)}.png")


def test_finding_is_sound_mistyped_and_done(
    programme: dict[str, Event], screen: Page, live_server: LiveServer, pictures: Path
) -> None:
    screen.goto(f"{live_server.url}/find/")
    screen.get_by_label("Email").fill("ana")
    screen.get_by_role("button", name="Send it to me").click()
    expect(screen.get_by_text("This address is not complete")).to_be_visible()
    check(screen, pictures / f"find-mistyped-{width_of(screen)}.png")

    screen.get_by_label("Email").fill("ana@example.com")
    screen.get_by_role("button", name="Send it to me").click()
    expect(screen.get_by_text("an email is on its way")).to_be_visible()
    check(screen, pictures / f"find-sent-{width_of(screen)}.png")


def test_the_pay_page_is_sound_idle_covered_and_failed(
    club: Server, programme: dict[str, Event], screen: Page, live_server: LiveServer, pictures: Path
) -> None:
    width = width_of(screen)
    open_pay(screen, live_server, hold(programme["noche-de-cumbia"]))
    check(screen, pictures / f"pay-{width}.png")

    screen.evaluate("document.querySelector('card-checkout').cover('Talking to your bank…')")
    screen.wait_for_timeout(600)
    check(screen, pictures / f"pay-covered-{width}.png", full=False)

    screen.evaluate(
        """() => { const box = document.querySelector('card-checkout'); box.uncover();
        box.tell(box.say('declined')); box.toast.show(box.say('failed')); }"""
    )
    expect(screen.locator("[data-pay]")).to_be_focused()
    assert not overlap(screen, "[data-toast]", "[data-pay]")
    check(screen, pictures / f"pay-failed-{width}.png", full=False)


def test_the_pay_page_is_sound_in_its_last_minutes(
    club: Server, programme: dict[str, Event], screen: Page, live_server: LiveServer, pictures: Path
) -> None:
    order = hold(programme["noche-de-cumbia"], ago=13.2)
    open_pay(screen, live_server, order)
    expect(screen.locator("hold-countdown")).to_have_class("is-soon")
    check(screen, pictures / f"pay-soon-{width_of(screen)}.png", full=False)

    screen.get_by_role("button", name="Keep my places").click()
    expect(screen.get_by_role("button", name="Keep my places")).to_have_count(0)
    screen.request.post(f"{live_server.url}/orders/{order.reference}/extend/")
    check(screen, pictures / f"pay-extended-{width_of(screen)}.png", full=False)


def test_the_pay_page_leads_to_the_providers_own(
    programme: dict[str, Event], screen: Page, live_server: LiveServer, settings: Settings, pictures: Path
) -> None:
    settings.STRIPE_MODE = "checkout"
    screen.goto(f"{live_server.url}/orders/{hold(programme['noche-de-cumbia']).reference}/pay/")

    check(screen, pictures / f"pay-hosted-{width_of(screen)}.png")


@pytest.mark.parametrize("where", ["home", "night", "pay", "delivered", "find"])
@pytest.mark.parametrize("how", ["zoom", *(pytest.param(how, marks=pytest.mark.prove) for how in ("type", "spacing"))])
def test_larger_type_loses_nothing(  # noqa: PLR0917 (fixtures)
    programme: dict[str, Event],
    provider: FakeProvider,
    browser: Browser,
    launch_browser: Callable[..., Browser],
    live_server: LiveServer,
    where: str,
    how: str,
    pictures: Path,
) -> None:
    """Hold at 200 % zoom, at twice the browser's own type, and with the spacing readers may ask for."""
    twice = [*ARGUMENTS, "--blink-settings=defaultFontSize=32"]
    size: ViewportSize = {"width": 640, "height": 400} if how == "zoom" else {"width": 1280, "height": 800}
    with (
        launch_browser(args=twice) if how == "type" else nullcontext(browser) as one,
        one.new_page(viewport=size) as page,
    ):
        page.goto(live_server.url + place(where, programme["noche-de-cumbia"], provider))
        if where == "pay":
            expect(page.get_by_text("The card field could not be opened.")).to_be_visible()
        if how == "spacing":
            page.evaluate(SPACING)

        check(page, pictures / f"larger-{how}-{where}.png")
        assert page.evaluate(CUT_OFF) == []
        if where == "night":
            assert not overlap(page, ".poster-date", ".poster-title")


def place(where: str, event: Event, provider: FakeProvider) -> str:
    """Return the address of a page of a night, with an order made for it where it needs one."""
    if where in ("home", "find"):
        return "/" if where == "home" else "/find/"
    if where == "night":
        return f"/nights/{event.slug}/"
    if where == "delivered":
        return f"/orders/{delivered(event, provider).reference}/"
    return f"/orders/{hold(event).reference}/pay/"


def test_nothing_moves_for_those_who_asked_for_rest(
    club: Server, programme: dict[str, Event], guest: Page, live_server: LiveServer
) -> None:
    guest.emulate_media(reduced_motion="reduce")
    open_pay(guest, live_server, hold(programme["noche-de-cumbia"]))

    guest.evaluate("document.querySelector('card-checkout').cover('Talking to your bank…')")

    expect(guest.locator("[data-overlay]")).to_be_visible()
    assert guest.evaluate("document.getAnimations().length") == 0


def test_something_moves_for_everybody_else(
    club: Server, programme: dict[str, Event], guest: Page, live_server: LiveServer
) -> None:
    open_pay(guest, live_server, hold(programme["noche-de-cumbia"]))

    guest.evaluate("document.querySelector('card-checkout').cover('Talking to your bank…')")

    assert guest.evaluate("document.getAnimations().length") > 0


def test_axe_finds_what_is_wrong(programme: dict[str, Event], guest: Page, live_server: LiveServer) -> None:
    """The positive control: a page made worse is objected to."""
    guest.goto(f"{live_server.url}/find/")

    guest.evaluate("document.querySelector('label').remove()")
    guest.evaluate("document.querySelector('main p').style.color = '#5a3a3a'")
    guest.evaluate(
        """for (const name of ["x", "y"]) { const small = document.createElement("button"); small.textContent = name;
        small.style.cssText = "padding: 0; width: 9px; height: 9px"; document.querySelector("main").append(small); }"""
    )

    assert {rule for rule, _ in objections(guest)} == {"label", "color-contrast", "target-size"}


SPACING = """() => { const sheet = new CSSStyleSheet(); document.adoptedStyleSheets = [sheet];
  sheet.replaceSync(`* { line-height: 1.5 !important; letter-spacing: 0.12em !important;
    word-spacing: 0.16em !important; } p { margin-bottom: 2em !important; }`); }"""
# Words that some box around them hides.
CUT_OFF = """[...document.querySelectorAll("main :is(h1, h2, h3, p, a, label, button, dd, dt, summary, li)")]
  .filter(part => !part.classList.contains("visually-hidden"))
  .filter(part => {
    const words = part.getBoundingClientRect();
    for (let box = part; box; box = box.parentElement) {
      if (getComputedStyle(box).overflow !== "hidden") continue;
      const frame = box.getBoundingClientRect();
      if (words.bottom > frame.bottom + 1 || words.right > frame.right + 1) return true;
      if (box === part && part.scrollHeight > part.clientHeight + 1) return true;
    }
    return false;
  }).map(part => part.outerHTML.slice(0, 80))"""


def open_pay(page: Page, live_server: LiveServer, order: Order) -> None:
    """Open an order's pay page and wait for the card field."""
    page.goto(f"{live_server.url}/orders/{order.reference}/pay/")
    page.frame_locator("[data-card] iframe").get_by_label("Card number").wait_for()


def overlap(page: Page, one: str, other: str) -> bool:
    """Say whether two parts of a page lie over one another."""
    a, b = page.locator(one).bounding_box(), page.locator(other).bounding_box()
    assert a
    assert b
    apart = a["x"] + a["width"] <= b["x"] or b["x"] + b["width"] <= a["x"]
    return not (apart or a["y"] + a["height"] <= b["y"] or b["y"] + b["height"] <= a["y"])


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
