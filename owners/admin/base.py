"""What every page of the console has in common."""

from typing import Any, TypeVar

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from unfold.admin import ModelAdmin

M = TypeVar("M", bound=Model)


def lead_to(request: HttpRequest, page: str, *args: object) -> HttpResponse:
    """Leave a dialog for a page: its form is sent by htmx, which follows a redirect into the dialog itself."""
    if request.headers.get("HX-Request"):
        return HttpResponse(headers={"HX-Redirect": reverse(page, args=args)})
    return redirect(page, *args)


class MismatchFilter(admin.SimpleListFilter):
    """Keys that came with another request than at first: somebody's program is wrong."""

    title = "another request"
    parameter_name = "mismatch"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # Any: Django's own signature
        """Name the one choice."""
        return [("yes", "Came with another request")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:  # Any: either kind of key
        """Return those keys."""
        return queryset.filter(mismatches__gt=0) if self.value() else queryset


class ReadOnlyAdmin(ModelAdmin):  # type: ignore[misc]  # unfold ships no types
    """Rows that are looked at, and changed only by actions."""

    list_per_page = 50
    show_full_result_count = False

    def has_run_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Allow actions to who may change such rows, though no form does: to look at them is not enough."""
        return request.user.has_perm(f"{self.opts.app_label}.change_{self.opts.model_name}")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # Any: Django's own signature
        """Refuse: such rows come about by events, not by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # Any: Django's own signature
        """Refuse: such rows are changed by actions only."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # Any: Django's own signature
        """Refuse: nothing financial is deleted."""
        return False
