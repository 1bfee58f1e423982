"""What the lists of those who wait have in common: for tickets, and for tables."""

from typing import ClassVar

from django.contrib import admin
from django.utils.safestring import SafeString
from unfold.decorators import display

from owners.admin import marks
from tickets.models import WaitingGuest
from vip.models import WaitingParty


class Waiting:
    """Who waits and what became of it, first come first served."""

    search_fields: ClassVar[tuple[str, ...]] = ("email", "name")
    search_help_text: ClassVar[str] = "An email or a name"
    ordering: ClassVar[tuple[str, ...]] = ("joined_at",)

    @display(description="Guest", header=True)  # type: ignore[untyped-decorator]  # unfold ships no types
    def guest(self, waiting: WaitingGuest | WaitingParty) -> tuple[str, str]:
        """Name who waits, and below how to reach them."""
        return waiting.name, waiting.email

    @admin.display(description="State", ordering="status")
    def state(self, waiting: WaitingGuest | WaitingParty) -> SafeString:
        """Write what became of it."""
        return marks.status(waiting.status)

    @admin.display(description="What was offered")
    def its_order(self, waiting: WaitingGuest | WaitingParty) -> SafeString | str:
        """Link to the order that was held for them."""
        return marks.link_to("payments_order", waiting.order_id, str(waiting.order or ""))
