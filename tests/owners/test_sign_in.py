from datetime import datetime, timedelta
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, generate_totp_secret, hotp_value
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core import mail as outbox
from django.core.cache import cache
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import get_resolver, reverse
from django.utils.crypto import salted_hmac
from pytest_django.fixtures import Settings
from redis.exceptions import ConnectionError as RedisIsAway

from maguey.counters import Counters
from owners import attempts, factors, watch
from owners.models import Alert, FailedSignIn, OwnerAssignment
from owners.sign_in import LOCKED, WRONG
from payments import purging, retrying
from payments.models import Email, PaymentFailure
from tests.buying import clock
from tests.owners.console import hire

pytestmark = pytest.mark.django_db

PASSWORD = "maguey"
LOGIN = "/accounts/login/"


@pytest.fixture
def now() -> datetime:
    return clock()


@pytest.fixture
def owner() -> User:
    user = User.objects.create_superuser("owner", "owner@example.com", "maguey")
    OwnerAssignment.objects.create(user=user, role="owner")
    return user


@pytest.fixture
def door() -> User:
    user = User.objects.create_user("door", "door@example.com", "maguey")
    OwnerAssignment.objects.create(user=user, role="door")
    return user


def knock(
    name: str = "owner", password: str = PASSWORD, *, then: str = "", client: Client | None = None, **meta: Any
) -> Any:
    return (client or Client()).post(LOGIN, {"login": name, "password": password, "next": then}, **meta)


def said(answer: Any) -> str:
    return str(answer.content.decode())


def code_of(secret: str, now: datetime) -> str:
    return format_hotp_value(hotp_value(secret, int(now.timestamp()) // 30))


# --- one way in -----------------------------------------------------------------------------------


def test_name_and_password_open_the_console(owner: User) -> None:
    answer = knock()

    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/")
    assert answer.client.get("/admin/").status_code == 200


def test_the_consoles_own_login_page_takes_no_password(owner: User) -> None:
    client = Client()

    answer = client.post("/admin/login/?next=/admin/", {"username": "owner", "password": "maguey"})

    assert answer.headers["Location"] == f"{LOGIN}?next=%2Fadmin%2F"
    assert client.get("/admin/").status_code == 302


def test_the_doors_login_leads_to_the_same_page_and_back(door: User) -> None:
    client = Client()

    asked, posted = client.get("/door/login/"), client.post("/door/login/", {"username": "door", "password": "maguey"})

    assert asked.headers["Location"] == f"{LOGIN}?next=/door/"
    assert posted.status_code == 405
    assert knock("door", then="/door/", client=client).headers["Location"] == "/door/"
    assert client.get("/door/").status_code == 200


def test_door_staff_who_wish_for_nothing_are_led_to_the_door(door: User) -> None:
    client = Client()

    assert knock("door", client=client).headers["Location"] == "/door/"
    assert client.get("/admin/", follow=True).status_code == 403


def test_no_page_but_one_takes_a_name_and_a_password(owner: User) -> None:
    """Try every address that needs no key: nobody is signed in by any but the one."""
    places = {
        pattern for pattern in addresses(get_resolver().url_patterns) if "<" not in pattern and "(" not in pattern
    }
    assert {"accounts/login/", "admin/login/", "door/login/", "accounts/signup/"} <= places
    fields = {"username": "owner", "login": "owner", "password": "maguey", "email": "owner@example.com"}

    lets_in = set()
    for place in sorted(places):
        client = Client(raise_request_exception=False)
        client.post(f"/{place}", fields)
        if "_auth_user_id" in client.session:
            lets_in.add(place)

    assert lets_in == {"accounts/login/"}


def addresses(patterns: Any, before: str = "") -> list[str]:  # Any: patterns and resolvers
    found = []
    for pattern in patterns:
        here = before + str(pattern.pattern).removeprefix("^").removesuffix("$").replace("\\Z", "")
        found += addresses(pattern.url_patterns, here) if hasattr(pattern, "url_patterns") else [here]
    return found


def test_nobody_signs_up(owner: User) -> None:
    fields = {"username": "mallory", "password1": "a sentence that is long", "email": "m@example.com"}

    shown, sent = Client().get("/accounts/signup/"), Client().post("/accounts/signup/", fields)

    assert "Nobody signs up here" in said(shown)
    assert "Nobody signs up here" in said(sent)
    assert User.objects.count() == 1


@pytest.mark.parametrize(
    "page", ["email/", "confirm-email/", "login/code/", "login/code/confirm/", "3rdparty/", "social/"]
)
def test_what_the_house_does_not_open_is_not_there(page: str) -> None:
    assert Client().get(f"/accounts/{page}").status_code == 404


@pytest.mark.parametrize("then", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "/\\evil.example"])
def test_the_way_on_never_leaves_the_house(owner: User, then: str) -> None:
    assert knock(then=then).headers["Location"] == "/admin/"


def test_somebody_shut_out_is_told_so_and_not_let_in(owner: User) -> None:
    User.objects.update(is_active=False)

    answer = knock()

    assert answer.status_code in (200, 302)
    assert "_auth_user_id" not in answer.client.session


def test_a_session_lasts_a_night(owner: User) -> None:
    cookie = knock().cookies[django_settings.SESSION_COOKIE_NAME]

    assert (cookie["max-age"], cookie["httponly"], cookie["samesite"]) == (12 * 60 * 60, True, "Lax")


# --- how often -------------------------------------------------------------------------------------


def test_the_sixth_try_is_locked_even_with_the_right_password(owner: User) -> None:
    for _ in range(5):
        assert WRONG in said(knock(password="wrong"))

    sixth = knock()

    assert LOCKED in said(sixth)
    assert "_auth_user_id" not in sixth.client.session


def test_a_lock_holds_from_another_address_and_by_another_host(owner: User, settings: Settings) -> None:
    """The Host header, a port in it and the capitals of a name are the guesser's to choose."""
    for number in range(5):
        knock("OWNER", "wrong", REMOTE_ADDR=f"10.0.0.{number}", HTTP_HOST=f"127.0.0.1:{8000 + number}")

    assert LOCKED in said(knock(REMOTE_ADDR="10.9.9.9", HTTP_HOST="127.0.0.1:9999"))


def test_a_lock_of_one_name_leaves_the_others_in_peace(owner: User, door: User) -> None:
    for number in range(5):
        knock(password="wrong", REMOTE_ADDR=f"10.0.0.{number}")

    assert knock("door", REMOTE_ADDR="10.0.0.1").status_code == 302


def test_one_address_may_fail_ten_times_a_minute_whoever_it_pretends_to_be(owner: User) -> None:
    for number in range(10):
        assert WRONG in said(knock(f"name{number}", "wrong", REMOTE_ADDR="10.0.0.1"))

    assert LOCKED in said(knock("name10", "wrong", REMOTE_ADDR="10.0.0.1"))
    assert knock(REMOTE_ADDR="10.0.0.2").status_code == 302


def test_behind_a_proxy_the_address_is_what_the_proxy_saw(owner: User, settings: Settings) -> None:
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

    knock(password="wrong", REMOTE_ADDR="172.18.0.1", HTTP_X_FORWARDED_FOR="6.6.6.6, 198.51.100.7")
    settings.SECURE_PROXY_SSL_HEADER = None
    knock(password="wrong", REMOTE_ADDR="172.18.0.1", HTTP_X_FORWARDED_FOR="6.6.6.6")

    assert list(FailedSignIn.objects.order_by("failed_at").values_list("address", flat=True)) == [
        "198.51.100.7",
        "172.18.0.1",
    ]


def test_too_many_knocks_of_any_kind_get_a_kind_page(owner: User) -> None:
    for number in range(30):
        knock(f"n{number}", "wrong")

    answer = knock()

    assert answer.status_code == 429
    assert "Wait a minute" in said(answer)


def test_without_redis_sign_in_goes_on_and_is_still_limited(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def away(*args: object, **kwargs: object) -> None:
        asked.append(args)
        raise RedisIsAway

    for name in ("add", "get", "set", "delete"):
        monkeypatch.setattr(f"django.core.cache.backends.redis.RedisCache.{name}", away)
    monkeypatch.setattr(Counters, "paused_until", 0.0)

    assert knock().status_code == 302
    for _ in range(5):
        assert WRONG in said(knock(password="wrong"))
    assert LOCKED in said(knock())
    assert len(asked) == 1, "a Redis that is away is asked once, not by everybody"


def test_counters_are_forgotten_without_harm_to_the_queue(redis_server: Any) -> None:
    redis_server.lpush("money", "a message")
    cache.set("a", 1)
    cache.incr("a")
    assert (cache.get("a"), cache.add("a", 5), cache.touch("a", 60), cache.delete("nothing")) == (2, False, True, False)

    cache.clear()

    assert cache.get("a") is None
    assert redis_server.llen("money") == 1
    assert [key for key in redis_server.scan_iter() if key.startswith(b"counters:")] == []


# --- the second step -------------------------------------------------------------------------------


def test_staff_of_the_console_see_nothing_before_they_have_a_second_step(owner: User, settings: Settings) -> None:
    settings.STAFF_MFA_REQUIRED = True
    client = Client()
    knock(client=client)

    home, order, door = (client.get(page) for page in ("/admin/", "/admin/payments/order/", "/door/"))
    page = client.get("/accounts/2fa/")

    assert {answer.headers["Location"] for answer in (home, order, door)} == {"/accounts/2fa/"}
    assert "Before you go on" in said(page)
    TOTP.activate(owner, generate_totp_secret())
    assert client.get("/admin/").status_code == 200
    assert "Before you go on" not in said(client.get("/accounts/2fa/"))


def test_staff_without_a_second_step_may_sign_out(owner: User, settings: Settings) -> None:
    settings.STAFF_MFA_REQUIRED = True
    client = Client()
    knock(client=client)

    assert client.post("/admin/logout/").headers["Location"] == LOGIN
    assert "_auth_user_id" not in client.session


def test_recovery_codes_alone_are_no_second_step(owner: User, settings: Settings) -> None:
    settings.STAFF_MFA_REQUIRED = True
    RecoveryCodes.activate(owner)
    client = Client()
    knock(client=client)

    assert client.get("/admin/").headers["Location"] == "/accounts/2fa/"


def test_door_staff_need_no_second_step_and_may_have_one(door: User, settings: Settings) -> None:
    settings.STAFF_MFA_REQUIRED = True
    client = Client()
    knock("door", client=client)

    assert client.get("/door/").status_code == 200
    client.post("/accounts/reauthenticate/", {"password": "maguey"})
    assert client.get("/accounts/2fa/totp/activate/").status_code == 200


def test_a_password_is_not_enough_for_whoever_has_a_second_step(owner: User, now: datetime) -> None:
    secret = generate_totp_secret()
    TOTP.activate(owner, secret)
    client = Client()

    answer = knock(client=client)

    assert answer.headers["Location"] == "/accounts/2fa/authenticate/"
    assert client.get("/admin/").status_code == 302
    assert "does not fit" in said(client.post("/accounts/2fa/authenticate/", {"code": "000000"}))
    assert client.post("/accounts/2fa/authenticate/", {"code": code_of(secret, now)}).headers["Location"] == "/admin/"
    assert client.get("/admin/").status_code == 200


def test_a_code_works_once(owner: User, now: datetime) -> None:
    secret = generate_totp_secret()
    TOTP.activate(owner, secret)
    code, first, second = code_of(secret, now), Client(), Client()
    for client in (first, second):
        knock(client=client)

    first.post("/accounts/2fa/authenticate/", {"code": code})
    again = second.post("/accounts/2fa/authenticate/", {"code": code})

    assert first.get("/admin/").status_code == 200
    assert "does not fit" in said(again)


def test_codes_cannot_be_guessed_at_will(owner: User, now: datetime) -> None:
    secret = generate_totp_secret()
    TOTP.activate(owner, secret)
    client = Client()
    knock(client=client)
    for number in range(5):
        client.post("/accounts/2fa/authenticate/", {"code": f"{number:06}"}, REMOTE_ADDR=f"10.0.0.{number}")

    sixth = client.post("/accounts/2fa/authenticate/", {"code": code_of(secret, now)})

    assert LOCKED in said(sixth)
    assert list(FailedSignIn.objects.values_list("step", flat=True)) == ["code"] * 6


def test_secrets_are_closed_in_the_database_and_outlive_a_new_key(
    owner: User, settings: Settings, now: datetime
) -> None:
    secret = generate_totp_secret()
    kept = TOTP.activate(owner, secret).instance
    assert secret not in str(kept.data)
    old = settings.SECRET_KEY

    settings.SECRET_KEY = "another key, as long as it should be, which is fifty characters"
    assert not TOTP(kept).validate_code(code_of(secret, now))
    settings.SECRET_KEY_FALLBACKS = [old]
    assert TOTP(kept).validate_code(code_of(secret, now))


# --- a forgotten password ---------------------------------------------------------------------------


def test_known_and_unknown_addresses_get_one_answer(owner: User) -> None:
    known, unknown = (
        Client().post("/accounts/password/reset/", {"email": address}, follow=True)
        for address in ("OWNER@example.com", "nobody@example.com")
    )

    assert known.redirect_chain == unknown.redirect_chain == [("/accounts/password/reset/done/", 302)]
    assert known.content == unknown.content
    assert Email.objects.get().recipient == "owner@example.com"
    assert outbox.outbox == []


def test_a_link_gives_a_new_password_once_and_signs_nobody_in(owner: User, now: datetime, settings: Settings) -> None:
    settings.SITE_URL = "https://tickets.example"
    visitor = Client()
    visitor.post("/accounts/password/reset/", {"email": "owner@example.com"}, HTTP_HOST="evil.example")
    retrying.run_due(now=now + timedelta(minutes=1))
    letter = outbox.outbox[0]
    link = next(line for line in str(letter.body).splitlines() if line.startswith("https://tickets.example/"))
    path = link.removeprefix("https://tickets.example")
    new = "cumbia until the morning"

    form = visitor.get(path, follow=True).redirect_chain[0][0]
    visitor.post(form, {"password1": new, "password2": new})

    assert "password/reset/key" not in str(Email.objects.values_list("context", flat=True))
    assert knock().status_code == 200
    assert knock(password=new).status_code == 302
    assert "_auth_user_id" not in visitor.session
    assert "used up" in said(Client().get(path, follow=True))


def test_a_poor_password_is_refused(owner: User) -> None:
    client = Client()
    knock(client=client)

    answer = client.post(
        "/accounts/password/change/", {"oldpassword": "maguey", "password1": "short", "password2": "short"}
    )

    assert "too short" in said(answer)
    assert User.objects.get().check_password("maguey")


def test_a_change_of_how_one_signs_in_is_news_by_email(owner: User, now: datetime) -> None:
    client = Client()
    knock(client=client)
    new = "cumbia until the morning"
    client.post("/accounts/password/change/", {"oldpassword": "maguey", "password1": new, "password2": new})
    retrying.run_due(now=now + timedelta(minutes=1))

    assert [message.to for message in outbox.outbox] == [["owner@example.com"]]
    assert "Your password was changed." in str(outbox.outbox[0].body)


# --- a lost phone ------------------------------------------------------------------------------------


def test_a_superuser_takes_a_lost_phone_away_and_its_sessions_with_it(owner: User, now: datetime) -> None:
    rosa = User.objects.create_user("rosa", "rosa@example.com", "maguey", is_staff=True)
    TOTP.activate(rosa, generate_totp_secret())
    lost, console = Client(), Client()
    lost.force_login(rosa)
    console.force_login(owner)

    answer = console.post(
        reverse("admin:auth_user_changelist"),
        {"action": "forget_second_step", "_selected_action": [rosa.pk]},
        follow=True,
    )

    assert "Taken away and signed out: 1." in said(answer)
    assert not Authenticator.objects.exists()
    assert "_auth_user_id" not in lost.session
    assert "_auth_user_id" in console.session
    assert Email.objects.get().context["what"] == "factors_forgotten"
    assert "Second step taken away." in said(console.get(reverse("admin:auth_user_history", args=[rosa.pk])))


def test_a_superusers_own_second_step_is_not_taken_away_in_passing(owner: User) -> None:
    TOTP.activate(owner, generate_totp_secret())
    console = Client()
    console.force_login(owner)

    answer = console.post(
        reverse("admin:auth_user_changelist"),
        {"action": "forget_second_step", "_selected_action": [owner.pk]},
        follow=True,
    )

    assert "Nothing was changed" in said(answer)
    assert Authenticator.objects.count() == 1


def test_people_are_the_superusers_business(owner: User) -> None:
    rosa = hire("rosa")
    theirs, chief = Client(), Client()
    theirs.force_login(rosa)
    chief.force_login(owner)
    new = "cumbia until the morning"
    fields = {
        "username": "beto",
        "email": "beto@example.com",
        "usable_password": "true",
        "password1": new,
        "password2": new,
    }
    roles = {"assignments-TOTAL_FORMS": "0", "assignments-INITIAL_FORMS": "0"}

    for client in (theirs, chief):
        client.post("/admin/auth/user/add/", {**fields, **roles})

    assert theirs.get("/admin/auth/user/").status_code == 403
    assert theirs.get(f"/admin/auth/user/{owner.pk}/password/").status_code == 403
    assert User.objects.filter(username="beto").count() == 1
    for page in ("", "add/", f"{rosa.pk}/change/", f"{rosa.pk}/password/"):
        assert chief.get(f"/admin/auth/user/{page}").status_code == 200
    assert chief.post(f"/admin/auth/user/{rosa.pk}/delete/", {"post": "yes"}).status_code == 403
    for page in ("mfa/authenticator", "account/emailaddress"):
        assert chief.get(f"/admin/{page}/").status_code == 404


# --- attacks -----------------------------------------------------------------------------------------


def test_of_a_failed_try_nothing_typed_is_kept(owner: User) -> None:
    knock(password="hunter2hunter2")
    knock("my-password-in-the-wrong-box", "x")

    first, second = FailedSignIn.objects.order_by("failed_at")
    digest = salted_hmac("owners.attempts", "my-password-in-the-wrong-box", algorithm="sha256").hexdigest()
    assert (first.user, first.step, first.address) == (owner, "password", "127.0.0.1")
    assert (second.user, second.name_digest) == (None, digest)
    assert "hunter2" not in str(FailedSignIn.objects.values())
    assert "my-password" not in str(FailedSignIn.objects.values())


def test_many_failed_tries_make_one_alert_until_they_end(owner: User, now: datetime, settings: Settings) -> None:
    settings.SIGN_IN_ATTACK_TRIES, settings.SIGN_IN_ATTACK_MINUTES = 4, 10
    for number in range(3):
        attempts.keep(f"nobody{number}", step=attempts.Step.PASSWORD, address="10.0.0.1", now=now)
    watch.look_around(now=now)
    assert not PaymentFailure.objects.exists()

    attempts.keep("Owner", step=attempts.Step.PASSWORD, address="10.0.0.2", now=now)
    watch.look_around(now=now)
    watch.look_around(now=now + timedelta(seconds=30))

    failure = PaymentFailure.objects.get()
    assert (failure.error_code, failure.category, failure.severity) == ("sign_in_attack", "sign_in", "critical")
    assert failure.error_message == (
        "4 tries to sign in failed within 10 minutes, at 4 name(s), from 2 address(es), most from 10.0.0.1. "
        "They try the names of: owner."
    )
    assert sorted(Alert.objects.values_list("channel", "recipient")) == [
        ("console", ""),
        ("email", "owner@example.com"),
    ]

    watch.look_around(now=now + timedelta(minutes=11))
    assert PaymentFailure.objects.get().resolved

    for _ in range(4):
        attempts.keep("x", step=attempts.Step.CODE, address="10.0.0.1", now=now + timedelta(hours=1))
    watch.look_around(now=now + timedelta(hours=1))
    assert PaymentFailure.objects.unresolved().get().error_message.endswith("No name is one of ours.")


def test_locked_tries_count_too(owner: User, now: datetime) -> None:
    for number in range(8):
        knock(password="wrong", REMOTE_ADDR=f"10.0.0.{number}")

    assert FailedSignIn.objects.filter(user=owner).count() == 8


def test_failed_tries_and_dead_sessions_go_after_thirty_days(owner: User, now: datetime) -> None:
    for days in (31, 1):
        attempts.keep("owner", step=attempts.Step.PASSWORD, address="10.0.0.1", now=now - timedelta(days=days))
        Session.objects.create(session_key=f"{days}", session_data="", expire_date=now - timedelta(days=days))

    purged = dict(purging.purge(now=now))

    assert purged == {"failed_sign_ins": 1, "django_session": 1}
    assert (FailedSignIn.objects.count(), Session.objects.get().session_key) == (1, "1")


def test_a_failed_try_is_of_a_known_step(owner: User, now: datetime) -> None:
    with pytest.raises(IntegrityError, match="owners_failedsignin_known_step"), transaction.atomic():
        FailedSignIn.objects.create(user=owner, name_digest="", step="odd", address="", failed_at=now)

    assert not FailedSignIn.objects.exists()


def test_sessions_of_others_are_left_alone(owner: User, door: User, now: datetime) -> None:
    for user in (owner, door):
        Client().force_login(user)

    assert factors.forget(door.pk, now=now) == 0
    assert [session.get_decoded()["_auth_user_id"] for session in Session.objects.all()] == [str(owner.pk)]


# --- what pages may load ------------------------------------------------------------------------------


def test_each_part_of_the_house_has_a_policy_of_its_own(owner: User) -> None:
    client = Client()
    client.force_login(owner)

    policies = {
        page: client.get(page).headers["Content-Security-Policy"] for page in ("/", "/admin/", "/accounts/2fa/")
    }

    assert "unsafe" not in policies["/"]
    assert "unsafe" not in policies["/accounts/2fa/"]
    assert django_settings.STRIPE_SOURCES[0] not in policies["/accounts/2fa/"] + policies["/admin/"]
    assert "script-src 'self' 'unsafe-eval';" in policies["/admin/"] + ";"
    assert all("default-src 'none'" in policy and "frame-ancestors 'none'" in policy for policy in policies.values())
