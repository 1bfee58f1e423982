"""What guests type, cleaned."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from tickets.models import TicketType

PREFIX = "quantity_"


class BuyForm(forms.Form):
    """How many of what, for whom."""

    name = forms.CharField(max_length=200, strip=True, label=_("Name"))
    email = forms.EmailField(max_length=254, label=_("Email"))

    def __init__(self, *args: Any, types: list[TicketType], **kwargs: Any) -> None:  # Any: Django's own arguments
        super().__init__(*args, **kwargs)
        self.types = types
        for type_ in types:
            self.fields[PREFIX + type_.slug] = forms.IntegerField(
                min_value=0, max_value=type_.max_per_order, required=False, label=type_.name
            )

    def quantities(self) -> dict[str, int]:
        """Return what was chosen, by slug."""
        return {type_.slug: self.cleaned_data.get(PREFIX + type_.slug) or 0 for type_ in self.types}


class FindForm(forms.Form):
    """Where to send a guest's tickets once more."""

    email = forms.EmailField(max_length=254, label=_("Email"))
