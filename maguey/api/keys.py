"""Who a program speaks for: a key in the Authorization header, made and ended in the console."""

from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from owners import scope
from owners.models import StaffKey
from payments import identity

WORD = "Api-Key"
NO_SUCH_KEY = "This key is not known, or has ended."
# How exactly it is known when a key was last used: not every request writes.
NOTED_EVERY = timedelta(minutes=1)


class StaffKeys(BaseAuthentication):
    """Authorization: Api-Key …"""

    def authenticate(self, request: Request) -> tuple[User, StaffKey] | None:
        """Return the person a key speaks for; None without a key. Raises AuthenticationFailed."""
        word, _, key = request.headers.get("Authorization", "").partition(" ")
        if word.lower() != WORD.lower():
            return None
        try:
            found = StaffKey.objects.get_from_key(key.strip().replace("\x00", ""))
        except StaffKey.DoesNotExist as error:
            raise AuthenticationFailed(NO_SUCH_KEY) from error
        if not isinstance(found, StaffKey) or found.has_expired or not found.user.is_active:
            raise AuthenticationFailed(NO_SUCH_KEY)
        note_use(found)
        identity.become(identity.person(found.user.pk))
        return found.user, found

    def authenticate_header(self, request: Request) -> str:
        """Say how to come in, beside a 401."""
        return WORD


def note_use(key: StaffKey) -> None:
    """Write down that a key is in use, once a minute."""
    now = timezone.now()
    if key.last_used_at is None or key.last_used_at < now - NOTED_EVERY:
        StaffKey.objects.filter(pk=key.pk).update(last_used_at=now)


class RunsNights(BasePermission):
    """Let in whoever runs a night."""

    message = "This key does not run any night."

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Say whether the key's person may come in; what they see is theirs alone."""
        return bool(request.user) and scope.runs_nights(request.user)


class RunsNightsToRead(RunsNights):
    """Let everybody write, as guests do, and read who runs a night."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Say whether this request may come in."""
        return request.method not in SAFE_METHODS or super().has_permission(request, view)


class RunsEveryNightToWrite(BasePermission):
    """Let everybody read, and write who runs every night."""

    message = "Only who runs every night may add one."

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Say whether this request may come in."""
        if request.method in SAFE_METHODS:
            return True
        return bool(request.user) and scope.runs_every_night(request.user)


class StaffKeysInTheSchema(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # drf-spectacular's own
    """Say in the schema how a key is sent."""

    target_class = StaffKeys
    name = "staffKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:  # Any: drf-spectacular's own
        """Describe the header."""
        return {"type": "apiKey", "in": "header", "name": "Authorization", "description": f"`{WORD} <key>`"}
