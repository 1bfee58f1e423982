"""The wiring's place among the apps, so that its commands are found."""

from django.apps import AppConfig


class MagueyConfig(AppConfig):
    """Hold the commands that need every room: demo, drill, sandbox."""

    name = "maguey"

    def ready(self) -> None:
        """Look at every connection to the database when it is made, and say who is at work."""
        from maguey import acting, durability

        durability.watch_connections()
        acting.watch_tasks()
