"""The ground's own kinds of work."""

from django.apps import AppConfig


class PaymentsConfig(AppConfig):
    """Orders, payments, refunds, webhooks."""

    name = "payments"

    def ready(self) -> None:
        """Register every kind of work that is tried until it is done, and have changes carry who makes them."""
        from anymail.signals import tracking

        from payments import actors, bounces, emails, fulfilment, identity, mail, refunds, retrying, webhooks
        from payments.models import Email, Fulfilment, Refund, WebhookEvent

        for work in (
            retrying.Work(
                fulfilment.KIND, Fulfilment, "money", fulfilment.fulfil_order, fulfilment.give_up, at_once=20
            ),
            retrying.Work(webhooks.KIND, WebhookEvent, "money", webhooks.apply_event, webhooks.give_up),
            retrying.Work(refunds.KIND, Refund, "money", refunds.send_refund, refunds.give_up),
            retrying.Work(mail.KIND, Email, "mail", mail.send_email, mail.give_up),
        ):
            retrying.register(work)
        actors.watch_connections()
        identity.watch_connections()
        tracking.connect(bounces.hear)
        mail.register("refunded", emails.refunded)
        mail.register("late_payment_refunded", emails.late_payment_refunded)
