"""Errors of our own code, for whoever runs every night."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.decorators import action

from owners import errors
from owners.admin import marks
from owners.admin.base import ReadOnlyAdmin
from owners.admin.dialogs import ConfirmForm, find, lead_back
from owners.admin.nights_only import EveryNightOnly
from owners.models import ErrorCount, ErrorLog

LIST = "admin:owners_errorlog_changelist"
BAR, GAP, HEIGHT = 6, 2, 24
SHOWN = 120


class MendedFilter(admin.SimpleListFilter):
    """What is still open, unless one asks for the rest."""

    title = "resolved"
    parameter_name = "resolved"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # Any: Django's own signature
        """Name the choices beside the usual one."""
        return [("yes", "Resolved"), ("all", "All")]

    def choices(self, changelist: Any) -> Any:  # Any: Django's own signature
        """Call the usual choice by its name."""
        for number, choice in enumerate(super().choices(changelist)):
            yield {**choice, "display": "Open"} if number == 0 else choice

    def queryset(self, request: HttpRequest, queryset: QuerySet[ErrorLog]) -> QuerySet[ErrorLog]:
        """Return the open ones, the resolved ones or all."""
        return queryset if self.value() == "all" else queryset.filter(resolved=self.value() == "yes")


class MendedForm(ConfirmForm):
    """Whether an error is mended."""

    def sentences(self) -> list[str]:
        """Say which error it is, and what follows if it is not."""
        error = find(ErrorLog.objects.all(), self.object_id)
        return [shortened(str(error)), "If it comes once more, it will be open again, and say so."]


@admin.register(ErrorLog)
class ErrorLogAdmin(EveryNightOnly, ReadOnlyAdmin):
    """Errors, the open ones that came last first: they are of the house, not of one night."""

    list_display = ("what", "state", "count", "last_seen", "trend")
    list_filter = (MendedFilter, "severity", "last_seen_at")
    search_fields = ("message", "error_type", "function")
    search_help_text = "Words, a kind of error or a function"
    ordering = ("-last_seen_at",)
    actions = ("resolve",)
    actions_row = ("resolve_one",)
    actions_detail = ("resolve_one",)
    fieldsets = (
        ("What happened", {"fields": ("words", "state", "function", "logger")}),
        ("How often", {"fields": ("count", "first_seen", "last_seen", "recurred", "days")}),
        ("What it was doing, the last time", {"fields": ("doing",)}),
        ("Where in the code", {"fields": ("where",)}),
    )
    readonly_fields = ("words", "state", "first_seen", "last_seen", "recurred", "days", "doing", "where")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ErrorLog]:
        """Bring along the days and who has mended what."""
        found: QuerySet[ErrorLog] = super().get_queryset(request).select_related("resolved_by")
        return found.prefetch_related(Prefetch("days", queryset=ErrorCount.objects.order_by("day")))

    @admin.action(description="Resolve", permissions=["run"])
    def resolve(self, request: HttpRequest, queryset: QuerySet[ErrorLog]) -> None:
        """Say that these are mended."""
        done = sum(errors.resolve(error.pk, user=request.user, now=timezone.now()) for error in queryset)
        messages.success(request, f"Resolved: {done}. One that comes back will be open again.")

    @action(  # type: ignore[untyped-decorator]  # unfold ships no types
        description="Resolve…",
        permissions=["run"],
        url_path="resolve",
        icon="task_alt",
        dialog={"title": "Is this mended?", "form_class": MendedForm, "form_submit_text": "Resolve"},
    )
    def resolve_one(self, request: HttpRequest, form: MendedForm, object_id: str) -> HttpResponse:
        """Say that one is mended."""
        error = find(ErrorLog.objects.all(), object_id)
        if errors.resolve(error.pk, user=request.user, now=timezone.now()):
            messages.success(request, "Resolved. If it comes back, it will be open again.")
        else:
            messages.warning(request, "Somebody had resolved it already.")
        return lead_back(request, LIST)

    @admin.display(description="Error", ordering="message")
    def what(self, error: ErrorLog) -> SafeString:
        """Say what it was, and below it where."""
        said, place = shortened(str(error)), error.function
        return format_html('<span class="error-words">{}<br><span class="dim">{}</span></span>', said, place)

    @admin.display(description="State", ordering="severity")
    def state(self, error: ErrorLog) -> SafeString:
        """Say how bad it is and whether it came back, or who mended it and when."""
        if error.resolved:
            by_whom = f"{error.resolved_by}, {marks.moment(error.resolved_at)}"
            return format_html('{}<br><span class="dim">{}</span>', marks.status("resolved"), by_whom)
        badge = marks.badge(error.get_severity_display(), "bad" if error.severity == "critical" else "odd")
        return format_html("{} {}", badge, marks.badge("Came back", "bad")) if error.recurred_at else badge

    @admin.display(description="First seen", ordering="first_seen_at")
    def first_seen(self, error: ErrorLog) -> str:
        """Write when it came first."""
        return marks.moment(error.first_seen_at)

    @admin.display(description="Last seen", ordering="last_seen_at")
    def last_seen(self, error: ErrorLog) -> str:
        """Write when it came last."""
        return marks.moment(error.last_seen_at)

    @admin.display(description="Came back")
    def recurred(self, error: ErrorLog) -> str:
        """Write when it last came back after somebody had mended it."""
        return marks.moment(error.recurred_at)

    @admin.display(description="30 days")
    def trend(self, error: ErrorLog) -> SafeString:
        """Draw how often it came."""
        return chart(errors.trend(error, now=timezone.now()), "trend")

    @admin.display(description="30 days")
    def days(self, error: ErrorLog) -> SafeString:
        """Draw how often it came, with the figures beside it."""
        found = errors.trend(error, now=timezone.now())
        rows = ((f"{day:%a} {day:%b} {day.day}", count) for day, count in reversed(found) if count)
        figures = format_html_join("", "<tr><th scope=row>{}</th><td>{}</td></tr>", rows)
        head = "<thead><tr><th scope=col>Day</th><th scope=col>Times</th></tr></thead>"
        return format_html(
            '<div class="trend-beside">{}<details><summary class="link">Figures</summary><table>'
            + head
            + "<tbody>{}</tbody></table></details></div>",
            chart(found, "trend trend--big"),
            figures,
        )

    @admin.display(description="Message")
    def words(self, error: ErrorLog) -> SafeString:
        """Write the whole message."""
        return plain(str(error), "Message")

    @admin.display(description="Context")
    def doing(self, error: ErrorLog) -> SafeString | str:
        """Show the request or task, and the ids bound to it."""
        return marks.json_box(error.context, "Context")

    @admin.display(description="Stack")
    def where(self, error: ErrorLog) -> SafeString | str:
        """Write the traceback."""
        return plain(error.stack, "Stack") if error.stack else marks.NOTHING


def shortened(words: str) -> str:
    """Write no more of a message than a list has room for."""
    return words if len(words) <= SHOWN else f"{words[:SHOWN]}…"


def plain(words: str, name: str) -> SafeString:
    """Write text as it is, in a box that the keyboard can scroll."""
    return format_html('<pre class="plain-text" tabindex="0" aria-label="{}">{}</pre>', name, words)


def chart(trend: errors.Trend, looks: str) -> SafeString:
    """Draw one bar a day, the highest as high as the picture; its words say the sum and the worst day."""
    highest = max(count for _, count in trend)
    bars = [
        (place * BAR, HEIGHT - height, BAR - GAP, height, "some" if count else "none", f"{day:%b} {day.day}: {count}")
        for place, (day, count) in enumerate(trend)
        if (height := height_of(count, highest))
    ]
    drawn = format_html_join(
        "", '<rect x="{}" y="{}" width="{}" height="{}" class="trend-{}"><title>{}</title></rect>', bars
    )
    said = f"{sum(count for _, count in trend)} times in {len(trend)} days, {highest} on the worst"
    box = f"0 0 {BAR * len(trend)} {HEIGHT}"
    return format_html('<svg class="{}" viewBox="{}" role="img" aria-label="{}">{}</svg>', looks, box, said, drawn)


def height_of(count: int, highest: int) -> int:
    """Return how high a day's bar is: a day without errors is a line, one with some is more."""
    return max(3, round(HEIGHT * count / highest)) if count else 1
