"""Who may do what."""

from django.contrib import admin
from unfold.admin import ModelAdmin

from owners.admin.nights_only import ChiefsOnly
from owners.models import OwnerAssignment


@admin.register(OwnerAssignment)
class OwnerAssignmentAdmin(ChiefsOnly, ModelAdmin):  # type: ignore[misc]  # unfold ships no types
    """Roles, for all nights or single ones."""

    list_display = ("user", "role", "event", "created_at")
    list_filter = ("role",)
    list_select_related = ("user", "event")
