from django.apps import AppConfig


class OwnersConfig(AppConfig):
    """Register this app."""

    name = "owners"
