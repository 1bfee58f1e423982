"""Who is what for which night: superusers say who owns one, owners whom they work with."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import Field, Q
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminTextInputWidget

from owners import scope
from owners.admin.nights_only import NightsOnly, is_chief
from owners.models import OwnerAssignment
from owners.scope import Nights

# What an owner makes of others; owners are made by superusers alone.
GIVEN_BY_OWNERS = (OwnerAssignment.Role.ADMIN, OwnerAssignment.Role.DOOR)


class RoleForm(forms.ModelForm):  # type: ignore[type-arg]  # django-stubs has it generic, Django has not
    """Who is what for which night; a person is named by whoever knows them, so that nobody is shown all there are."""

    user = forms.ModelChoiceField(
        queryset=User.objects.filter(is_active=True),
        to_field_name="username",
        widget=UnfoldAdminTextInputWidget(attrs={"autocapitalize": "off", "autocomplete": "off"}),
        label="Signs in as",
        help_text="The name they type to sign in.",
        error_messages={"invalid_choice": "Nobody signs in by that name."},
    )


@admin.register(OwnerAssignment)
class OwnerAssignmentAdmin(NightsOnly, ModelAdmin):  # type: ignore[misc]  # unfold ships no types
    """Roles, for all nights or single ones: given and taken away, never changed."""

    night_path = "event_id"
    list_display = ("user", "role", "event", "created_at")
    list_filter = ("role", "event")
    list_select_related = ("user", "event")
    search_fields = ("user__username", "user__email")
    ordering = ("event__starts_at", "user__username")
    form = RoleForm
    fields = ("user", "role", "event")

    def nights_of(self, request: HttpRequest) -> Nights:
        """Return the nights whose roles are this person's to give: those they own."""
        return scope.of(request.user).owns

    def theirs(self, request: HttpRequest) -> Q:
        """Return the roles that are this person's to give and to take away."""
        return super().theirs(request) & (Q() if is_chief(request) else Q(role__in=GIVEN_BY_OWNERS))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # Any: Django's own signature
        """Refuse: that a role was another is nothing to lose sight of."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # Any: Django's own signature
        """Allow who may give a role to take it away."""
        return bool(self.has_add_permission(request))

    def formfield_for_choice_field(
        self, db_field: "Field[Any, Any]", request: HttpRequest, **kwargs: Any
    ) -> Any:  # Any: Django's own signature
        """Offer an owner the roles that are theirs to give."""
        if db_field.name == "role" and not is_chief(request):
            kwargs["choices"] = [("", "Select value"), *((role.value, role.label) for role in GIVEN_BY_OWNERS)]
        return super().formfield_for_choice_field(db_field, request, **kwargs)
