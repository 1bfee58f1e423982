"""The doors at which providers knock."""

import logging

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from payments import webhooks
from payments.exceptions import SignatureRefused

logger = logging.getLogger(__name__)

LARGEST_BODY = 1024 * 1024


@csrf_exempt
@require_POST
def stripe(request: HttpRequest) -> HttpResponse:
    """Take in one of Stripe's deliveries: 2xx once it is kept, 400 unsigned, 413 too large."""
    if declared_length(request) > LARGEST_BODY:
        return HttpResponse(status=413)
    body = request.read()  # no more than was declared
    signature = request.headers.get("Stripe-Signature", "")
    try:
        status = webhooks.receive("stripe", body=body, signature=signature, now=timezone.now())
    except SignatureRefused as refusal:
        logger.warning("Refused a delivery: %s", refusal)
        return HttpResponse(status=400)
    return HttpResponse(status, content_type="text/plain")


def declared_length(request: HttpRequest) -> int:
    """Return the body's length as the request declares it, 0 where it does not."""
    try:
        return int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return 0
