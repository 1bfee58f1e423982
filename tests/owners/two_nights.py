"""Two nights on which the same things have happened, and what is of neither: who may see which of all these rows?"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import CharField, EmailField, ForeignKey, Model, SlugField, UUIDField

from maguey.samples import Samples
from owners.admin.nights_only import NightsOnly
from owners.models import Alert, OwnerAssignment
from owners.rights import OURS
from payments.models import Email, PaymentFailure
from tests.buying import buy, clock
from tests.factories.tickets import TicketTypeFactory
from tests.factories.vip import TableFactory, buy_table
from tests.fakes import FakeProvider
from tests.owners.console import give_up, owner
from tickets.models import Event, PromoCode, RefundPolicy, Scan

Rows = dict[type[Model], set[Any]]  # Any: keys of any kind
OF_NO_NIGHT = (PromoCode, PaymentFailure, Scan, Alert, Email)
KINDS = (CharField, SlugField, EmailField, UUIDField, ForeignKey)
# Shorter words, and those of another's row too, name nobody's.
SHORTEST = 8


class TwoNights:
    """Night A, which anna owns, and night B, which is bruno's; of every kind of row each has some."""

    def __init__(self, provider: FakeProvider) -> None:
        self.a, self.rows_of_a = self.put_on("Noche de Anna", provider)
        self.b, self.rows_of_b = self.put_on("Noche de Bruno", provider)
        before = every_row()
        samples = Samples()
        for model in OF_NO_NIGHT:
            samples.row(model)
        self.rows_of_neither = since(before)
        self.anna, self.bruno = owner("anna", event=self.a), owner("bruno", event=self.b)
        self.every = owner("every")
        self.chief = User.objects.create_superuser("chief")

    def put_on(self, title: str, provider: FakeProvider) -> tuple[Event, Rows]:
        """Put a night on, sell some of it, have some of it fail, and add one of each kind of row."""
        before = every_row()
        samples = Samples()
        night: Event = samples.night
        night.title, night.doors_at = title, clock() + timedelta(days=2)
        night.starts_at, night.ends_at = night.doors_at, night.doors_at + timedelta(hours=6)
        night.sales_end_at = night.ends_at
        night.save()
        type_ = TicketTypeFactory.create(event=night, name=f"General de {title}")
        buy(provider, type_)
        give_up(provider, type_, now=clock())
        buy_table(provider, TableFactory.create(event=night, section=f"Sala de {title}"))
        beside = of_this_night(samples)
        for model in models_shown():
            samples.row(model, **beside.get(model, {}))
        PromoCode.objects.filter(event=None).update(event=night)
        return night, {**since(before), Event: {night.pk}}  # samples put nights of their own on

    def foreign(self) -> frozenset[str]:
        """Return the words by which rows that are not anna's would be known on a page."""
        hers = set(words_of(self.rows_of_a))
        return frozenset({*words_of(self.rows_of_b), *words_of(self.rows_of_neither)} - hers)


def of_this_night(samples: Samples) -> dict[type[Model], dict[str, Any]]:  # Any: a row's values
    """Return what makes rows the night's that can be of none."""
    night = {"event": samples.night}
    return {
        PromoCode: night,
        Scan: night,
        Alert: night,
        RefundPolicy: night,
        PaymentFailure: {**night, "order": samples.order},
        Email: {"order": samples.order},
        OwnerAssignment: {**night, "role": "door"},
    }


def models_shown() -> list[type[Model]]:
    """Return the models whose rows the console shows by night, on pages of their own or beside others."""
    pages = [page for page in admin.site._registry.values() if isinstance(page, NightsOnly)]
    beside = [inline.model for page in pages for inline in page.inlines]
    return [page.model for page in pages if page.model is not Event] + beside


def every_row() -> Rows:
    """Return the keys of all rows of the club."""
    models = [model for label in OURS for model in apps.get_app_config(label).get_models()]
    return {model: set(model._default_manager.values_list("pk", flat=True)) for model in models}


def since(before: Rows) -> Rows:
    """Return the keys of the rows that have come since."""
    return {model: keys - before[model] for model, keys in every_row().items()}


def words_of(rows: Rows) -> Iterator[str]:
    """Return the keys and words of rows."""
    for model, keys in rows.items():
        fields = [field.name for field in model._meta.fields if type(field) in KINDS]
        for values in model._default_manager.filter(pk__in=keys).values_list(*fields):
            yield from (word for word in map(str, values) if len(word) >= SHORTEST)


def everything() -> dict[str, list[Any]]:
    """Return all there is in the club, to see whether anything changed."""
    models = [model for label in OURS for model in apps.get_app_config(label).get_models()]
    return {model._meta.label: list(model._default_manager.order_by("pk").values()) for model in models}
