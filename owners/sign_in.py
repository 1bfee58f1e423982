"""How staff sign in: what the house decides where allauth asks."""

from base64 import urlsafe_b64encode
from datetime import datetime
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.totp.internal.auth import generate_totp_secret
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.shortcuts import resolve_url
from django.utils import timezone
from django.utils.crypto import salted_hmac

from owners import attempts, notices
from payments import rate_limits

NOWHERE = "unknown"
LOCKED = "Too many tries. Wait five minutes, then try again; or sign in with a passkey."
WRONG = "That name and password do not go together. Please try again."
WRONG_CODE = "That code does not fit. Codes change every 30 seconds, and each works once: type the one you see now."

Credentials = Any  # Any: allauth's own signatures


class StaffAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth ships no types
    """Let in only who has an account already, by name and password or by passkey."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "username_password_mismatch": WRONG,
        "incorrect_password": "That is not your password. Please try again.",
        "incorrect_code": WRONG_CODE,
        "too_many_login_attempts": LOCKED,
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Refuse: accounts are made in the console."""
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        """Return where a request comes from, by the rule that holds for guests too."""
        return rate_limits.address_of(request) or NOWHERE

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        """Lead those of the console to it, and everybody else to the door."""
        return resolve_url("admin:index" if request.user.is_staff else "door:door")

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Credentials) -> str:
        """Count by the name alone: the Host header, which allauth counts by too, is the guesser's to change."""
        return str(credentials.get("username") or credentials.get("email") or "").lower()

    def pre_authenticate(self, request: HttpRequest, **credentials: Credentials) -> None:
        """Keep also the tries that a lock stopped: they show who is shut out, and how long it goes on."""
        try:
            super().pre_authenticate(request, **credentials)
        except ValidationError:
            self.authentication_failed(request, **credentials)
            raise

    def authentication_failed(self, request: HttpRequest, **credentials: Credentials) -> None:
        """Keep a failed try."""
        attempts.keep(
            credentials.get("username", ""),
            step=attempts.Step.PASSWORD,
            address=self.get_client_ip(request),
            now=timezone.now(),
        )

    def send_notification_mail(
        self, template_prefix: str, user: User, context: Any = None, email: str | None = None
    ) -> None:  # allauth's own signature
        """Owe a person the news that how they sign in has changed."""
        notices.owe_change(user, template_prefix.rpartition("/")[2], now=timezone.now())


class StaffFactors(DefaultMFAAdapter):  # type: ignore[misc]  # allauth ships no types
    """Keep the secrets of second steps under a key that is not in the database."""

    error_messages = {**DefaultMFAAdapter.error_messages, "incorrect_code": WRONG_CODE}

    def encrypt(self, text: str) -> str:
        """Close a secret."""
        return box().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """Open a secret; one that was closed with a key that is gone becomes a new one, which no code fits."""
        try:
            return box().decrypt(encrypted_text.encode()).decode()
        except InvalidToken:
            return str(generate_totp_secret())

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """Call the house by its name where a passkey is kept."""
        return {**super().get_public_key_credential_rp_entity(), "name": settings.VENUE_NAME}

    def generate_authenticator_name(self, user: User, type: Any) -> str:  # allauth's own signature
        """Name a passkey by the day it was made."""
        today: datetime = timezone.localtime()
        return f"Passkey of {today:%B} {today.day}"


def box() -> MultiFernet:
    """Return what closes with today's key and opens with earlier ones too."""
    return MultiFernet([Fernet(key_from(secret)) for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)])


def key_from(secret: str) -> bytes:
    """Make a key for second steps alone from the house's secret."""
    return urlsafe_b64encode(salted_hmac("owners.sign_in", "factors", secret=secret, algorithm="sha256").digest())
