"""How a letter to a guest is made: three templates, the guest's language, a name it keeps."""

from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation

from payments import products
from payments.models import Email
from payments.money import format_cents


def letter_about(email: Email, name: str) -> EmailMultiAlternatives:
    """Write one message about an order from templates/emails/<name>.*, to be sent as it is."""
    order = email.order
    language = email.context.get("language") or (order.language if order else settings.LANGUAGE_CODE)
    with translation.override(language):
        context = {"email": email, "order": order, "venue_name": settings.VENUE_NAME, "site_url": settings.SITE_URL}
        if order:
            context["event"] = order.event
            context["total"] = format_cents(order.total_cents, order.currency, language)
            context["order_url"] = settings.SITE_URL + reverse(products.of(order).page, args=[order.reference])
        subject = render_to_string(f"emails/{name}.subject.txt", context).strip()
        text = render_to_string(f"emails/{name}.txt", context)
        html = render_to_string(f"emails/{name}.html", context)
    letter = EmailMultiAlternatives(subject, text, to=[email.recipient], headers=headers_of(email))
    letter.attach_alternative(html, "text/html")
    return letter


def headers_of(email: Email) -> dict[str, str]:
    """Name a message by its row, so that one sent twice after a crash is known for the same."""
    domain = urlsplit(settings.SITE_URL).hostname or "maguey"
    return {"Message-ID": f"<{email.pk}@{domain}>", "Auto-Submitted": "auto-generated"}
