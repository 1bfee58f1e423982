"""How lists are narrowed down."""

from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.dateparse import parse_date
from unfold.contrib.filters.admin import RangeDateFilter
from unfold.widgets import INPUT_CLASSES

from payments.models import Payment, PaymentFailure

DAY = timedelta(days=1)
LAST_YEAR = 9999
LOOK = " ".join(INPUT_CLASSES)


class DaysForm(forms.Form):
    """A first and a last day."""

    def __init__(self, name: str, **kwargs: Any) -> None:  # Any: a form's own
        """Name the two fields after the column."""
        super().__init__(**kwargs)
        for end, words in (("from", "From day"), ("to", "To day")):
            attributes = {"type": "date", "class": LOOK, "aria-label": words}
            self.fields[f"{name}_{end}"] = forms.DateField(
                label=words, required=False, widget=forms.DateInput(attributes)
            )


class DaysFilter(RangeDateFilter):  # type: ignore[misc]  # unfold ships no types
    """From one day to another, both of them whole and at the venue."""

    form_class = DaysForm

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:  # Any: rows of any model
        """Return the rows of these days."""
        first, last = (self.day(end) for end in ("from", "to"))
        if first:
            queryset = queryset.filter(**{f"{self.parameter_name}__gte": midnight(first)})
        if last:
            queryset = queryset.filter(**{f"{self.parameter_name}__lt": midnight(last + DAY)})
        return queryset

    def day(self, end: str) -> datetime | None:
        """Return a day that was typed; what is no day is left out."""
        try:
            day = parse_date(str(self.used_parameters.get(f"{self.parameter_name}_{end}") or ""))
        except ValueError:
            return None
        return datetime.combine(day, time.min) if day and day.year < LAST_YEAR else None


def midnight(day: datetime) -> datetime:
    """Return when a day begins at the venue."""
    return timezone.make_aware(day)


class KnownFilter(admin.SimpleListFilter):
    """A column whose values `lookups` knows: they need not be looked for in all the rows there are."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:  # Any: rows of any model
        """Return the rows of that value."""
        return queryset.filter(**{str(self.parameter_name): self.value()}) if self.value() else queryset


class ProviderFilter(admin.SimpleListFilter):
    """Whose payment it was: a provider's ids have a form of their own."""

    title = "provider"
    parameter_name = "provider"
    STRIPE = Q(stripe_payment_intent_id__startswith="pi_") | Q(stripe_event_id__startswith="evt_")
    NONE = Q(stripe_payment_intent_id="", stripe_event_id="")

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # Any: Django's own signature
        """Name the providers."""
        return [(str(value), str(label)) for value, label in Payment.Provider.choices] + [("none", "Neither")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[PaymentFailure]) -> QuerySet[PaymentFailure]:
        """Return the failures of one of them."""
        wanted = {"stripe": self.STRIPE, "paypal": ~self.STRIPE & ~self.NONE, "none": self.NONE}
        return queryset.filter(wanted.get(self.value() or "", Q()))
