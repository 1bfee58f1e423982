"""Spanish and English: from the browser, switchable, in every page, letter, date and amount."""

import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel.messages import Catalog
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.test import Client
from django.utils import translation
from pytest_django.fixtures import Settings

from maguey import catalogue
from payments import checkout, emails, expiry, refunds, retrying, times
from payments.gateways.types import IntentStatus
from payments.models import Email, Order, Refund
from tests.buying import buy, hold, intent_of, pay, start
from tests.factories.tickets import EventFactory, PromoCodeFactory, TicketTypeFactory
from tests.fakes import FakeProvider
from tickets import emails as ticket_emails
from tickets import finding
from tickets.documents import pdf
from tickets.models import RefundPolicy, Ticket, TicketType, WaitingGuest

pytestmark = pytest.mark.django_db(transaction=True)

SPANISH = {"accept-language": "es-MX,es;q=0.9,en;q=0.5"}


def spanish() -> Client:
    return Client(headers=SPANISH)


def page(path: str, client: Client | None = None) -> str:
    return str((client or spanish()).get(path, follow=True).content.decode())


@pytest.mark.parametrize(
    ("asked", "said"),
    [("es-MX", "Cartelera"), ("es", "Cartelera"), ("en-US", "What’s on"), ("fr", "What’s on"), ("", "What’s on")],
)
def test_a_page_speaks_the_browsers_language(asked: str, said: str) -> None:
    words = page("/", Client(headers={"accept-language": asked}))

    assert said in words
    assert f'<html lang="{"es" if said == "Cartelera" else "en"}">' in words


def test_a_guest_may_switch_and_stays_where_they_were() -> None:
    guest = Client(headers={"accept-language": "en"})

    answer = guest.post("/language/", {"language": "es", "next": "/find/"})

    assert answer.headers["Location"] == "/find/"
    assert "Buscar mis boletos" in page("/find/", guest)
    assert 'name="language" value="en" lang="en">English' in page("/find/", guest)


def test_a_switch_leads_nowhere_else() -> None:
    answer = Client().post("/language/", {"language": "es", "next": "https://elsewhere.example/"})

    assert answer.headers["Location"] == "/"


def test_the_way_back_from_a_form_with_mistakes_is_a_page_that_can_be_read() -> None:
    type_ = TicketTypeFactory.create()

    words = Client().post(f"/nights/{type_.event.slug}/buy/", {}).content.decode()

    assert f'name="next" value="/nights/{type_.event.slug}/"' in words


def test_an_order_keeps_its_guests_language_in_every_letter(
    provider: FakeProvider, now: datetime, mailoutbox: list[EmailMultiAlternatives]
) -> None:
    event = EventFactory.create(title="Noche de Cumbia")
    type_ = TicketTypeFactory.create(event=event)
    spanish().post(
        f"/nights/{event.slug}/buy/", {"name": "Ana", "email": "ana@example.com", f"quantity_{type_.slug}": "2"}
    )
    order = Order.objects.get()
    pay(provider, order)
    spanish().get(f"/orders/{order.reference}/return/")
    finding.send_links(order.email, now=now)
    refunds.refund_order(order.pk, reason=Refund.Reason.OWNER, cause="c", now=now)
    for seconds in (5, 10):
        retrying.run_due(now=now + timedelta(seconds=seconds))

    subjects = {letter.subject for letter in mailoutbox}
    assert order.language == "es"
    assert subjects == {
        "Tus boletos para Noche de Cumbia",
        "Tu camino de regreso a Noche de Cumbia",
        "Tu dinero de Noche de Cumbia va de regreso",
    }
    confirmation = next(letter for letter in mailoutbox if letter.subject.startswith("Tus boletos"))
    assert "Hola, Ana: tus boletos" in confirmation.body
    assert "Pagaste: $56.00." in confirmation.body


def test_tickets_are_printed_in_the_orders_language(provider: FakeProvider) -> None:
    order = buy(provider)
    order.language = "es"

    with translation.override("es"):
        contents = json.dumps(pdf.contents_of(order, pdf.pages_of(order)), ensure_ascii=False)

    assert "Boleto 1 de 2" in contents
    assert "Puertas" in contents
    assert pdf.order_pdf(order)[:5] == b"%PDF-"


@pytest.mark.parametrize(
    ("language", "day", "full", "short", "date", "hours"),
    [
        ("en", "Friday, December 4", "Friday, December 4, 2026", "Fri, Dec 4", "December 4, 2026", ["9 PM", "9:30 PM"]),
        (
            "es",
            "viernes 4 de diciembre",
            "viernes 4 de diciembre de 2026",
            "vie 4 dic",
            "4 de diciembre de 2026",
            ["21:00", "21:30"],
        ),
    ],
)
def test_moments_are_written_as_each_language_does(  # noqa: PLR0917 (one row a language)
    language: str, day: str, full: str, short: str, date: str, hours: list[str]
) -> None:
    moment = datetime.fromisoformat("2026-12-04T21:00:00-05:00")

    with translation.override(language):
        written = [times.write_day(moment, style) for style in ("day", "full", "short", "date")]
        assert [times.write_hour(moment), times.write_hour(moment + timedelta(minutes=30))] == hours

    assert [words.lower() for words in written] == [day.lower(), full.lower(), short.lower(), date.lower()]


# --- a language in which every translation stands in brackets: what stands outside is not translated ---


@pytest.fixture
def brackets(settings: Settings, tmp_path: Path) -> None:
    """Put every sentence of the catalogue in brackets."""
    made = Catalog(locale="es")
    for message in catalogue.template():
        if message.id:
            sides = [message.id] if isinstance(message.id, str) else message.id
            put = tuple(f"⟦{side}⟧" for side in sides)
            made.add(message.id, put[0] if isinstance(message.id, str) else put)
    place = tmp_path / "es" / "LC_MESSAGES" / "django.mo"
    place.parent.mkdir(parents=True)
    place.write_bytes(catalogue.as_mo(made))
    settings.LOCALE_PATHS = [tmp_path]


class Words(HTMLParser):
    """Read what a page says: its text, and what it says aloud."""

    ALOUD = ("alt", "aria-label", "placeholder", "title")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.said: list[str] = []
        self.within: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "link", "img", "input", "br", "use"):
            self.within.append("other" if tag != "html" and dict(attrs).get("lang") else tag)
        self.said += [value or "" for name, value in attrs if name in self.ALOUD]
        self.said += [value or "" for name, value in attrs if name.startswith("data-") and " " in (value or "")]
        self.said += [value or "" for name, value in attrs if name == "content" and " " in (value or "")]

    def handle_endtag(self, tag: str) -> None:
        if self.within:
            self.within.pop()

    def handle_data(self, data: str) -> None:
        if not {"script", "style", "other"} & set(self.within):
            self.said.append(data)


# What is data, what Django itself translates, and what is said in Spanish in both languages.
DATA = re.compile(
    r"Maguey|Noche de Cumbia|General|Ana Ruiz|\S+@\S+|112 N Market Street, Wilmington,? (DE 19801|Delaware)?|Kike 302|"
    r"width=device-width, initial-scale=1(, viewport-fit=cover)?|noindex(, nofollow)?|https?://\S+|"
    r"lunes|martes|miércoles|jueves|viernes|sábado|domingo|lun|mar|mié|jue|vie|sáb|dom|"
    r"enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|octubre|noviembre|diciembre|"
    r"\b(ene|feb|mar|abr|may|jun|jul|ago|sep|oct|nov|dic)\b|\bde\b|MAGUEY",
    re.IGNORECASE,
)


def outside_brackets(text: str) -> str:
    kept, depth = "", 0
    for letter in text:
        depth += (letter == "⟦") - (letter == "⟧")
        kept += letter if depth == 0 and letter != "⟧" else ""
    return kept


def unsaid(text: str) -> list[str]:
    """Return the words that nobody translated."""
    found = [outside_brackets(said) for said in Words(text).said]
    return [words.strip() for words in found if re.search(r"[^\W\d_]{2,}", DATA.sub("", words))]


def pages_of_a_night(provider: FakeProvider, now: datetime) -> Iterator[tuple[str, str]]:
    """Return every page a guest may come to, by what it is."""
    guest = spanish()
    yield "empty home", page("/")
    type_ = TicketTypeFactory.create(name="General", capacity=30, description="")
    path = f"/nights/{type_.event.slug}/"
    yield "home", page("/")
    yield "night", page(path)
    yield "mistakes", guest.post(f"{path}buy/", {"email": "a", f"quantity_{type_.slug}": "99"}).content.decode()
    yield "nothing", guest.post(f"{path}buy/", {"name": "Ana Ruiz", "email": "ana@example.com"}).content.decode()
    PromoCodeFactory.create(code="CUMBIA")
    yield "code", page(f"{path}?code=cumbia")
    yield "no code", page(f"{path}?code=nada")
    TicketTypeFactory.create(event=type_.event, name="General", sales_start_at=now + timedelta(days=1))
    TicketTypeFactory.create(event=type_.event, name="General", sales_end_at=now + timedelta(days=1))
    TicketTypeFactory.create(event=type_.event, name="General", sales_end_at=now - timedelta(days=1))
    yield "tiers", page(path)
    few = TicketTypeFactory.create(name="General", capacity=3, fee_cents=0)
    yield "few left", page(f"/nights/{few.event.slug}/")
    gone = TicketTypeFactory.create(name="General", capacity=0)
    yield "sold out", page(f"/nights/{gone.event.slug}/")
    wait = f"/nights/{gone.event.slug}/wait/"
    yield "wait, mistyped", guest.post(wait, {"type": gone.slug, "quantity": "1"}).content.decode()
    typed = {"type": gone.slug, "quantity": "1", "name": "Ana Ruiz", "email": "ana@example.com"}
    yield "waits", guest.post(wait, typed, follow=True).content.decode()
    waiter = WaitingGuest.objects.get()
    yield "waiting", page(f"/waiting/{waiter.reference}/")
    yield "left", guest.post(f"/waiting/{waiter.reference}/", follow=True).content.decode()
    for changes in ({"status": "closed"}, {"status": "cancelled"}, {"sales_start_at": now + timedelta(days=1)}):
        shut = TicketTypeFactory.create(name="General", event=EventFactory.create(**changes))
        yield str(changes), page(f"/nights/{shut.event.slug}/")
    yield "find", page("/find/")
    yield "found", guest.post("/find/", {"email": "ana@example.com"}, follow=True).content.decode()
    yield "not here", page("/nowhere/")
    with translation.override("es"):
        for name in ("403", "403_csrf", "429", "500"):
            yield name, render_to_string(f"{name}.html", {"sentence": translation.gettext("One moment")})
    yield from pages_of_orders(type_, provider, now)


def pages_of_orders(type_: TicketType, provider: FakeProvider, now: datetime) -> Iterator[tuple[str, str]]:
    """Return the pages of an order in every state."""
    typed = {"name": "Ana Ruiz", "email": "ana@example.com", f"quantity_{type_.slug}": "1", "code": "CUMBIA"}
    buying = spanish().post(f"/nights/{type_.event.slug}/buy/", typed, follow=True)
    yield "pay with a code", buying.content.decode()
    yield "pay", page(f"/orders/{hold(type_).reference}/pay/")
    twice = hold(type_)
    for _ in range(2):
        spanish().post(f"/orders/{twice.reference}/extend/")
    yield "extended", spanish().post(f"/orders/{twice.reference}/extend/", follow=True).content.decode()
    bought = buy(provider, type_)
    bought.tickets.filter(position=1).update(status=Ticket.Status.VOID, voided_at=now)
    yield "delivered", page(f"/orders/{bought.reference}/")
    yield from pages_of_a_guest(provider, now)
    let_go = hold(type_)
    expiry.cancel_order(let_go.pk, now=now)
    yield "let go", page(f"/orders/{let_go.reference}/")
    yield "ran out", page(f"/orders/{hold(type_, now=now - timedelta(minutes=20)).reference}/")
    waits = hold(type_)
    provider.set_status(intent_of(start(waits)), IntentStatus.PROCESSING)
    checkout.ask_provider(waits, now=now)
    yield "deciding", page(f"/orders/{waits.reference}/")
    comes = hold(type_)
    pay(provider, comes)
    checkout.ask_provider(comes, now=now)
    yield "on the way", page(f"/orders/{comes.reference}/")
    back = buy(provider, type_)
    refunds.refund_order(back.pk, reason=Refund.Reason.OWNER, cause="c", now=now)
    retrying.run_due(now=now + timedelta(seconds=1))
    yield "refunded", page(f"/orders/{back.reference}/")


def pages_of_a_guest(provider: FakeProvider, now: datetime) -> Iterator[tuple[str, str]]:
    """Return the pages on which a guest gives, mends and cancels."""
    type_ = TicketTypeFactory.create(name="General")
    RefundPolicy.objects.create(event=type_.event, fees_come_back=False)
    order = buy(provider, type_)
    home = f"/orders/{order.reference}/"
    yield "night with terms", page(f"/nights/{type_.event.slug}/")
    yield "cancellable", page(home)
    yield "cancel", page(f"{home}cancel-tickets/")
    yield "give", spanish().post(f"{home}tickets/1/give/", {}).content.decode()
    to_friend = {"name": "Ana Ruiz", "email": "eva@example.com"}
    yield "given", spanish().post(f"{home}tickets/1/give/", to_friend, follow=True).content.decode()
    yield "cannot cancel", spanish().post(f"{home}cancel-tickets/", {"shown_cents": "1"}, follow=True).content.decode()
    yield "ticket", page(f"/tickets/{order.tickets.get(position=1).holder_reference}/")
    yield "mended", spanish().post(f"{home}address/", {"email": "a@example.com"}, follow=True).content.decode()
    yield "not mended", spanish().post(f"{home}address/", {"email": "a"}, follow=True).content.decode()


@pytest.mark.usefixtures("brackets")
def test_no_page_says_anything_untranslated(provider: FakeProvider, now: datetime) -> None:
    pages = dict(pages_of_a_night(provider, now))

    assert all("⟦" in text for text in pages.values())
    left = {name: unsaid(text) for name, text in pages.items()}
    assert {name: words for name, words in left.items() if words} == {}


@pytest.mark.usefixtures("brackets")
def test_no_letter_says_anything_untranslated(
    provider: FakeProvider, now: datetime, mailoutbox: list[EmailMultiAlternatives]
) -> None:
    order = buy(provider, TicketTypeFactory.create(name="General"))
    Order.objects.update(language="es")
    finding.send_links(order.email, now=now)
    refunds.refund_order(order.pk, reason=Refund.Reason.OWNER, cause="c", now=now)
    for seconds in (5, 10):
        retrying.run_due(now=now + timedelta(seconds=seconds))

    late = emails.late_payment_refunded(Email(order=Order.objects.get(), recipient=order.email))
    assert len(mailoutbox) == 3
    words = {
        "language": "es",
        "reference": "x",
        "title": "Maguey",
        "name": "Ana Ruiz",
        "type": "General",
        "quantity": "2",
    }
    joined = ticket_emails.waiting_joined(Email(recipient=order.email, context=words))
    offered = ticket_emails.waiting_offered(Email(order=Order.objects.get(), recipient=order.email))
    about = {"name": "Ana Ruiz", "to": "Ana Ruiz", "type": "General", "reference": "x"}
    received, given = (
        write(Email(order=Order.objects.get(), recipient=order.email, context=about))
        for write in (ticket_emails.ticket_received, ticket_emails.ticket_given)
    )
    for letter in [late, joined, offered, received, given, *mailoutbox]:
        html = str(letter.alternatives[0][0])
        assert (unsaid(letter.subject), unsaid(letter.body), unsaid(html)) == ([], [], []), letter.subject


def test_what_is_not_translated_is_found() -> None:
    """The positive control."""
    assert unsaid("<p>⟦Hello Ana⟧</p><p>Plain words</p><img alt='A picture'>") == ["Plain words", "A picture"]
