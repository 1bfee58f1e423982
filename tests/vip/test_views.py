import re
from datetime import datetime, timedelta

import pytest
from django.test import Client

from payments import checkout, rate_limits, retrying
from payments.gateways.types import IntentStatus
from payments.models import Email, Order, Refund
from tests.buying import clock, hold, intent_of, mark_on, start
from tests.factories.tickets import EventFactory, in_days
from tests.factories.vip import TableFactory, buy_table, hold_table, reservation_in
from tests.fakes import FakeProvider
from tests.threads import all_at_once
from tickets.models import RefundPolicy
from vip import floor, forms, passes, tables
from vip.models import GuestPass, Table, TableChange, VipReservation

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def room(now: datetime) -> dict[str, Table]:
    """Return the whole room of a night, by code."""
    event = EventFactory.create(slug="noche")
    tables.lay_out(event)
    return {table.code: table for table in event.tables.all()}


def typed(table: Table, **changes: str) -> dict[str, str]:
    arrival = forms.arrivals(table.event)[2].isoformat()
    person = {"name": "Ana Ruiz", "email": "ana@example.com", "phone": "+1 302 555 0100"}
    return {"party_size": "4", "arrives_at": arrival, "accepts_terms": "on", **person, **changes}


def text(path: str, *, status: int = 200) -> str:
    answer = Client().get(path)
    assert answer.status_code == status
    return answer.content.decode()


def main_of(page: str) -> str:
    return page.partition("<main")[2].partition("</main>")[0]


def test_the_room_shows_every_table_on_the_map_and_in_the_list(room: dict[str, Table], provider: FakeProvider) -> None:
    buy_table(provider, room["S1"], size=2)
    hold_table(room["S2"], size=2)
    Table.objects.filter(code="S3").update(blocked=True, blocked_reason="repairs")

    page = text("/nights/noche/tables/")

    spots = dict(re.findall(r'<a class="spot[^"]*" data-code="(\w+)" data-state="(\w+)"', page))
    cards = dict(re.findall(r'<li class="table-card[^"]*" data-code="(\w+)" data-state="(\w+)"', page))
    assert len(spots) == 26
    assert spots == cards
    assert (spots["S1"], spots["S2"], spots["S3"], spots["S4"]) == ("taken", "held", "blocked", "free")
    assert "repairs" not in page
    assert "Table P1, Premium, 6 to 12 people, $1,200.00 now: Free" in page
    assert "Champagne 750 ml" in page
    assert ' href="/nights/noche/tables/S1/' not in page
    assert page.count(' href="/nights/noche/tables/S4/"') == 2
    assert "23 tables are free" in page


def test_tables_that_do_not_fit_the_party_are_marked(room: dict[str, Table]) -> None:
    page = text("/nights/noche/tables/?party=7")

    unfit = set(re.findall(r'<li class="table-card is-unfit" data-code="(\w+)"', page))
    assert unfit == {f"S{number}" for number in range(1, 19)}
    assert "/nights/noche/tables/F1/?party=7" in page
    assert text("/nights/noche/tables/?party=many").count("is-unfit") == 0


def test_an_open_page_hears_how_every_table_stands(room: dict[str, Table]) -> None:
    hold_table(room["F2"], size=4)

    found = Client().get("/nights/noche/tables/state/").json()

    states = {table["code"]: table["state"] for table in found["tables"]}
    assert (states["F2"], states["F1"], found["free"]) == ("held", "free", 25)


def test_a_hold_whose_time_is_up_is_shown_free(room: dict[str, Table], now: datetime) -> None:
    hold_table(room["F2"], now=now - timedelta(minutes=16))

    assert '"F2" data-state="free"' in text("/nights/noche/tables/")


def test_the_form_says_what_is_paid_now_and_on_the_night(room: dict[str, Table]) -> None:
    page = text("/nights/noche/tables/F1/?party=5&name=Ana")

    assert "$240.00" in page
    assert "$800.00 on the night" in page
    assert "$144.00 at the minimum" in page
    assert "$704.00 on the night, of $944.00 in all" in page
    assert '<option value="5" selected>' in page
    assert 'value="Ana"' in page
    assert "nothing comes back" in page


@pytest.mark.parametrize(("code", "total"), [("P1", 120_000), ("F1", 24_000), ("S1", 40_000)])
def test_what_is_shown_first_is_what_is_charged(room: dict[str, Table], code: str, total: int) -> None:
    size = {"P1": "8"}.get(code, "4")
    shown = f"${total // 100:,}.00"
    assert shown in text("/nights/noche/tables/")

    answer = Client().post(f"/nights/noche/tables/{code}/", typed(room[code], party_size=size))

    order = Order.objects.get()
    assert answer.headers["Location"] == f"/orders/{order.reference}/pay/"
    assert (order.total_cents, order.phone) == (total, "+1 302 555 0100")
    assert shown in text(f"/orders/{order.reference}/pay/")
    reservation = order.vip_reservation
    assert reservation.arrives_at == forms.arrivals(order.event)[2]
    assert reservation.terms_accepted_at is not None


@pytest.mark.parametrize(
    "changes",
    [
        {"party_size": "9"}, {"party_size": ""}, {"name": ""}, {"email": "nobody"}, {"phone": ""},
        {"arrives_at": "noon"}, {"accepts_terms": ""}, {"requests": "A\x00B"}, {"occasion": "odd"},
    ],
)  # fmt: skip
def test_what_is_mistyped_is_said_beside_it_and_kept(room: dict[str, Table], changes: dict[str, str]) -> None:
    answer = Client().post("/nights/noche/tables/F1/", typed(room["F1"], **changes))

    assert answer.status_code == 422
    assert 'role="alert"' in answer.content.decode()
    assert not Order.objects.exists()


def test_a_tap_on_a_stale_map_offers_the_nearest_free_tables_of_like_price(room: dict[str, Table]) -> None:
    hold_table(room["F2"])
    hold_table(room["F1"])

    opened = Client().get("/nights/noche/tables/F2/?party=4")
    sent = Client().post("/nights/noche/tables/F2/", typed(room["F2"]))

    for answer in (opened, sent):
        page = answer.content.decode()
        assert answer.status_code == 409
        assert "Just taken" in page
        assert "You have not been charged" in page
        assert re.findall(r"<h3>(\w+)</h3>", page) == ["F3", "F4", "S3"]
    assert "name=Ana%20Ruiz" in sent.content.decode()
    assert Order.objects.count() == 2


def test_a_table_without_a_deposit_is_booked_without_paying(provider: FakeProvider) -> None:
    table = TableFactory.create(deposit_cents=0)

    answer = Client().post(f"/nights/{table.event.slug}/tables/{table.code}/", typed(table), follow=True)

    assert [step for step, _ in answer.redirect_chain] == [f"/orders/{Order.objects.get().reference}/table/"]
    assert "Your table is being confirmed" in answer.content.decode()
    retrying.run_due(now=clock() + timedelta(seconds=1))
    assert VipReservation.objects.get().status == "confirmed"


def test_who_knocks_too_often_is_asked_to_wait(provider: FakeProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: str) -> None:
        raise rate_limits.RateLimited

    party = buy_table(provider)
    table = TableFactory.create()
    monkeypatch.setattr(rate_limits, "check", refuse)

    answers = [
        Client().post(f"/nights/{table.event.slug}/tables/{table.code}/", typed(table)),
        Client().post(f"/invites/{party.invite_code}/", {"name": "Beto"}),
    ]

    assert [answer.status_code for answer in answers] == [429, 429]
    assert all("a little fast" in answer.content.decode() for answer in answers)


def test_a_host_who_is_in_stays_the_host(provider: FakeProvider, now: datetime) -> None:
    reservation = buy_table(provider)
    code = passes.offer_host(reservation.pk, email="carmen@example.com", now=now).transfer_code
    GuestPass.objects.filter(number=1).update(status="admitted", admitted_at=now)

    answer = Client().post(f"/hosts/{code}/", {"name": "Carmen", "email": "carmen@example.com"})

    assert answer.status_code == 422
    assert "already in" in answer.content.decode()
    assert VipReservation.objects.get().host_name == "Ana Ruiz"


def test_free_tables_that_are_offered_fit_the_party(room: dict[str, Table]) -> None:
    places = floor.of_night(room["P1"].event, now=clock())
    place = next(place for place in places if place.table.code == "P1")

    assert [other.table.code for other in floor.like(place, places, party_size=12)] == ["P2", "P3", "P4"]
    assert floor.like(place, places, party_size=13) == []


def test_a_night_that_sells_nothing_says_so() -> None:
    table = TableFactory.create(event=EventFactory.create(status="closed"))

    assert "not on sale" in text(f"/nights/{table.event.slug}/tables/")
    assert "not on sale" in text(f"/nights/{table.event.slug}/tables/{table.code}/")
    answer = Client().post(f"/nights/{table.event.slug}/tables/{table.code}/", typed(table))
    assert answer.status_code == 409
    assert not Order.objects.exists()


def test_a_night_in_draft_or_without_that_table_is_not_there() -> None:
    table = TableFactory.create(event=EventFactory.create(status="draft"))

    text(f"/nights/{table.event.slug}/tables/", status=404)
    text(f"/nights/{EventFactory.create().slug}/tables/Z9/", status=404)


def test_an_orders_address_leads_to_its_table(provider: FakeProvider) -> None:
    reservation = buy_table(provider)
    reference = reservation.order.reference

    assert Client().get(f"/orders/{reference}/").headers["Location"] == f"/orders/{reference}/table/"
    assert Client().get(f"/orders/{reference}/table/").headers["Location"] == f"/tables/{reservation.host_code}/"
    text(f"/orders/{reference}/tickets.pdf", status=404)
    text(f"/orders/{hold().reference}/table/", status=404)


def test_an_unpaid_table_leads_to_paying_and_an_expired_one_to_itself(provider: FakeProvider, now: datetime) -> None:
    waiting = hold_table()
    over = hold_table(now=now - timedelta(minutes=20))

    assert Client().get(f"/orders/{waiting.reference}/table/").headers["Location"].endswith("/pay/")
    page = text(f"/orders/{over.reference}/table/")
    assert "You have not been charged." in page
    assert Order.objects.get(pk=over.pk).status == "expired"


def test_a_table_that_ran_out_is_held_again_in_one_tap_with_all_that_was_typed(
    provider: FakeProvider, now: datetime
) -> None:
    table = TableFactory.create()
    path = f"/nights/{table.event.slug}/tables/{table.code}/"
    wishes = {"occasion": "birthday", "celebrated": "Eva", "bottle_wishes": "Mezcal", "requests": "Por la pista"}
    Client().post(path, typed(table, **wishes))
    first = Order.objects.get()
    Order.objects.update(expires_at=now - timedelta(minutes=1))
    VipReservation.objects.update(expires_at=now - timedelta(minutes=1))
    page = text(f"/orders/{first.reference}/table/")
    sent = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', main_of(page)))

    taps = [Client().post(path, sent), Client().post(path, sent)]

    again = Order.objects.get(status="pending")
    assert [tap.headers["Location"] for tap in taps] == [f"/orders/{again.reference}/pay/"] * 2
    kept = ("party_size", "arrives_at", "occasion", "celebrated", "bottle_wishes", "requests", "host_email")
    before, after = (VipReservation.objects.filter(order=order).values(*kept).get() for order in (first, again))
    assert after == before
    assert (again.name, again.phone, again.event_id) == (first.name, first.phone, first.event_id)
    assert VipReservation.objects.get(order=again).terms_accepted_at is not None


@pytest.mark.parametrize("language", ["en", "es"])
def test_a_table_whose_bank_is_deciding_has_a_page_that_says_so(
    provider: FakeProvider, now: datetime, language: str
) -> None:
    order = hold_table()
    provider.set_status(intent_of(start(order)), IntentStatus.PROCESSING)
    checkout.ask_provider(order, now=now)

    answer = Client().get(f"/orders/{order.reference}/pay/", follow=True, headers={"Accept-Language": language})

    page = answer.content.decode()
    assert ("Your table stays yours meanwhile." if language == "en" else "Tu mesa sigue siendo tuya") in page
    assert f'data-truth="not_charged" data-status="{order.status}"' in page
    assert "harged" not in main_of(page).replace("not_charged", "")


def test_an_overdue_table_whose_money_is_not_known_promises_nothing(provider: FakeProvider, now: datetime) -> None:
    order = hold_table(now=now - timedelta(minutes=16))
    start(order, now=now - timedelta(minutes=10))
    provider.fail_next("cancel_intent")

    page = text(f"/orders/{order.reference}/table/")

    assert "We are making sure that nothing was charged." in page
    assert "You have not been charged." not in page


def test_the_host_sees_every_pass_and_no_code(provider: FakeProvider) -> None:
    reservation = buy_table(provider, guests=("Beto",))
    base = f"/tables/{reservation.host_code}/"

    page = text(base)

    assert f"/invites/{reservation.invite_code}/" in page
    assert "2 seats have no name yet." in page
    assert "Beto" in page
    for one in reservation.passes.all():
        assert one.code not in page
        assert f"/passes/{one.link}/" in page
    assert b"<svg" in Client().get(f"{base}seats/2/code.svg").content
    text(f"{base}seats/9/code.svg", status=404)
    text("/tables/nobody/", status=404)


def test_a_guests_link_shows_only_their_own_pass(provider: FakeProvider) -> None:
    reservation = buy_table(provider, guests=("Beto", "Carmen"))
    mine = reservation.passes.get(number=2)

    page = text(f"/passes/{mine.link}/")

    assert "Beto" in page
    assert "Carmen" not in page
    for secret in (reservation.host_code, reservation.invite_code, reservation.order.reference, mine.code):
        assert secret not in page
    assert b"<svg" in Client().get(f"/passes/{mine.link}/code.svg").content
    GuestPass.objects.update(status="void", voided_at=clock())
    assert "no longer lets anybody in" in text(f"/passes/{mine.link}/")
    text(f"/passes/{mine.link}/code.svg", status=404)


def test_the_host_does_everything_from_the_page(provider: FakeProvider) -> None:
    reservation = buy_table(provider)
    base = f"/tables/{reservation.host_code}/"

    def post(path: str, **data: str) -> str:
        return Client().post(base + path, data, follow=True).content.decode()

    assert "Beto has seat 2, and an email with their pass." in post("seats/2/", name="Beto", email="beto@example.com")
    assert "Itzel has seat 3." in post("seats/3/", name="Itzel")
    assert "Type a name" in post("seats/2/", name="", email="x")
    assert "Seat 2 has a new code" in post("seats/2/reissue/")
    assert "Seat 2 is free again" in post("seats/2/revoke/")
    assert "cannot be taken away" in post("seats/1/revoke/")
    assert "There is a new invitation" in post("invite/")
    assert "You are 5 now." in post("size/", size="5")
    assert "does not fit" in post("size/", size="99")
    assert "does not fit" in post("size/", size="many")
    assert "We asked carmen@example.com" in post("host/", email="carmen@example.com")
    assert "not a whole email" in post("host/", email="carmen")
    assert Email.objects.filter(kind__in=("guest_pass", "host_transfer")).count() == 3


def test_an_invited_guest_takes_a_seat_and_the_last_comers_are_told_kindly(provider: FakeProvider) -> None:
    reservation = buy_table(provider, size=2)
    path = f"/invites/{reservation.invite_code}/"
    assert "1 seat left" in text(path)
    assert Client().post(path, {"name": ""}).status_code == 422

    taken = Client().post(path, {"name": "Beto"})
    lost = Client().post(path, {"name": "Carmen"})

    assert taken.headers["Location"] == f"/passes/{reservation.passes.get(number=2).link}/"
    assert lost.status_code == 409
    assert "Every seat has been taken" in lost.content.decode()
    passes.rotate_invite(reservation.pk)
    assert "This link is over" in text(path, status=404)


def test_whoever_accepts_becomes_the_host_and_the_payer_no_longer_is(provider: FakeProvider, now: datetime) -> None:
    reservation = buy_table(provider)
    code = passes.offer_host(reservation.pk, email="carmen@example.com", now=now).transfer_code
    assert "a party of 4" in text(f"/hosts/{code}/")
    assert Client().post(f"/hosts/{code}/", {"name": "Carmen", "email": "x"}).status_code == 422

    answer = Client().post(f"/hosts/{code}/", {"name": "Carmen", "email": "carmen@example.com"})

    taken = VipReservation.objects.get()
    assert answer.headers["Location"] == f"/tables/{taken.host_code}/"
    text(f"/tables/{reservation.host_code}/", status=404)
    page = text(f"/orders/{reservation.order.reference}/table/")
    assert "Carmen is its host" in page
    assert taken.host_code not in page
    text(f"/hosts/{code}/", status=404)


@pytest.mark.parametrize(("days", "cents", "per_cent"), [(10, 24_000, 100), (3, 12_000, 50), (1, 0, 0)])
def test_a_guest_cancels_for_exactly_what_was_shown(
    provider: FakeProvider, now: datetime, days: float, cents: int, per_cent: int
) -> None:
    table = TableFactory.create(event=EventFactory.create(doors_at=in_days(days)))
    RefundPolicy.objects.create(event=table.event, all_until_hours=168, part_until_hours=48, part_percent=50)
    form = text(f"/nights/{table.event.slug}/tables/{table.code}/")
    assert "Everything back until 168 hours before the doors." in form
    reservation = buy_table(provider, table)
    path = f"/tables/{reservation.host_code}/cancel/"
    page = text(path)
    assert (f"Cancel and get ${cents / 100:,.2f} back" in page) == bool(cents)
    assert (f"{per_cent} % of $240.00" in page) == bool(cents)
    assert ("nothing comes back of the $240.00 you paid" in page) == (not cents)
    assert "$0.00" not in page

    answer = Client().post(path, {"shown": str(cents)}, follow=True)
    retrying.run_due(now=now + timedelta(minutes=1))

    reservation.refresh_from_db()
    assert "is cancelled" in answer.content.decode()
    assert reservation.status == "cancelled_by_guest"
    assert sum(refund.amount_cents for refund in provider.refunds.values()) == cents
    assert set(reservation.passes.values_list("status", flat=True)) == {"void"}
    assert hold_table(table).status == "pending"
    assert TableChange.objects.get(kind="cancelled").note == f"{per_cent} % back"
    assert Client().post(path, {"shown": str(cents)}).status_code == 302
    assert Refund.objects.count() == (1 if cents else 0)
    told = text(f"/orders/{reservation.order.reference}/table/")
    assert ("No money goes back for it." in told) == (not cents)
    assert (f"${cents / 100:,.2f}, refunded on" in told) == bool(cents)


def test_a_table_nobody_paid_for_is_cancelled_without_a_word_of_money(provider: FakeProvider) -> None:
    reservation = buy_table(provider, TableFactory.create(deposit_cents=0))

    page = text(f"/tables/{reservation.host_code}/cancel/")

    assert "Nothing was paid for it" in page
    assert "$" not in page


def test_an_amount_that_changed_since_it_was_shown_is_asked_again(provider: FakeProvider) -> None:
    reservation = buy_table(provider)

    answer = Client().post(f"/tables/{reservation.host_code}/cancel/", {"shown": "99999"}, follow=True)

    assert "Please look at it again" in answer.content.decode()
    assert VipReservation.objects.get().status == "confirmed"
    assert not Refund.objects.exists()


def test_a_party_that_is_in_cannot_be_cancelled_by_its_host(provider: FakeProvider) -> None:
    reservation = reservation_in(provider, "arrived")

    Client().post(f"/tables/{reservation.host_code}/cancel/", {"shown": "24000"})

    assert VipReservation.objects.get().status == "arrived"


def test_arrivals_are_half_hours_by_the_clubs_clock() -> None:
    event = EventFactory.build(doors_at=datetime.fromisoformat("2026-10-31T21:00:00-04:00"))

    moments = forms.arrivals(event)

    assert [moment.strftime("%H:%M") for moment in moments] == [
        "21:00", "21:30", "22:00", "22:30", "23:00", "23:30", "00:00",
    ]  # fmt: skip
    assert moments[-1].isoformat() == "2026-11-01T00:00:00-04:00"


@pytest.mark.parametrize("language", ["en", "es"])
def test_a_nights_page_leads_to_its_tables(room: dict[str, Table], language: str) -> None:
    page = Client().get("/nights/noche/", headers={"Accept-Language": language}).content.decode()

    assert 'href="/nights/noche/tables/"' in page


def test_a_form_pressed_twice_holds_the_table_once(room: dict[str, Table]) -> None:
    path = f"/nights/noche/tables/{room['F1'].code}/"
    press = re.search(r'name="press" value="([^"]+)"', text(path))
    assert press is not None

    answers = all_at_once(4, lambda _: Client().post(path, typed(room["F1"], press=press[1])))
    other = Client().post(path, typed(room["F1"]))

    assert {answer.status_code for answer in answers} == {302}
    assert len({answer["Location"] for answer in answers}) == 1
    assert (other.status_code, Order.objects.count()) == (409, 1)


# --- pressed twice --------------------------------------------------------------------------------


def test_a_seat_is_taken_once_by_a_form_pressed_five_times_at_once(provider: FakeProvider) -> None:
    party = buy_table(provider, TableFactory.create(), size=4)
    address = f"/invites/{party.invite_code}/"
    form = {"name": "Beto", "press": mark_on(address)}

    answers = all_at_once(5, lambda _: Client().post(address, form))

    mine = party.passes.get(name="Beto")
    assert {answer["Location"] for answer in answers if not isinstance(answer, Exception)} == {f"/passes/{mine.link}/"}
    assert party.passes.unclaimed().count() == 2


def test_whoever_accepts_twice_is_led_to_the_table_twice(provider: FakeProvider, now: datetime) -> None:
    party = buy_table(provider, TableFactory.create(), size=4)
    passes.offer_host(party.pk, email="carmen@example.com", now=now)
    party.refresh_from_db()
    address = f"/hosts/{party.transfer_code}/"
    form = {"name": "Carmen", "email": "carmen@example.com", "press": mark_on(address)}

    first, again = Client().post(address, form), Client().post(address, form)

    party.refresh_from_db()
    assert first["Location"] == again["Location"] == f"/tables/{party.host_code}/"
    assert party.changes.filter(kind=TableChange.Kind.HOST_CHANGED).count() == 1
    assert Client().post(address, {**form, "press": "another"}).status_code == 404


@pytest.mark.parametrize(
    ("act", "typed", "letters"),
    [("seats/2/reissue/", {}, "guest_pass"), ("host/", {"email": "carmen@example.com"}, "host_transfer")],
)
def test_a_new_code_and_a_question_go_out_once(
    provider: FakeProvider, now: datetime, act: str, typed: dict[str, str], letters: str
) -> None:
    party = buy_table(provider, TableFactory.create(), size=4)
    passes.name_seat(party.pk, 2, name="Beto", email="beto@example.com", now=now)
    before = Email.objects.filter(kind=letters).count()
    page = f"/tables/{party.host_code}/"
    form = {**typed, "press": mark_on(page, f"{page}{act}")}

    shown = [Client().post(f"{page}{act}", form, follow=True).content.decode() for _ in range(2)]

    assert not [words for words in shown if "note-error" in words]
    assert Email.objects.filter(kind=letters).count() == before + 1


def test_a_table_cancelled_by_two_presses_is_cancelled_once(provider: FakeProvider) -> None:
    table = TableFactory.create(event=EventFactory.create(doors_at=in_days(10)))
    RefundPolicy.objects.create(event=table.event, all_until_hours=168, part_until_hours=48, part_percent=50)
    party = buy_table(provider, table, size=4)
    address = f"/tables/{party.host_code}/cancel/"
    form = {"shown": "24000", "press": mark_on(address)}

    first, again = Client().post(address, form), Client().post(address, form, follow=True)

    assert first["Location"] == again.redirect_chain[0][0] == f"/orders/{party.order.reference}/table/"
    assert "note-error" not in again.content.decode()
    assert Refund.objects.count() == 1
