"""Every page of the console, walked as the owner of one of two nights: nothing of the other is shown or taken."""

import re
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from django.contrib import admin
from django.contrib.admin.options import BaseModelAdmin
from django.contrib.auth.models import Group, Permission, User
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.db import connection
from django.db.models import ForeignKey, Model
from django.forms import MultiWidget
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from unfold.admin import ModelAdmin

from maguey.samples import MAKERS, Samples
from owners.admin.nights_only import ChiefsOnly, EveryNightOnly, NightsOnly, demand_scopes
from owners.models import Alert, OwnerAssignment
from payments.models import Order, PaymentFailure
from tests.factories.tickets import EventFactory, PromoCodeFactory, TicketTypeFactory
from tests.factories.vip import TableFactory
from tests.fakes import FakeProvider
from tests.owners.console import client_of, hire, owner
from tests.owners.two_nights import TwoNights, everything
from tickets.models import Event, PromoCode, TicketType
from vip.models import GuestPass, Table, VipReservation

pytestmark = pytest.mark.django_db(transaction=True)

MOST_QUERIES = 20
INDEX = "/admin/"
# What is set before anything is sold, and kept with each order as it was; everything else in cents is money that moved.
SETTINGS = {
    (TicketType, "price_cents"), (TicketType, "fee_cents"), (PromoCode, "amount_cents"),
    (Table, "price_cents"), (Table, "minimum_spend_cents"), (Table, "deposit_cents"),
}  # fmt: skip
# Whatever the actions' forms may ask for; each takes what is its own.
ANSWERS = {
    "_form_submitted": "1",
    "post": "yes",
    "note": "2",
    "reason": "It rains.",
    "shown_cents": "5600",
    "slug": "another",
    **{f"{name}_0": "2027-03-05" for name in ("doors_at", "starts_at", "refunds_until")},
    "ends_at_0": "2027-03-06",
    "ends_at_1": "03:00",
    "refunds_until_1": "12:00",
    "doors_at_1": "21:00",
    "starts_at_1": "22:00",
    "name": "Walk-in",
    "party_size": "2",
}

WORKING = (
    (Alert, "acknowledge"), (PaymentFailure, "resolve"), (Table, "block"), (GuestPass, "reissue"),
    (VipReservation, "cancel"), (Order, "retry_fulfilment"), (Order, "refund"),
)  # fmt: skip

Page = Any  # Any: unfold ships no types


@pytest.fixture
def club(provider: FakeProvider) -> TwoNights:
    return TwoNights(provider)


@dataclass
class Pair:
    """Two nights of which anna owns the first."""

    a: Event
    b: Event
    anna: User
    every: User


@pytest.fixture
def pair() -> Pair:
    a, b = EventFactory.create(), EventFactory.create()
    return Pair(a, b, owner("anna", event=a), owner("every"))


def pages(kind: type) -> list[Page]:
    return [page for page in admin.site._registry.values() if isinstance(page, kind)]


def name_of(page: Page) -> str:
    return f"admin:{page.opts.app_label}_{page.opts.model_name}"


def request_of(user: User, query: str = "") -> HttpRequest:
    request = RequestFactory().get(f"/?{query}")
    request.user = user
    return request


def body_of(answer: HttpResponse) -> str:
    return b"".join(answer).decode() if answer.streaming else answer.content.decode()


def leaks(answer: HttpResponse, foreign: frozenset[str]) -> set[str]:
    body = body_of(answer)
    return {word for word in foreign if word in body}


def is_refused(answer: HttpResponse) -> bool:
    """Say whether one is shut out, or told as Django tells of a row that is not there."""
    return answer.status_code in (403, 404) or (answer.status_code, answer.headers.get("Location")) == (302, INDEX)


def addresses(page: Page) -> Iterator[tuple[str, bool]]:
    """Return the names of a page's addresses, and whether each is of one row."""
    for pattern in page.get_urls():
        if pattern.name:
            yield f"admin:{pattern.name}", pattern.pattern.regex.groups > 0


# --- what is shown ---------------------------------------------------------------------------------


def test_an_owner_sees_only_their_nights_on_every_page(club: TwoNights) -> None:
    browser, everybodys, foreign = client_of(club.anna), client_of(club.every), club.foreign()
    wrong: list[object] = []

    for page in pages(NightsOnly):
        theirs, others = club.rows_of_a[page.model], club.rows_of_b[page.model]
        assert min(len(theirs), len(others)) > 0, f"{page}: the two nights need rows of it"
        with CaptureQueriesContext(connection) as queries:
            shown = browser.get(reverse(f"{name_of(page)}_changelist"))
        listed = set(shown.context["cl"].queryset.values_list("pk", flat=True))
        wrong += [(page, "lists", listed ^ theirs)] if listed != theirs else []
        wrong += [(page, "shows", found)] if (found := leaks(shown, foreign)) else []
        wrong += [(page, "asks", len(queries))] if len(queries) > MOST_QUERIES else []
        with CaptureQueriesContext(connection) as of_all_nights:
            everybodys.get(reverse(f"{name_of(page)}_changelist"))
        wrong += [(page, "asks more for more rows", len(queries))] if len(of_all_nights) > len(queries) else []
        with CaptureQueriesContext(connection) as queries:
            one = browser.get(reverse(f"{name_of(page)}_change", args=[min(theirs)]))
        wrong += [(page, "answers", one.status_code)] if one.status_code != 200 else []
        wrong += [(page, "shows with one", found)] if (found := leaks(one, foreign)) else []
        wrong += [(page, "asks for one", len(queries))] if len(queries) > MOST_QUERIES else []

    assert wrong == []
    assert leaks(browser.get(INDEX), foreign) == set()
    assert leaks(everybodys.get(reverse("admin:tickets_ticket_changelist")), foreign)


def test_a_row_of_another_night_is_not_there(club: TwoNights) -> None:
    browser, wrong = client_of(club.anna), []

    for page in pages(NightsOnly):
        for key in (min(club.rows_of_b[page.model]), *list(club.rows_of_neither[page.model])[:1]):
            for address, of_one_row in addresses(page):
                if not of_one_row:
                    continue
                where = reverse(address, args=[key])
                for answer in (browser.get(where), browser.post(where, ANSWERS)):
                    wrong += [] if is_refused(answer) else [(address, answer.status_code)]

    assert wrong == []


def test_nothing_of_another_night_is_found_offered_or_taken_away_as_a_file(club: TwoNights) -> None:
    browser, foreign, offered, files = client_of(club.anna), club.foreign(), 0, 0

    for page in pages(NightsOnly):
        theirs = club.rows_of_a[page.model]
        for path, word in words_searched_for(page, club.rows_of_b[page.model]):
            asked = request_of(club.anna, f"q={word}")
            found = page.get_changelist_instance(asked).get_queryset(asked)
            assert set(found.values_list("pk", flat=True)) <= theirs, (page, path)
        for field in relations_of(page.model):
            names = {"app_label": page.opts.app_label, "model_name": page.opts.model_name, "field_name": field.name}
            answer = browser.get(reverse("admin:autocomplete"), {"term": "", **names})
            assert leaks(answer, foreign) == set(), field
            offered += answer.status_code == 200
        for user, nights in ((club.anna, {club.a.pk}), (club.every, set(Event.objects.values_list("pk", flat=True)))):
            for choices in nights_to_narrow_down_by(page, user):
                assert choices == nights, page
    for page in pages(BaseModelAdmin):
        for address in (address for address, of_one_row in addresses(page) if not of_one_row):
            if address.endswith("_changelist"):
                continue  # lists are walked above
            answer = browser.get(reverse(address))
            files += bool(answer.streaming)
            assert leaks(answer, foreign) == set(), address

    assert (offered > 10, files > 0) == (True, True)


def words_searched_for(page: Page, keys: set[Any]) -> Iterator[tuple[str, str]]:
    """Return a word of these rows for each path that a page is searched by."""
    for path in page.search_fields:
        found = page.model._default_manager.filter(pk__in=keys).exclude(**{path: None}).exclude(**{path: ""})
        if word := found.values_list(path, flat=True).first():
            yield path, word


def relations_of(model: type[Model]) -> list[Any]:
    return [field for field in model._meta.fields if isinstance(field, ForeignKey)]


def nights_to_narrow_down_by(page: Page, user: User) -> Iterator[set[Any]]:
    for narrowed in page.get_changelist_instance(request_of(user)).filter_specs:
        if isinstance(narrowed, admin.RelatedFieldListFilter) and narrowed.field.related_model is Event:
            yield {key for key, _ in narrowed.lookup_choices}


# --- what is taken ---------------------------------------------------------------------------------


def test_no_action_acts_on_a_row_of_another_night(club: TwoNights) -> None:
    before, pressed = everything(), 0
    annas, brunos = client_of(club.anna), client_of(club.bruno)

    for page in pages(NightsOnly):
        foreign = [*club.rows_of_b[page.model], *club.rows_of_neither[page.model]]
        for action in page.get_actions(request_of(club.anna)):
            press(annas, page.model, action, foreign)
            pressed += 1

    assert pressed > 20
    assert everything() == before
    for model, action in WORKING:  # whoever runs that night has the same buttons do what they say
        press(brunos, model, action, [*club.rows_of_b[model]])
        after = everything()
        assert after != before, (model, action)
        before = after


def press(browser: Client, model: type[Model], action: str, chosen: list[Any]) -> None:
    """Press a list's button for rows chosen by hand."""
    address = reverse(f"{name_of(admin.site._registry[model])}_changelist")
    answer = browser.post(address, {**ANSWERS, "action": action, "_selected_action": chosen})
    assert answer.status_code == 302, (model, action)


# --- what is added and changed ---------------------------------------------------------------------


def form_of(browser: Client, address: str) -> dict[str, Any]:
    """Return what a page's form would send as it stands."""
    sent: dict[str, Any] = {}
    for bound in browser.get(address).context["adminform"].form:
        widget, value = bound.field.widget, bound.value()
        if isinstance(widget, MultiWidget):
            sent |= {f"{bound.html_name}_{number}": part for number, part in enumerate(widget.decompress(value))}
        elif value is not None and value is not False:
            sent[bound.html_name] = "on" if value is True else value
    return sent


def test_a_row_is_neither_added_to_another_night_nor_to_all(pair: Pair) -> None:
    browser, address = client_of(pair.anna), reverse("admin:tickets_promocode_add")
    good = {"code": "SOMBRERO", "percent": "10", "is_active": "on"}
    foreign_type = TicketTypeFactory.create(event=pair.b)

    for refused in ({"event": pair.b.pk}, {"event": ""}, {}, {"event": pair.a.pk, "types": [foreign_type.pk]}):
        assert browser.post(address, {**good, **refused}).status_code == 200, refused
    assert not PromoCode.objects.filter(code="SOMBRERO").exists()
    browser.post(address, {**good, "event": pair.a.pk})

    assert PromoCode.objects.get(code="SOMBRERO").event == pair.a
    client_of(pair.every).post(address, {**good, "code": "ANYWHERE", "event": ""})
    assert PromoCode.objects.get(code="ANYWHERE").event is None


def test_a_row_is_not_moved_to_another_night(pair: Pair) -> None:
    browser, table = client_of(pair.anna), TableFactory.create(event=pair.a, code="Z1")
    address = reverse("admin:vip_table_change", args=[table.pk])
    as_it_is = {**form_of(browser, address), "bottles": "[]"}

    moved = browser.post(address, {**as_it_is, "event": pair.b.pk})
    kept = browser.post(address, {**as_it_is, "section": "Sala grande"})

    table.refresh_from_db()
    assert (moved.status_code, kept.status_code) == (200, 302)
    assert (table.event, table.section) == (pair.a, "Sala grande")


def test_a_row_that_lands_elsewhere_all_the_same_is_refused(pair: Pair) -> None:
    page, request = admin.site._registry[PromoCode], request_of(pair.anna)

    for night, refused in ((pair.a, False), (pair.b, True), (None, True)):
        form = page.get_form(request)(instance=PromoCodeFactory.create(event=night))
        form.save_m2m = list
        with pytest.raises(PermissionDenied) if refused else nullcontext():
            page.save_related(request, form, [], change=True)


def test_a_type_of_another_night_is_not_changed_beside_ones_own(pair: Pair) -> None:
    browser, address = client_of(pair.anna), reverse("admin:tickets_event_change", args=[pair.a.pk])
    mine, foreign = TicketTypeFactory.create(event=pair.a), TicketTypeFactory.create(event=pair.b)
    as_it_is = form_of(browser, address)

    for type_ in (foreign, mine):
        browser.post(address, as_it_is | one_type(type_))

    names = [TicketType.objects.values_list("name", "event").get(pk=type_.pk) for type_ in (foreign, mine)]
    assert names == [("General", pair.b.pk), ("Renamed", pair.a.pk)]


def one_type(type_: TicketType) -> dict[str, Any]:
    """Return what a night's page sends of its types: one of them, renamed."""
    typed = {"id": type_.pk, "name": "Renamed", "slug": "renamed", "price_cents": 2500, "fee_cents": 300}
    counts = {"capacity": 100, "max_per_order": 8, "on_sale": "on"}
    return {
        **{f"ticket_types-0-{name}": value for name, value in {**typed, **counts}.items()},
        "ticket_types-TOTAL_FORMS": 1,
        "ticket_types-INITIAL_FORMS": 1,
        "refund_policy-TOTAL_FORMS": 0,
        "refund_policy-INITIAL_FORMS": 0,
    }


def test_new_nights_are_put_on_by_those_who_run_them_all(pair: Pair) -> None:
    add, again = reverse("admin:tickets_event_add"), reverse("admin:tickets_event_put_on_again", args=[pair.a.pk])

    for user, opens in ((pair.anna, 403), (pair.every, 200)):
        assert [client_of(user).get(address).status_code for address in (add, again)] == [opens, opens]
    client_of(pair.anna).post(again, ANSWERS)

    assert not Event.objects.filter(slug="another").exists()


# --- who comes where -------------------------------------------------------------------------------


def test_each_page_opens_to_whom_it_is_for(pair: Pair) -> None:
    chief = User.objects.create_superuser("chief")

    for user, opens in (
        (pair.anna, NightsOnly), (pair.every, NightsOnly | EveryNightOnly), (chief, BaseModelAdmin),
    ):  # fmt: skip
        browser, request = client_of(user), request_of(user)
        for page in pages(BaseModelAdmin):
            assert page.has_view_permission(request) is isinstance(page, opens), page
            if not isinstance(page, opens):
                assert browser.get(reverse(f"{name_of(page)}_changelist")).status_code == 403, page


def test_what_is_of_no_night_is_shut_to_who_runs_one(pair: Pair) -> None:
    browser, wrong, tried = client_of(pair.anna), [], 0

    for page in pages(EveryNightOnly) + pages(ChiefsOnly):
        for address, of_one_row in addresses(page):
            where = reverse(address, args=[uuid4()] if of_one_row else [])
            for answer in (browser.get(where), browser.post(where, ANSWERS)):
                wrong += [] if is_refused(answer) else [(address, answer.status_code)]
                tried += 1

    assert wrong == []
    assert tried > 80


def test_a_page_of_no_night_asks_little(pair: Pair) -> None:
    browser, samples, opened = client_of(pair.every), Samples(), 0

    for page in pages(EveryNightOnly):
        rows = [samples.row(page.model) for _ in range(2)] if page.model in MAKERS else []
        opened += bool(rows)
        one = [reverse(f"{name_of(page)}_change", args=[row.pk]) for row in rows[:1]]
        for address in (reverse(f"{name_of(page)}_changelist"), *one):
            with CaptureQueriesContext(connection) as queries:
                assert browser.get(address).status_code == 200, address
            assert len(queries) <= MOST_QUERIES, address

    assert opened >= 3


@pytest.mark.parametrize(("role", "opens"), [("owner", True), ("admin", True), ("door", False), (None, False)])
def test_the_console_opens_by_role_and_nothing_has_to_be_ticked(role: str | None, opens: bool) -> None:
    user = hire("mara", role) if role else User.objects.create_user("mara", is_staff=True)

    user.refresh_from_db()
    assert user.is_staff is opens
    assert (client_of(user).get(INDEX).status_code == 200) is opens
    assert user.has_perm("payments.view_order") is opens
    assert user.has_module_perms("payments") is opens
    assert user.has_perm("owners.add_ownerassignment") is (role == "owner")
    assert user.has_perm("tickets.add_scan") is (role is not None)


def test_a_right_is_for_the_nights_of_its_role() -> None:
    mine, other = EventFactory.create(), EventFactory.create()
    admin_, door = hire("mara", "admin", event=mine), hire("kevin", "door", event=mine)

    assert [admin_.has_perm("payments.view_order", night) for night in (mine, other)] == [True, False]
    assert [door.has_perm("tickets.add_scan", night) for night in (mine, other)] == [True, False]
    assert not door.has_perm("payments.view_order", mine)
    assert not door.has_perm("tickets.add_scan", Order())


def test_staff_status_follows_roles_whatever_is_written_into_it() -> None:
    user = hire("mara", "owner")

    User.objects.filter(pk=user.pk).update(is_staff=False)
    assert User.objects.get(pk=user.pk).is_staff
    OwnerAssignment.objects.update(role="door")
    assert not User.objects.get(pk=user.pk).is_staff
    OwnerAssignment.objects.update(role="admin")
    OwnerAssignment.objects.all().delete()
    assert not User.objects.get(pk=user.pk).is_staff
    user.is_superuser = True
    user.save()
    assert User.objects.get(pk=user.pk).is_staff


def test_rights_ticked_by_hand_count_for_nothing() -> None:
    user, group = hire("kevin", "door"), Group.objects.create(name="all")
    group.permissions.set(Permission.objects.all())
    user.groups.add(group)
    user.user_permissions.set(Permission.objects.all())

    assert User.objects.get(pk=user.pk).get_all_permissions() == {"tickets.add_scan"}


def test_nights_are_looked_up_once_a_request(pair: Pair) -> None:
    browser = client_of(pair.anna)

    with CaptureQueriesContext(connection) as queries:
        browser.get(INDEX)

    asked = [query for query in queries if re.search(r'FROM "owner_assignments"', query["sql"])]
    assert (len(asked), len(queries) <= MOST_QUERIES) == (1, True)


# --- what holds for every page there will be -------------------------------------------------------


def test_a_page_that_does_not_say_whose_rows_it_shows_does_not_start() -> None:
    class Inline(admin.TabularInline):  # type: ignore[type-arg]
        model = TicketType

    class WithInline(NightsOnly, ModelAdmin):  # type: ignore[misc]
        night_path = "pk"
        inlines = (Inline,)

    for model, careless in ((Event, ModelAdmin), (Event, WithInline)):
        site = admin.AdminSite("other")
        site.register(model, careless)
        with pytest.raises(ImproperlyConfigured, match="must be NightsOnly"):
            demand_scopes(site)
    demand_scopes(admin.site)


def test_money_that_moved_is_written_into_no_form(pair: Pair) -> None:
    chief, written = User.objects.create_superuser("chief"), set()

    for request in (request_of(pair.anna), request_of(chief)):
        for page in pages(BaseModelAdmin):
            forms = [(page.model, page.get_form(request, None, change=True))]
            forms += [(page.model, page.get_form(request))] if page.has_add_permission(request) else []
            if page.has_change_permission(request):
                forms += [(inline.model, set_.form) for set_, inline in page.get_formsets_with_inlines(request)]
            written |= {(model, name) for model, form in forms for name in form.base_fields if name.endswith("_cents")}

    assert written == SETTINGS


def test_nothing_of_the_club_is_deleted_by_anybody(pair: Pair) -> None:
    chief, table = User.objects.create_superuser("chief"), TableFactory.create(event=pair.a)

    for request in (request_of(pair.anna), request_of(pair.every), request_of(chief)):
        for page in pages(NightsOnly) + pages(EveryNightOnly):
            if page.model is OwnerAssignment:
                continue  # a role is taken away
            assert not page.has_delete_permission(request), page
            assert "delete_selected" not in page.get_actions(request), page
            assert not any(inline.has_delete_permission(request, None) for inline in page.get_inline_instances(request))
    by_hand = {"action": "delete_selected", "_selected_action": [table.pk], "post": "yes"}
    client_of(chief).post(reverse("admin:vip_table_changelist"), by_hand)

    assert Table.objects.filter(pk=table.pk).exists()
