"""The audit of all the books, as the last runs found them."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.decorators import action, display

from owners import audit
from owners.admin.base import ReadOnlyAdmin
from owners.admin.nights_only import EveryNightOnly
from owners.models import LedgerAudit


class VerdictFilter(admin.SimpleListFilter):
    """Audits by whether everything held."""

    title = "verdict"
    parameter_name = "verdict"
    VERDICTS = {"broken": Q(broken__gt=0), "holds": Q(broken=0)}

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # Any: Django's own signature
        """Name the verdicts."""
        return [(verdict, verdict.capitalize()) for verdict in self.VERDICTS]

    def queryset(self, request: HttpRequest, queryset: QuerySet[LedgerAudit]) -> QuerySet[LedgerAudit]:
        """Return the audits of that verdict."""
        return queryset.filter(self.VERDICTS.get(self.value() or "", Q()))


@admin.register(LedgerAudit)
class LedgerAuditAdmin(EveryNightOnly, ReadOnlyAdmin):
    """Audits of the ledger, newest first; beat makes one an hour."""

    list_display = ("audited_at", "verdict", "what_is_broken")
    list_filter = (VerdictFilter,)
    ordering = ("-audited_at",)
    fields = ("audited_at", "verdict", "found")
    readonly_fields = fields
    actions_list = ("run_now",)

    @action(description="Audit now", url_path="run-now", permissions=["run"])  # type: ignore[untyped-decorator]  # unfold ships no types
    def run_now(self, request: HttpRequest) -> HttpResponse:
        """Audit the ledger while the owner waits."""
        found = audit.run(now=timezone.now())
        if found.broken:
            messages.error(request, f"Not everything adds up: {found.broken}.")
        else:
            messages.success(request, "Every payment, ticket and place is accounted for.")
        return redirect("admin:owners_ledgeraudit_change", found.pk)

    @display(description="Verdict", label={"Holds": "success", "Broken": "danger"})  # type: ignore[untyped-decorator]  # unfold
    def verdict(self, found: LedgerAudit) -> str:
        """Say whether everything held."""
        return "Broken" if found.broken else "Holds"

    @admin.display(description="Broken")
    def what_is_broken(self, found: LedgerAudit) -> str:
        """Name the invariants that did not hold."""
        return " ".join(finding["sentence"] for finding in found.findings if finding["broken_by"]) or "—"

    @admin.display(description="Found")
    def found(self, found: LedgerAudit) -> SafeString:
        """Write each invariant, and what breaks it."""
        lines = (
            (finding["sentence"], ", ".join(finding["broken_by"]) or "holds", finding["number"])
            for finding in found.findings
        )
        return format_html("<ul>{}</ul>", format_html_join("", "<li>{2}. {0} <strong>{1}</strong></li>", lines))
