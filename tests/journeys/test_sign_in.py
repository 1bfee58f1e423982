"""Staff sign in with a real browser: passwords, codes, passkeys, locks; and the console loads nothing it should not."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.contrib.auth.models import User
from django.urls import reverse
from django_celery_beat.models import CrontabSchedule, PeriodicTask
from playwright.sync_api import ConsoleMessage, Page, Request, expect
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from owners.models import OwnerAssignment
from tests.factories.tickets import EventFactory, TicketTypeFactory
from tests.journeys.test_pages import check
from tickets.models import Event
from vip import tables

pytestmark = pytest.mark.django_db(transaction=True)

WIDTHS = (390, 1280)
Look = Callable[[str], None]


@pytest.fixture
def owner(transactional_db: None) -> User:
    return User.objects.create_superuser("owner", "owner@example.com", "maguey")


@pytest.fixture
def staff(guest: Page, live_server: LiveServer, owner: User) -> Iterator[Page]:
    """Return a page of somebody who works here; it may break no policy and ask no other house for anything."""
    wrong: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text or message.type == "error":
            wrong.append(message.text)

    def watch(request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https") and parts.netloc != urlsplit(live_server.url).netloc:
            wrong.append(request.url)

    guest.on("console", listen)
    guest.on("request", watch)
    yield guest
    assert wrong == []


@pytest.fixture
def look(staff: Page, pictures: Path) -> Look:
    """Return what looks at a page at both widths: a picture, nothing sideways, nothing axe objects to."""

    def at_both_widths(name: str) -> None:
        for width in WIDTHS:
            staff.set_viewport_size({"width": width, "height": 900})
            check(staff, pictures / f"sign-in-{name}-{width}.png")

    return at_both_widths


def sign_in(page: Page, *, password: str = "maguey", name: str = "owner") -> None:  # noqa: S107 (the demo's)
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()


def show_again_that_it_is_me(page: Page) -> None:
    page.get_by_label("Password").fill("maguey")
    page.get_by_role("button", name="Go on").click()


def code_of(secret: str) -> str:
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30))


def test_an_owner_must_add_an_app_and_then_signs_in_with_its_code_or_once_with_a_recovery_code(
    staff: Page, look: Look, live_server: LiveServer, settings: Settings
) -> None:
    settings.STAFF_MFA_REQUIRED = True
    staff.goto(live_server.url + "/admin/payments/order/")
    look("password")
    sign_in(staff)
    expect(staff.get_by_text("Before you go on")).to_be_visible()
    look("required")

    staff.get_by_role("link", name="Add an app").click()
    look("again")
    show_again_that_it_is_me(staff)
    secret = staff.get_by_label("No camera?").input_value()
    look("app")
    staff.get_by_label("Code").fill(code_of(secret))
    staff.get_by_role("button", name="Add it").click()
    expect(staff.get_by_role("heading", name="Recovery codes")).to_be_visible()
    look("codes")
    recovery = staff.locator(".codes code").first.inner_text()
    with staff.expect_download() as download:
        staff.get_by_role("link", name="Download them").click()
    assert recovery in Path(download.value.path()).read_text()
    staff.get_by_role("link", name="go on to the console").click()
    expect(staff).to_have_url(live_server.url + "/admin/")

    sign_out(staff, live_server)
    sign_in(staff)
    expect(staff.get_by_role("button", name="Use a passkey")).to_have_count(0)
    look("code")
    staff.get_by_label("Code").fill("000000")
    staff.get_by_role("button", name="Sign in", exact=True).click()
    expect(staff.get_by_text("That code does not fit")).to_be_visible()
    staff.get_by_label("Code").fill(code_of(secret))
    staff.get_by_role("button", name="Sign in", exact=True).click()
    expect(staff).to_have_url(live_server.url + "/admin/")

    for works in (True, False):
        sign_out(staff, live_server)
        sign_in(staff)
        staff.get_by_label("Code").fill(recovery)
        staff.get_by_role("button", name="Sign in", exact=True).click()
        if works:
            expect(staff).to_have_url(live_server.url + "/admin/")
    expect(staff.get_by_text("That code does not fit")).to_be_visible()
    look("code-dead")


def sign_out(page: Page, live_server: LiveServer) -> None:
    page.goto(live_server.url + "/accounts/logout/")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_an_owner_adds_a_passkey_and_signs_in_with_it_alone(
    staff: Page, look: Look, live_server: LiveServer, owner: User
) -> None:
    device = staff.context.new_cdp_session(staff)
    device.send("WebAuthn.enable")
    device.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )
    staff.goto(live_server.url + "/accounts/login/?next=/accounts/2fa/webauthn/add/")
    sign_in(staff)
    show_again_that_it_is_me(staff)
    look("passkey-add")
    staff.get_by_label("Its name").fill("My telephone")
    staff.get_by_role("button", name="Add it").click()
    expect(staff.get_by_role("heading", name="Recovery codes")).to_be_visible()
    staff.goto(live_server.url + "/accounts/2fa/")
    expect(staff.get_by_text("You have 1 passkey.")).to_be_visible()
    look("factors")
    staff.get_by_role("link", name="Look at my passkeys").click()
    look("passkeys")

    sign_out(staff, live_server)
    staff.get_by_role("button", name="Sign in with a passkey").click()
    expect(staff).to_have_url(live_server.url + "/admin/")

    sign_out(staff, live_server)
    sign_in(staff)
    staff.get_by_role("button", name="Use a passkey").click()
    expect(staff).to_have_url(live_server.url + "/admin/")

    staff.goto(live_server.url + "/accounts/2fa/webauthn/")
    staff.get_by_role("link", name="Take away My telephone").click()
    expect(staff.get_by_role("heading", name="Is it still you?")).to_be_visible()
    show_again_that_it_is_me(staff)
    look("passkey-away")
    staff.get_by_role("button", name="Take it away").click()
    expect(staff.get_by_text("You have none.")).to_be_visible()


def test_the_door_signs_in_by_the_same_page_and_the_sixth_try_is_locked(
    staff: Page, look: Look, live_server: LiveServer
) -> None:
    door = User.objects.create_user("door", password="maguey")
    OwnerAssignment.objects.create(user=door, role="door")
    staff.goto(live_server.url + "/door/login/")
    sign_in(staff, name="door")
    expect(staff).to_have_url(live_server.url + "/door/")

    staff.get_by_role("button", name="Sign out").click()
    for _ in range(5):
        sign_in(staff, name="door", password="wrong")
        expect(staff.get_by_text("do not go together")).to_be_visible()
    look("wrong")
    sign_in(staff, name="door")
    expect(staff.get_by_text("Too many tries. Wait five minutes")).to_be_visible()
    look("locked")


def test_the_pages_around_signing_in_are_sound(staff: Page, look: Look, live_server: LiveServer) -> None:
    for name, page in {
        "closed": "signup/",
        "forgotten": "password/reset/",
        "sent": "password/reset/done/",
        "dead-link": "password/reset/key/1-set-password/",
        "inactive": "inactive/",
    }.items():
        staff.goto(f"{live_server.url}/accounts/{page}")
        look(name)
    staff.goto(f"{live_server.url}/accounts/login/?next=/accounts/password/change/")
    sign_in(staff)
    look("change")
    staff.emulate_media(color_scheme="dark")
    staff.goto(f"{live_server.url}/accounts/logout/")
    look("sign-out-dark")


@pytest.fixture
def night(transactional_db: None) -> Event:
    event = EventFactory.create(slug="noche")
    tables.lay_out(event)
    TicketTypeFactory.create(event=event)
    return event


@pytest.mark.prove
def test_the_console_keeps_to_its_policy(
    staff: Page, live_server: LiveServer, night: Event, owner: User, pictures: Path
) -> None:
    staff.set_viewport_size({"width": 1280, "height": 900})
    staff.goto(live_server.url + "/admin/")
    sign_in(staff)
    expect(staff).to_have_url(live_server.url + "/admin/")
    every_minute = CrontabSchedule.objects.create(minute="*")
    clockwork = PeriodicTask.objects.create(name="Sweep", task="payments.tasks.sweep", crontab=every_minute)
    places = [
        reverse("admin:payments_order_changelist"),
        reverse("admin:owners_alert_changelist"),
        reverse("admin:owners_staffkey_add"),
        reverse("admin:tickets_event_add"),
        reverse("admin:tickets_event_change", args=[night.pk]),
        reverse("admin:tickets_event_reservations", args=[night.pk]),
        reverse("admin:django_celery_beat_periodictask_change", args=[clockwork.pk]),
        reverse("admin:auth_user_changelist"),
        reverse("admin:auth_user_add"),
        reverse("admin:auth_user_change", args=[owner.pk]),
        reverse("api:docs"),
    ]

    for place in places:
        staff.goto(live_server.url + place)
        staff.wait_for_load_state("networkidle")
        if "auth/user" in place:
            staff.screenshot(
                path=pictures / f"console-people-{place.strip('/').rpartition('/')[2]}.png", full_page=True
            )

    expect(staff.get_by_text("/api/v1/orders/", exact=True).first).to_be_visible()
    staff.goto(live_server.url + "/admin/")
    staff.locator("a[href='/accounts/2fa/']").first.evaluate("link => link.click()")
    expect(staff.get_by_role("heading", name="Two-step sign-in")).to_be_visible()
