from datetime import datetime

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from payments.models import Refund
from tests.factories.vip import TableFactory, buy_table, reservation_in
from tests.fakes import FakeProvider
from vip.models import Table, TableChange, VipReservation

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def owner() -> User:
    return User.objects.create_superuser("owner", "owner@example.com", "maguey")


@pytest.fixture
def console(owner: User) -> Client:
    client = Client()
    client.force_login(owner)
    return client


def act(console: Client, model: str, action: str, *pks: object, **typed: str) -> str:
    answer = console.post(
        reverse(f"admin:vip_{model}_changelist"),
        {"action": action, "_selected_action": [str(pk) for pk in pks], **typed},
        follow=True,
    )
    assert answer.status_code == 200
    return answer.content.decode()


def test_an_owner_blocks_and_unblocks_with_a_reason(console: Client, owner: User) -> None:
    table = TableFactory.create()

    assert "Say why." in act(console, "table", "block", table.pk)
    assert f"{table} is blocked." in act(console, "table", "block", table.pk, note="lamp")
    assert Table.objects.get().blocked_reason == "lamp"
    assert "Blocked: lamp" in console.get(reverse("admin:vip_table_changelist")).content.decode()
    assert f"{table} is on sale." in act(console, "table", "unblock", table.pk, note="mended")

    assert set(TableChange.objects.values_list("by", flat=True)) == {owner.pk}


def test_blocking_is_not_done_by_the_form(console: Client) -> None:
    table = TableFactory.create(code="F1")
    path = reverse("admin:vip_table_change", args=[table.pk])
    fields = {
        name: getattr(table, name)
        for name in (
            "code",
            "tier",
            "section",
            "shape",
            "x",
            "y",
            "capacity_min",
            "capacity_max",
            "mode",
            "price_cents",
            "minimum_spend_cents",
            "deposit_cents",
            "service_bps",
            "tax_bps",
            "gratuity_bps",
        )
    }

    console.post(path, {**fields, "event": table.event_id, "bottles": "[]", "blocked": "on", "blocked_reason": "x"})

    table.refresh_from_db()
    assert (table.blocked, table.bottles) == (False, [])


def test_an_owner_sells_to_walk_ins_and_gives_away(provider: FakeProvider, console: Client) -> None:
    cash, card, free = (TableFactory.create() for _ in range(3))
    who = {"name": "Miles", "email": "miles@example.com", "party_size": "4"}

    assert "does not fit" in act(console, "table", "sell_for_cash", cash.pk)
    assert "Take $240.00." in act(console, "table", "sell_for_cash", cash.pk, **who)
    assert f"{card} is sold to Walk-in." in act(console, "table", "sell_for_card", card.pk, party_size="2")
    assert "Say why." in act(console, "table", "give_away", free.pk, **who)
    assert f"{free} is sold to Miles." in act(console, "table", "give_away", free.pk, note="press", **who)

    parties = VipReservation.objects.order_by("created_at").values_list("payment_provider", "status", "host_email")
    assert list(parties) == [
        ("cash", "confirmed", "miles@example.com"),
        ("card_at_door", "confirmed", "hola@maguey.example"),
        ("none", "confirmed", "miles@example.com"),
    ]
    assert provider.intents == {}


def test_an_owner_moves_swaps_resizes_and_seats(provider: FakeProvider, console: Client) -> None:
    first = buy_table(provider, TableFactory.create(code="F1"))
    event = first.event
    second = buy_table(provider, TableFactory.create(event=event, code="F2"))
    TableFactory.create(event=event, code="F3", deposit_cents=30_000)

    moved = act(console, "vipreservation", "move", first.pk, note="F3")
    assert "Difference in price: $60.00; nothing is charged." in moved
    assert "There is no such table" in act(console, "vipreservation", "move", first.pk, note="Z9")
    assert "Swapped: " in act(console, "vipreservation", "swap", first.pk, second.pk)
    assert "Choose two parties" in act(console, "vipreservation", "swap", first.pk)
    assert "Ana Ruiz · 6" in act(console, "vipreservation", "resize", first.pk, note="6")
    assert "does not fit" in act(console, "vipreservation", "resize", first.pk, note="lots")
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.table.code, second.table.code, first.party_size) == ("F2", "F3", 6)
    arrived = reservation_in(provider, "arrived")
    assert "is seated." in act(console, "vipreservation", "seat", arrived.pk)


def test_an_owner_cancels_with_a_reason_and_everything_goes_back(
    provider: FakeProvider, console: Client, now: datetime
) -> None:
    party = buy_table(provider)

    assert "Say why." in act(console, "vipreservation", "cancel", party.pk)
    assert "cancelled, $240.00 on its way back." in act(console, "vipreservation", "cancel", party.pk, note="flood")

    assert VipReservation.objects.get().status == "cancelled_by_venue"
    assert Refund.objects.get().amount_cents == 24_000


def test_an_owner_reissues_a_pass_and_refunds_a_share(provider: FakeProvider, console: Client, owner: User) -> None:
    party = buy_table(provider)
    second = party.passes.get(number=2)

    assert "seat 2: new code." in act(console, "guestpass", "reissue", second.pk)
    assert "Say why." in act(console, "guestpass", "refund_share", second.pk)
    assert "seat 2: $60.00 on its way back." in act(console, "guestpass", "refund_share", second.pk, note="ill")
    assert "no such seat" in act(console, "guestpass", "refund_share", second.pk, note="ill")

    assert Refund.objects.get().amount_cents == 6_000
    assert set(TableChange.objects.values_list("kind", "by")) == {("reissued", owner.pk), ("refunded", owner.pk)}


def test_the_parties_page_says_how_many_are_in(provider: FakeProvider, console: Client) -> None:
    reservation_in(provider, "arrived")

    page = console.get(reverse("admin:vip_vipreservation_changelist")).content.decode()

    assert "Arrived · 0/4 in" in page
    assert "$240.00 / $560.00" in page
