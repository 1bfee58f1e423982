"""Roles given and taken away in the console."""

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from owners.models import OwnerAssignment
from tests.factories.tickets import EventFactory
from tests.owners.console import client_of, hire, owner
from tickets.models import Event

pytestmark = pytest.mark.django_db(transaction=True)

ADD = "/admin/owners/ownerassignment/add/"
LIST = "/admin/owners/ownerassignment/"


@pytest.fixture
def mine() -> Event:
    return EventFactory.create(title="Noche de Anna")


@pytest.fixture
def anna(mine: Event) -> Client:
    return client_of(owner("anna", event=mine))


def roles_of(name: str) -> list[tuple[str, str | None]]:
    return list(OwnerAssignment.objects.filter(user__username=name).values_list("role", "event__title"))


@pytest.mark.parametrize("role", ["admin", "door"])
def test_an_owner_gives_a_role_for_their_night_and_takes_it_away(anna: Client, mine: Event, role: str) -> None:
    kevin = User.objects.create_user("kevin")

    anna.post(ADD, {"user": "kevin", "role": role, "event": mine.pk})
    kevin.refresh_from_db()
    given, opens = roles_of("kevin"), kevin.is_staff
    page = anna.get(LIST).text
    chosen = [str(OwnerAssignment.objects.get(user=kevin).pk)]
    anna.post(LIST, {"action": "delete_selected", "_selected_action": chosen, "post": "yes"})
    kevin.refresh_from_db()

    assert (given, opens) == ([(role, "Noche de Anna")], role == "admin")
    assert "kevin" in page
    assert (roles_of("kevin"), kevin.is_staff) == ([], False)


def test_an_owner_gives_nothing_that_is_not_theirs_to_give(anna: Client, mine: Event) -> None:
    User.objects.create_user("kevin")
    User.objects.create_user("gone", is_active=False)
    foreign = EventFactory.create()

    for name, role, event in (
        ("kevin", "owner", mine.pk), ("kevin", "door", foreign.pk), ("kevin", "door", ""), ("gone", "door", mine.pk),
        ("nobody", "door", mine.pk), ("", "door", mine.pk),
    ):  # fmt: skip
        assert anna.post(ADD, {"user": name, "role": role, "event": event}).status_code == 200, (name, role, event)

    assert OwnerAssignment.objects.exclude(user__username="anna").count() == 0
    assert "Nobody signs in by that name." in anna.post(ADD, {"user": "nobody", "role": "door", "event": mine.pk}).text


def test_who_runs_every_night_but_owns_one_gives_roles_for_that_one(mine: Event) -> None:
    mara = owner("mara", event=mine)
    OwnerAssignment.objects.create(user=mara, role="admin")
    User.objects.create_user("kevin")
    browser = client_of(mara)

    for event in ("", EventFactory.create().pk):
        assert browser.post(ADD, {"user": "kevin", "role": "door", "event": event}).status_code == 200
    browser.post(ADD, {"user": "kevin", "role": "door", "event": mine.pk})

    assert roles_of("kevin") == [("door", "Noche de Anna")]


def test_an_owner_takes_nothing_away_from_owners_or_from_other_nights(anna: Client, mine: Event) -> None:
    hire("bruno", event=mine)
    hire("carla", "door", event=EventFactory.create())
    held = [str(key) for key in OwnerAssignment.objects.values_list("pk", flat=True)]

    anna.post(LIST, {"action": "delete_selected", "_selected_action": held, "post": "yes"})
    for key in held:
        anna.post(reverse("admin:owners_ownerassignment_delete", args=[key]), {"post": "yes"})

    assert OwnerAssignment.objects.count() == 3
    page = anna.get(LIST).text
    assert ("bruno" in page, "carla" in page) == (False, False)


def test_a_role_is_never_given_twice_nor_changed(anna: Client, mine: Event) -> None:
    kevin = hire("kevin", "door", event=mine)
    held = OwnerAssignment.objects.get(user=kevin)
    address = reverse("admin:owners_ownerassignment_change", args=[held.pk])

    twice = anna.post(ADD, {"user": "kevin", "role": "door", "event": mine.pk})
    changed = anna.post(address, {"user": "kevin", "role": "admin", "event": mine.pk})

    assert (twice.status_code, changed.status_code) == (200, 403)
    assert roles_of("kevin") == [("door", "Noche de Anna")]


def test_a_superuser_makes_owners() -> None:
    chief = client_of(User.objects.create_superuser("chief"))
    User.objects.create_user("kevin")

    chief.post(ADD, {"user": "kevin", "role": "owner", "event": ""})

    assert roles_of("kevin") == [("owner", None)]


@pytest.mark.parametrize("role", ["admin", "door"])
def test_nobody_else_gives_roles(mine: Event, role: str) -> None:
    browser = client_of(hire("mara", role, event=mine))

    browser.post(ADD, {"user": "mara", "role": "admin", "event": mine.pk})

    assert roles_of("mara") == [(role, "Noche de Anna")]
