"""What people may do: by their roles, and by nothing that is ticked by hand."""

from functools import cache
from typing import Any

from allauth.account.auth_backends import AuthenticationBackend
from django.apps import apps
from django.contrib.auth.models import User
from django.db.models import Model

from owners import scope
from owners.models import OwnerAssignment, StaffKey
from owners.scope import Scope
from tickets.models import Event

Rights = frozenset[str]

OURS = ("payments", "tickets", "vip", "owners")
AT_THE_DOOR: Rights = frozenset({"tickets.add_scan"})
# Rows by which one becomes somebody else, or lets somebody in.
KEPT_FROM_ADMINS = (OwnerAssignment, StaffKey)


class RightsByRole(AuthenticationBackend):  # type: ignore[misc]  # allauth ships no types
    """Let people in as allauth does, and give each the rights of their roles.

    Asked about a night, it answers for that night; asked about nothing, whether there is a night for which it is so.
    Rights and groups ticked on an account count for nothing, so that there is one place to look.
    """

    def get_user_permissions(self, user_obj: User, obj: Any = None) -> set[str]:  # Any: Django's own signature
        """Return all the rights a person has, or those for one night."""
        held = scope.of(user_obj)
        if obj is None:
            return set(rights_of(held))
        return set(rights_at(held, obj)) if isinstance(obj, Event) else set()

    def get_group_permissions(self, user_obj: User, obj: Any = None) -> set[str]:  # Any: Django's own signature
        """Return nothing: groups give no rights."""
        return set()

    def get_all_permissions(self, user_obj: User, obj: Any = None) -> set[str]:  # Any: Django's own signature
        """Return all the rights a person has, or those for one night."""
        return self.get_user_permissions(user_obj, obj)


def rights_of(held: Scope) -> Rights:
    """Return what somebody may do for at least one night."""
    return granted(owns=bool(held.owns), runs=bool(held.runs), stands=bool(held.doors))


def rights_at(held: Scope, night: Event) -> Rights:
    """Return what somebody may do for one night."""
    return granted(owns=night.pk in held.owns, runs=night.pk in held.runs, stands=night.pk in held.doors)


@cache
def granted(*, owns: bool, runs: bool, stands: bool) -> Rights:
    """Return the rights of who owns, runs or stands at the door of a night."""
    rights = AT_THE_DOOR if stands else frozenset()
    if runs:
        rights |= rights_on(*(model for model in ours() if model not in KEPT_FROM_ADMINS))
    return rights | rights_on(OwnerAssignment) if owns else rights


def ours() -> list[type[Model]]:
    """Return the models of the club."""
    return [model for label in OURS for model in apps.get_app_config(label).get_models()]


def rights_on(*models: type[Model]) -> Rights:
    """Return the rights to see, add and change such rows; nothing of a night is deleted by hand."""
    return frozenset(
        f"{model._meta.app_label}.{verb}_{model._meta.model_name}"
        for model in models
        for verb in ("view", "add", "change")
    )
