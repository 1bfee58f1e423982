"""Keys of programs: made here, shown once, ended here."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from rest_framework_api_key.models import APIKey
from unfold.admin import ModelAdmin

from owners.admin.nights_only import ChiefsOnly
from owners.models import StaffKey

admin.site.unregister(APIKey)  # the library's own model: ours belongs to a person


@admin.register(StaffKey)
class StaffKeyAdmin(ChiefsOnly, ModelAdmin):  # type: ignore[misc]  # unfold ships no types
    """Keys by which programs do what one person may do."""

    list_display = ("name", "user", "prefix", "last_used_at", "ends")
    list_filter = ("revoked",)
    list_select_related = ("user",)
    search_fields = ("name", "prefix", "user__username")
    fields = ("name", "user", "expiry_date")
    autocomplete_fields = ("user",)
    ordering = ("-created",)
    actions = ("revoke",)

    def save_model(
        self, request: HttpRequest, obj: StaffKey, form: "ModelForm[StaffKey]", change: bool
    ) -> None:  # Django's own signature
        """Make a key and show it, this one time."""
        if change:
            obj.save()
            return
        key = StaffKey.objects.assign_key(obj)
        obj.save()
        messages.warning(request, f"The key, shown only now: {key}")

    @admin.action(description="End these keys", permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[StaffKey]) -> None:
        """Let these keys in no more; that cannot be undone."""
        ended = queryset.filter(revoked=False).update(revoked=True)
        messages.success(request, f"Ended: {ended}.")

    @admin.display(description="State")
    def ends(self, key: StaffKey) -> str:
        """Say whether a key still lets in."""
        return "Ended" if key.revoked or key.has_expired else "In use"

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # Any: Django's own signature
        """Refuse: what a key did stays traceable to it."""
        return False
