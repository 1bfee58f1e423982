"""Messages to people."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.decorators import display

from owners import reasons
from owners.admin import marks
from owners.admin.base import ReadOnlyAdmin
from owners.admin.filters import KnownFilter
from owners.admin.looking_up import FoundByOrder
from owners.admin.nights_only import NightsOnly
from payments import mail
from payments.models import Email


class KindFilter(KnownFilter):
    """Messages of one kind."""

    title = "kind"
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # Any: Django's own signature
        """Name the kinds somebody writes."""
        return [(kind, marks.in_words(kind)) for kind in mail.kinds()]


@admin.register(Email)
class EmailAdmin(FoundByOrder, NightsOnly, ReadOnlyAdmin):
    """Messages to guests."""

    night_path = "order__event_id"
    list_display = ("what", "state", "attempts", "created_at", "sent_at")
    list_filter = (KindFilter, ("bounced_at", admin.EmptyFieldListFilter))
    list_select_related = ("order",)
    own_lookups = ("recipient__iexact",)
    ordering = ("-created_at",)
    fieldsets = (
        ("What it is", {"fields": ("state", "kind", "recipient", "its_order", "words")}),
        ("When", {"fields": ("created_at", "sent_at", "bounced_at", "bounce_reason")}),
        ("Tries", {"fields": ("attempts", "next_attempt_at", "error")}),
        ("Its cause", {"fields": ("cause",)}),
    )
    readonly_fields = ("state", "its_order", "words", "error")

    @display(description="Message and address", header=True)  # type: ignore[untyped-decorator]  # unfold ships no types
    def what(self, email: Email) -> tuple[str, str]:
        """Name the kind of message, and below whom it is to."""
        return marks.in_words(email.kind), email.recipient

    @admin.display(description="State")
    def state(self, email: Email) -> SafeString:
        """Write what became of it."""
        return state_of(email)

    @admin.display(description="Order")
    def its_order(self, email: Email) -> SafeString | str:
        """Link to the order, where its whole story is."""
        return marks.link_to("payments_order", email.order_id, email.order.name if email.order else "")

    @admin.display(description="What it says of its own")
    def words(self, email: Email) -> SafeString | str:
        """Show what is put into its template."""
        return marks.json_box(email.context, "Words")

    @admin.display(description="Last error")
    def error(self, email: Email) -> str:
        """Say in plain words what the last try died of."""
        return reasons.of_error(email.last_error) if email.last_error else marks.NOTHING


def state_of(email: Email) -> SafeString:
    """Write what became of a message."""
    if email.bounced_at:
        return marks.badge("Came back", "bad")
    if email.sent_at:
        return marks.badge("Sent", "good")
    return marks.badge("Waits", "odd") if email.next_attempt_at else marks.badge("Given up", "bad")
