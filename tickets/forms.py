"""What guests type, cleaned."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from tickets.models import TicketType

PREFIX = "quantity_"


class GuestForm(forms.Form):
    """A form that puts the cursor where something is not right."""

    def full_clean(self) -> None:
        """Clean, then mark the first field with a mistake."""
        super().full_clean()
        wrong = next((name for name in self.fields if name in self.errors), None)
        if wrong:
            self.fields[wrong].widget.attrs["autofocus"] = True


def email_field() -> forms.EmailField:
    """Return the field for an address, as phones like it."""
    attrs = {"autocomplete": "email", "inputmode": "email", "autocapitalize": "off", "spellcheck": "false"}
    return forms.EmailField(
        max_length=254,
        label=_("Email"),
        widget=forms.EmailInput(attrs=attrs),
        error_messages={
            "required": _("Type your email: your tickets are sent there."),
            "invalid": _("This address is not complete. It looks like name@example.com."),
        },
    )


def name_field() -> forms.CharField:
    """Return the field for a guest's name."""
    return forms.CharField(
        max_length=200,
        strip=True,
        label=_("Name"),
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
        error_messages={"required": _("Type your name: it is on your tickets.")},
    )


class BuyForm(GuestForm):
    """How many of what, for whom."""

    name = name_field()
    email = email_field()

    def __init__(self, *args: Any, types: list[TicketType], **kwargs: Any) -> None:  # Any: Django's own arguments
        super().__init__(*args, **kwargs)
        self.types = types
        for type_ in types:
            self.fields[PREFIX + type_.slug] = quantity_field(type_)
        self.order_fields([PREFIX + type_.slug for type_ in types])

    def quantities(self) -> dict[str, int]:
        """Return what was chosen, by slug."""
        return {type_.slug: self.cleaned_data.get(PREFIX + type_.slug) or 0 for type_ in self.types}


def quantity_field(type_: TicketType) -> forms.IntegerField:
    """Return the field for how many of a type."""
    most = _("At most %(limit_value)s in one order.")
    return forms.IntegerField(
        min_value=0,
        max_value=type_.max_per_order,
        required=False,
        label=type_.name,
        error_messages={"max_value": most, "min_value": _("Not fewer than none."), "invalid": _("Type a number.")},
    )


class WaitForm(GuestForm):
    """What somebody waits for, and where to write."""

    quantity = forms.IntegerField(min_value=1, label=_("How many"), initial=2)
    name = name_field()
    email = email_field()

    def __init__(self, *args: Any, types: list[TicketType], **kwargs: Any) -> None:  # Any: Django's own arguments
        super().__init__(*args, **kwargs)
        kinds = TicketType.objects.filter(pk__in=[type_.pk for type_ in types]).order_by("position", "name")
        self.fields["type"] = forms.ModelChoiceField(kinds, to_field_name="slug", label=_("Ticket"), empty_label=None)
        self.order_fields(["type"])


class GiveForm(GuestForm):
    """Whom a ticket is given to."""

    name = forms.CharField(
        max_length=200,
        label=_("Your friend’s name"),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"required": _("Type your friend’s name: it is on the ticket.")},
    )
    email = email_field()

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # Any: Django's own arguments
        super().__init__(*args, **kwargs)
        email = self.fields["email"]
        email.label = _("Your friend’s email")
        email.error_messages["required"] = _("Type your friend’s email: the ticket is sent there.")
        email.widget.attrs["autocomplete"] = "off"


class CancelForm(forms.Form):
    """The amount that was shown to whoever cancels."""

    shown_cents = forms.IntegerField(min_value=1)


class FindForm(GuestForm):
    """Where to send a guest's tickets once more."""

    email = email_field()
