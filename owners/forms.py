"""The forms of signing in, where they differ from allauth's."""

from allauth.account.adapter import get_adapter
from allauth.account.forms import ResetPasswordForm
from allauth.core import context
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils import timezone

from owners import attempts, notices


class ForgottenForm(ResetPasswordForm):  # type: ignore[misc]  # allauth ships no types
    """An address to which a link for a new password may go."""

    def clean_email(self) -> str:
        """Find whose address it is, whatever its capitals; nobody is told whether it is anybody's."""
        email: str = self.cleaned_data["email"]
        self.users = list(User.objects.filter(email__iexact=email, is_active=True))
        return email

    def save(self, request: HttpRequest, **kwargs: object) -> str:  # allauth's own signature
        """Promise a link to each account of this address."""
        for user in self.users:
            notices.owe_link(user, now=timezone.now())
        return str(self.cleaned_data["email"])


class Counted:
    """A code whose failures are kept."""

    user: User

    def clean_code(self) -> str:
        """Keep a code that did not fit."""
        try:
            return str(super().clean_code())  # type: ignore[misc]  # beside one of allauth's forms
        except ValidationError:
            address = get_adapter().get_client_ip(context.request)
            attempts.keep(self.user.username, step=attempts.Step.CODE, address=address, now=timezone.now())
            raise


class CodeForm(Counted, AuthenticateForm):  # type: ignore[misc]  # allauth ships no types
    """The second step: a code of the app, or a recovery code."""


class CodeAgainForm(Counted, ReauthenticateForm):  # type: ignore[misc]  # allauth ships no types
    """The same, asked again before something that matters."""
