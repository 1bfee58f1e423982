"""What is asked before a whole night is changed."""

from typing import Any

from django import forms
from django.http import HttpRequest
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminSplitDateTimeWidget, UnfoldAdminTextInputWidget

from tickets.models import Event
from tickets.nights import Dates


class CallOffForm(BaseDialogForm):  # type: ignore[misc]  # unfold ships no types
    """Why a night is called off."""

    reason = forms.CharField(max_length=500, widget=UnfoldAdminTextInputWidget())


class PostponeForm(BaseDialogForm):  # type: ignore[misc]  # unfold ships no types
    """When a night is to be instead, in the venue's time, and until when its guests may have their money back."""

    doors_at = forms.SplitDateTimeField(label="Doors open", widget=UnfoldAdminSplitDateTimeWidget())
    starts_at = forms.SplitDateTimeField(label="Starts", widget=UnfoldAdminSplitDateTimeWidget())
    ends_at = forms.SplitDateTimeField(label="Ends", widget=UnfoldAdminSplitDateTimeWidget())
    refunds_until = forms.SplitDateTimeField(label="All money back until", widget=UnfoldAdminSplitDateTimeWidget())
    reason = forms.CharField(max_length=500, widget=UnfoldAdminTextInputWidget())

    def __init__(self, request: HttpRequest, object_id: str | None = None, **kwargs: Any) -> None:  # Any: a form's own
        """Begin with the night's dates as they are."""
        super().__init__(request, object_id, **kwargs)
        if object_id and (event := Event.objects.filter(pk=object_id).first()):
            for name in ("doors_at", "starts_at", "ends_at"):
                self.fields[name].initial = getattr(event, name)

    def dates(self) -> Dates:
        """Return the dates that were typed."""
        return Dates(*(self.cleaned_data[name] for name in ("doors_at", "starts_at", "ends_at")))


class DuplicateForm(BaseDialogForm):  # type: ignore[misc]  # unfold ships no types
    """When and at which address a night is put on again."""

    slug = forms.SlugField(max_length=80, widget=UnfoldAdminTextInputWidget())
    doors_at = forms.SplitDateTimeField(label="Doors open", widget=UnfoldAdminSplitDateTimeWidget())
