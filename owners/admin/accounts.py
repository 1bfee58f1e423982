"""The people of the console and of the door: made, shut out and helped here, by superusers alone."""

from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.admin import ModelAdmin, TabularInline
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from owners import enrolment, factors
from owners.admin.nights_only import ChiefsOnly
from owners.models import OwnerAssignment

# The libraries' own pages: they look otherwise, one of them shows secrets, and groups give no rights here.
for model in (Authenticator, EmailAddress, Group, User):
    admin.site.unregister(model)


BY_ROLE = "The roles below say what a person may do; “staff status” says whether one of them opens the console."


class Roles(ChiefsOnly, TabularInline):  # type: ignore[misc]  # unfold ships no types
    """For which nights a person is what."""

    model = OwnerAssignment
    extra = 0


@admin.register(User)
class PersonAdmin(ChiefsOnly, UserAdmin, ModelAdmin):  # type: ignore[misc, type-arg]  # unfold ships no types
    """People who sign in."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "email", "is_staff", "second_step", "last_login")
    list_filter = ("is_active", "is_staff", "is_superuser")
    filter_horizontal = ()  # two lists side by side leave a laptop's screen
    readonly_fields = ("is_staff", "last_login", "date_joined")
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Who it is", {"fields": ("first_name", "last_name", "email")}),
        ("What they may do", {"fields": ("is_active", "is_superuser", "is_staff"), "description": BY_ROLE}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    inlines = (Roles,)
    add_fieldsets = (
        (None, {"classes": ("wide",), "fields": ("username", "email", "usable_password", "password1", "password2")}),
    )
    actions = ("forget_second_step",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        """Look up also who has a second step."""
        theirs = Authenticator.objects.filter(user_id=OuterRef("pk"), type__in=enrolment.SECOND_STEPS)
        return super().get_queryset(request).annotate(has_second_step=Exists(theirs))  # type: ignore[no-any-return]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # Any: Django's own signature
        """Refuse: what a person did stays theirs. Take away “Active” instead."""
        return False

    @admin.action(description="Take away the second step (lost phone)", permissions=["change"])
    def forget_second_step(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """Let people who lost their phone set up a new one; their sessions end."""
        if request.user in queryset:
            messages.error(request, "Nothing was changed: your own second step is under “Two-step sign-in”.")
            return
        for user in queryset:
            factors.forget(user.pk, now=timezone.now())
            self.log_change(request, user, "Second step taken away.")
        messages.success(request, f"Taken away and signed out: {len(queryset)}.")

    @admin.display(description="Second step", boolean=True, ordering="has_second_step")
    def second_step(self, user: User) -> bool:
        """Say whether a password alone does not let this person in."""
        return bool(getattr(user, "has_second_step", False))
