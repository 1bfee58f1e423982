"""The console's place in the line of apps."""

from django.apps import AppConfig


class OwnersConfig(AppConfig):
    """All admin code, roles, alerts."""

    name = "owners"

    def ready(self) -> None:
        """Listen for trouble, register how alerts are sent, and see that every page says whose rows it shows."""
        from django.contrib import admin

        from owners import alerts, attempts, audit, errors, factors, notices, writing
        from owners.admin import nights_only
        from owners.models import Alert
        from payments import listeners, mail, purging, retrying
        from payments.models.email import WRITTEN
        from vip import owners_notices

        nights_only.demand_scopes(admin.site)
        listeners.register(alerts.tell)
        purging.register(audit.served_before)
        purging.register(attempts.failed_before)
        purging.register(factors.ended_before)
        mail.register(notices.FORGOTTEN, notices.password_forgotten)
        mail.register(notices.CHANGED, notices.sign_in_changed)
        purging.register(errors.served_before)
        purging.register(errors.counted_before)
        mail.register(WRITTEN, writing.written)
        owners_notices.register(alerts.addresses_for)
        retrying.register(retrying.Work(alerts.KIND, Alert, "alerts", alerts.send_alert, alerts.give_up))
