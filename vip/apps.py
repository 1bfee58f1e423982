"""Tables' place in the line of apps."""

from django.apps import AppConfig


class VipConfig(AppConfig):
    """Tables for the night."""

    name = "vip"
