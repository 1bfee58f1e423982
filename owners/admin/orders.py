"""Orders, each with its whole story."""

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.decorators import action, display

from owners import scope
from owners.admin import marks, order_page
from owners.admin.base import ReadOnlyAdmin
from owners.admin.dialogs import (
    RefundForm,
    RetryForm,
    WriteForm,
    home_if_asked,
    lead_back,
    send_back,
    send_letter,
)
from owners.admin.looking_up import FoundByOrder
from owners.admin.nights_only import NightsOnly
from payments import fulfilment, refunds
from payments.models import Order, Refund
from payments.money import format_cents


@admin.register(Order)
class OrderAdmin(FoundByOrder, NightsOnly, ReadOnlyAdmin):
    """Orders, newest first."""

    night_path = "event_id"
    list_display = ("guest", "reference", "event", "total", "state")
    list_filter = ("status", "kind", "event")
    list_select_related = ("event",)
    order_path = "pk"
    ordering = ("-created_at",)
    actions = ("retry_fulfilment", "refund")
    actions_detail = ("email_one", "retry_one", "refund_one")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Order]:
        """Read with an order what its own page says of it."""
        found: QuerySet[Order] = super().get_queryset(request)
        return found.select_related("event", "fulfilment", "vip_reservation__table", "promo_use__promo")

    def get_fieldsets(self, request: HttpRequest, obj: Order | None = None) -> list[Any]:  # Any: Django's own signature
        """Leave out the form: the page is a story and tables."""
        return []

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], **kwargs: Any
    ) -> HttpResponse:  # Any: Django's own signature
        """Show an order's facts and its story."""
        told = order_page.gather(kwargs["obj"], sees_events=scope.runs_every_night(request.user))
        answer: HttpResponse = super().render_change_form(request, {**context, **told}, **kwargs)
        return answer

    @admin.action(description="Retry fulfilment", permissions=["run"])
    def retry_fulfilment(self, request: HttpRequest, queryset: QuerySet[Order]) -> HttpResponse | None:
        """Give these orders a fresh set of tries."""
        started = sum(fulfilment.retry(order, now=timezone.now()) for order in queryset)
        messages.success(request, f"Started afresh: {started}.")
        return home_if_asked(request)

    @action(  # type: ignore[untyped-decorator]  # unfold ships no types
        description="Retry fulfilment…",
        permissions=["run"],
        url_path="retry",
        dialog={"title": "Try to deliver again?", "form_class": RetryForm, "form_submit_text": "Retry now"},
    )
    def retry_one(self, request: HttpRequest, form: RetryForm, object_id: str) -> HttpResponse:
        """Give an order a fresh set of tries."""
        if form.order is not None and fulfilment.retry(form.order, now=timezone.now()):
            messages.success(request, f"{form.order.name}: the first of six fresh tries has begun.")
        else:
            messages.warning(request, "Nothing is owed to this order: there is nothing to try again.")
        return lead_back(request, "admin:payments_order_changelist")

    @action(  # type: ignore[untyped-decorator]  # unfold ships no types
        description="Refund…",
        permissions=["run"],
        url_path="refund",
        dialog={"title": "Send the money back?", "form_class": RefundForm, "form_submit_text": "Refund"},
    )
    def refund_one(self, request: HttpRequest, form: RefundForm, object_id: str) -> HttpResponse:
        """Promise back all the money of an order."""
        send_back(request, UUID(object_id))
        return lead_back(request, "admin:payments_order_changelist")

    @action(  # type: ignore[untyped-decorator]  # unfold ships no types
        description="Email guest…",
        permissions=["run"],
        url_path="email",
        icon="mail",
        dialog={"title": "Write to the guest", "form_class": WriteForm, "form_submit_text": "Send"},
    )
    def email_one(self, request: HttpRequest, form: WriteForm, object_id: str) -> HttpResponse:
        """Send the guest a letter."""
        send_letter(request, form)
        return lead_back(request, "admin:payments_order_changelist")

    @admin.action(description="Refund in full", permissions=["run"])
    def refund(self, request: HttpRequest, queryset: QuerySet[Order]) -> None:
        """Promise back all the money of these orders."""
        owed = [
            refund
            for order in queryset
            for refund in refunds.refund_order(
                order.pk, reason=Refund.Reason.OWNER, cause=f"console:{request.user.pk}", now=timezone.now()
            )
        ]
        messages.success(request, f"On their way back: {len(owed)}.")

    @display(description="Guest", header=True)  # type: ignore[untyped-decorator]  # unfold ships no types
    def guest(self, order: Order) -> tuple[str, str]:
        """Name the guest, and below how to reach them."""
        return order.name, order.email

    @admin.display(description="State", ordering="status")
    def state(self, order: Order) -> SafeString:
        """Write the state."""
        return marks.status(order.status)

    @admin.display(description="Total", ordering="total_cents")
    def total(self, order: Order) -> str:
        """Write the total."""
        return format_cents(order.total_cents, order.currency)
