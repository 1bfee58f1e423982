"""Who needs a second step to sign in, and sees nothing of the club before it is set up."""

from collections.abc import Callable

from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

SECOND_STEPS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
STAFFED = ("/admin/", "/door/")
WAYS_OUT = ("/admin/logout/", "/door/logout/")

Answer = Callable[[HttpRequest], HttpResponse]


def must_enrol(user: User | AnonymousUser) -> bool:
    """Say whether this person may open the console and has no second step yet."""
    return bool(settings.STAFF_MFA_REQUIRED and user.is_staff and not has_second_step(user))


def has_second_step(user: User | AnonymousUser) -> bool:
    """Say whether a password alone does not let this person in."""
    return bool(get_adapter().is_mfa_enabled(user, types=SECOND_STEPS))


def second_step_first(get_response: Answer) -> Answer:
    """Lead whoever must enrol to where that is done, from every page of the console and of the door."""

    def answer(request: HttpRequest) -> HttpResponse:
        path = request.path_info
        if path.startswith(STAFFED) and path not in WAYS_OUT and must_enrol(request.user):
            return redirect("mfa_index")
        return get_response(request)

    return answer
