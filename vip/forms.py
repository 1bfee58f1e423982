"""What guests type about tables, cleaned."""

from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.utils import formats
from django.utils.translation import gettext_lazy as _

from payments.orders import Buyer
from tickets.models import Event
from vip.booking import Party
from vip.models import Table

EARLIEST, LATEST = time(21), 6  # nine in the evening, and the six half hours after it
OCCASIONS = (
    ("", _("Just a night out")),
    ("birthday", _("Birthday")),
    ("anniversary", _("Anniversary")),
    ("wedding", _("Bachelor or bachelorette")),
    ("graduation", _("Graduation")),
    ("business", _("Work")),
    ("other", _("Something else")),
)


def arrivals(event: Event) -> list[datetime]:
    """Return when a party may come: 21:00 to 00:00 by the club's clock, in half hours."""
    evening = datetime.combine(event.doors_at.astimezone(event.zone).date(), EARLIEST)
    moments = [evening + timedelta(minutes=30 * step) for step in range(LATEST + 1)]
    return [moment.replace(tzinfo=event.zone) for moment in moments]


class BookForm(forms.Form):
    """Who comes to one table, and what they wish for."""

    party_size = forms.TypedChoiceField(coerce=int, label=_("How many are you?"))
    name = forms.CharField(max_length=200, strip=True, label=_("Your name"))
    email = forms.EmailField(max_length=254, label=_("Email"))
    phone = forms.CharField(max_length=40, strip=True, label=_("Phone"))
    arrives_at = forms.ChoiceField(label=_("When will you come?"))
    occasion = forms.ChoiceField(choices=OCCASIONS, required=False, label=_("What is it for?"))
    celebrated = forms.CharField(max_length=200, strip=True, required=False, label=_("Who is celebrated?"))
    bottle_wishes = forms.CharField(max_length=500, strip=True, required=False, label=_("Bottles you would like"))
    requests = forms.CharField(max_length=1000, strip=True, required=False, label=_("Anything else?"))
    accepts_terms = forms.BooleanField(label=_("I have read how tables are sold, and agree."))

    def __init__(self, *args: Any, table: Table, **kwargs: Any) -> None:  # Any: Django's own arguments
        super().__init__(*args, **kwargs)
        event = table.event
        sizes = range(table.capacity_min, table.capacity_max + 1)
        self.fields["party_size"] = forms.TypedChoiceField(
            coerce=int, choices=[(size, str(size)) for size in sizes], label=self.fields["party_size"].label
        )
        self.fields["arrives_at"] = forms.ChoiceField(
            choices=[(moment.isoformat(), formats.time_format(moment)) for moment in arrivals(event)],
            label=self.fields["arrives_at"].label,
        )

    def party(self) -> Party:
        """Return the party as it was described."""
        data = self.cleaned_data
        return Party(
            size=data["party_size"],
            arrives_at=datetime.fromisoformat(data["arrives_at"]),
            occasion=data["occasion"],
            celebrated=data["celebrated"],
            bottle_wishes=data["bottle_wishes"],
            requests=data["requests"],
            accepts_terms=data["accepts_terms"],
        )

    def buyer(self, language: str) -> Buyer:
        """Return who books."""
        data = self.cleaned_data
        return Buyer(data["name"], data["email"], phone=data["phone"], language=language)


class SizeForm(forms.Form):
    """How many are coming, to find tables that fit."""

    party = forms.IntegerField(min_value=1, max_value=40, required=False, label=_("How many are you?"))


class GuestForm(forms.Form):
    """Who has a seat."""

    name = forms.CharField(max_length=200, strip=True, label=_("Name"))
    email = forms.EmailField(max_length=254, required=False, label=_("Email (to send them their pass)"))


class HostForm(forms.Form):
    """Who is the host from now on."""

    name = forms.CharField(max_length=200, strip=True, label=_("Name"))
    email = forms.EmailField(max_length=254, label=_("Email"))


class EmailForm(forms.Form):
    """Whom to ask."""

    email = forms.EmailField(max_length=254, label=_("Their email"))
