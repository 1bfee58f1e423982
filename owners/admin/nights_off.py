"""Nights that were called off or moved, and how far their money has come home."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from owners.admin.base import ReadOnlyAdmin
from owners.admin.nights_only import NightsOnly
from payments.money import format_cents
from tickets import nights
from tickets.models import NightChange, NightRefund


def words_of(done: int, failed: int, waiting: int) -> str:
    """Say how far a night's refunds are."""
    words = [f"{done} done"]
    if waiting:
        words.append(f"{waiting} to do")
    if failed:
        words.append(f"{failed} failed")
    return ", ".join(words)


@admin.register(NightChange)
class NightChangeAdmin(NightsOnly, ReadOnlyAdmin):
    """What was done to whole nights, the latest first."""

    night_path = "event_id"
    list_display = ("event", "kind", "note", "progress", "at")
    list_filter = ("kind",)
    list_select_related = ("event",)
    search_fields = ("event__title", "note")
    ordering = ("-at",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[NightChange]:
        """Count what each night that was called off still owes."""
        owed = Q(event__night_refunds__done_at=None, event__night_refunds__next_attempt_at__isnull=False)
        failed = Q(event__night_refunds__done_at=None, event__night_refunds__next_attempt_at=None)
        found: QuerySet[NightChange] = super().get_queryset(request)
        return found.annotate(
            orders=Count("event__night_refunds"),
            waiting=Count("event__night_refunds", filter=owed),
            failed=Count("event__night_refunds", filter=failed & Q(event__night_refunds__isnull=False)),
        )

    @admin.display(description="Orders given back")
    def progress(self, change: NightChange) -> str:
        """Draw how many orders of a night that was called off have been seen to, and name the rest."""
        orders, waiting, failed = (int(getattr(change, name, 0)) for name in ("orders", "waiting", "failed"))
        if change.kind != NightChange.Kind.CANCELLED or not orders:
            return "—"
        done = orders - waiting - failed
        page = reverse("admin:tickets_nightrefund_changelist") + f"?event__id__exact={change.event_id}"
        return format_html(
            '<a href="{}"><progress value="{}" max="{}"></progress> {}</a>',
            page, done, orders, words_of(done, failed, waiting),
        )  # fmt: skip


class StandFilter(admin.SimpleListFilter):
    """How an order of a cancelled night stands."""

    title = "stand"
    parameter_name = "stand"
    STANDS = {
        "failed": Q(done_at=None, next_attempt_at=None),
        "to-do": Q(done_at=None, next_attempt_at__isnull=False),
        "done": Q(done_at__isnull=False),
    }

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # Any: Django's own signature
        """Name the stands."""
        return [("failed", "Failed"), ("to-do", "To do"), ("done", "Done")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[NightRefund]) -> QuerySet[NightRefund]:
        """Return those that stand so."""
        return queryset.filter(self.STANDS.get(self.value() or "", Q()))


@admin.register(NightRefund)
class NightRefundAdmin(NightsOnly, ReadOnlyAdmin):
    """Orders of nights that were called off: what failed first."""

    night_path = "event_id"
    list_display = ("guest", "event", "stand", "back", "why")
    list_filter = (StandFilter, "event")
    list_select_related = ("order", "event")
    search_fields = ("order__reference", "order__email", "order__name")
    ordering = ("done_at", "next_attempt_at", "-created_at")
    actions = ("try_again",)

    @admin.action(description="Try again", permissions=["run"])
    def try_again(self, request: HttpRequest, queryset: QuerySet[NightRefund]) -> None:
        """Give orders a fresh set of tries."""
        started = sum(nights.retry(owed.pk, now=timezone.now()) for owed in queryset)
        messages.success(request, f"Started afresh: {started}.")

    @admin.display(description="Guest")
    def guest(self, owed: NightRefund) -> str:
        """Name the guest."""
        return f"{owed.order.name} · {owed.order.email}"

    @admin.display(description="Stand")
    def stand(self, owed: NightRefund) -> str:
        """Say in a word how it stands."""
        if owed.done_at:
            return "Done"
        return "To do" if owed.next_attempt_at else "Failed"

    @admin.display(description="Back", ordering="back_cents")
    def back(self, owed: NightRefund) -> str:
        """Write what was promised back."""
        return format_cents(owed.back_cents, owed.order.currency) if owed.done_at else "—"

    @admin.display(description="Last error")
    def why(self, owed: NightRefund) -> str:
        """Say why it is not done."""
        return "" if owed.done_at else owed.last_error or "—"
