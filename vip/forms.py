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


def name_field() -> forms.CharField:
    """Return the field for who comes, with the sentence for one left empty."""
    missing = {"required": _("Type your name: we greet you by it.")}
    return forms.CharField(max_length=200, strip=True, label=_("Your name"), error_messages=missing)


def email_field() -> forms.EmailField:
    """Return the field for an address, with the sentences for one that is none."""
    wrong = {
        "required": _("Type your email: your passes are sent there."),
        "invalid": _("This address is not complete. It looks like name@example.com."),
    }
    return forms.EmailField(max_length=254, label=_("Email"), error_messages=wrong)


def phone_field() -> forms.CharField:
    """Return the field for a number to call on the night."""
    missing = {"required": _("Type your phone: we call it if you are late.")}
    return forms.CharField(max_length=40, strip=True, label=_("Phone"), error_messages=missing)


def terms_field() -> forms.BooleanField:
    """Return the box that says how tables are sold was read."""
    missing = {"required": _("Read how tables are sold, and say that you agree.")}
    return forms.BooleanField(label=_("I have read how tables are sold, and agree."), error_messages=missing)


class BookForm(forms.Form):
    """Who comes to one table, and what they wish for."""

    party_size = forms.TypedChoiceField(coerce=int, label=_("How many are you?"))
    name = name_field()
    email = email_field()
    phone = phone_field()
    arrives_at = forms.ChoiceField(label=_("When will you come?"))
    occasion = forms.ChoiceField(choices=OCCASIONS, required=False, label=_("What is it for?"))
    celebrated = forms.CharField(max_length=200, strip=True, required=False, label=_("Who is celebrated?"))
    bottle_wishes = forms.CharField(max_length=500, strip=True, required=False, label=_("Bottles you would like"))
    requests = forms.CharField(max_length=1000, strip=True, required=False, label=_("Anything else?"))
    accepts_terms = terms_field()

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


class WaitForm(forms.Form):
    """Who waits for a table to come back, and how many they are."""

    party_size = forms.IntegerField(
        min_value=1,
        max_value=40,
        label=_("How many are you?"),
        error_messages={"required": _("Type how many you are: we look for a table that fits.")},
    )
    name = name_field()
    email = email_field()
    phone = phone_field()
    accepts_terms = terms_field()

    def buyer(self, language: str) -> Buyer:
        """Return who waits."""
        data = self.cleaned_data
        return Buyer(data["name"], data["email"], phone=data["phone"], language=language)


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
