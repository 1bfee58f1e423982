"""Where the demo's emails can be read; nowhere else."""

import email
import email.policy
from email.message import EmailMessage
from pathlib import Path

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_GET

# Django's file backend ends each message with a line of dashes.
BETWEEN = b"\n" + b"-" * 79 + b"\n"
NEWEST = 200
POLICY_OF_A_BODY = {
    "default-src": ["'none'"],
    "style-src": ["'unsafe-inline'"],
    "img-src": ["data:"],
    "sandbox": ["allow-popups"],
    "frame-ancestors": ["'self'"],
}


def read_all() -> list[EmailMessage]:
    """Return the demo's messages, oldest first; one still being written is left for the next look."""
    if not settings.IS_DEMO:
        raise Http404
    found: list[EmailMessage] = []
    for path in sorted(Path(settings.OUTBOX_DIR).glob("*.log")):
        parts = path.read_bytes().split(BETWEEN)
        found += [parse(part) for part in parts[:-1] if part.strip()]
    return found


def parse(raw: bytes) -> EmailMessage:
    """Read one message."""
    return email.message_from_bytes(raw, policy=email.policy.default)


def find(number: int) -> EmailMessage:
    """Return one message, or 404."""
    found = read_all()
    if not 1 <= number <= len(found):
        raise Http404
    return found[number - 1]


def text_of(message: EmailMessage, kind: str) -> str:
    """Return a message's text or HTML."""
    part = message.get_body(preferencelist=(kind,))
    return str(part.get_content()) if part else ""


@require_GET
def messages(request: HttpRequest) -> HttpResponse:
    """List the demo's messages, newest first."""
    numbered = [
        (number, {"subject": found["Subject"], "to": found["To"], "date": found["Date"]})
        for number, found in enumerate(read_all(), start=1)
    ]
    return render(request, "outbox/messages.html", {"messages_": numbered[::-1][:NEWEST]})


@require_GET
def message(request: HttpRequest, number: int) -> HttpResponse:
    """Show one message."""
    found = find(number)
    context = {
        "number": number,
        "message_": found,
        "headers": [(name, found[name]) for name in ("From", "To", "Subject", "Date", "Message-ID")],
        "text": text_of(found, "plain"),
        "has_html": bool(text_of(found, "html")),
        "attachments": [part.get_filename() for part in found.iter_attachments()],
    }
    return render(request, "outbox/message.html", context)


@require_GET
@xframe_options_sameorigin
def body(request: HttpRequest, number: int) -> HttpResponse:
    """Serve a message's HTML, able to do nothing."""
    response = HttpResponse(text_of(find(number), "html"))
    response._csp_replace = POLICY_OF_A_BODY  # type: ignore[attr-defined]  # what django-csp's decorator sets
    return response


@require_GET
def attachment(request: HttpRequest, number: int, index: int) -> HttpResponse:
    """Serve one attachment."""
    parts = list(find(number).iter_attachments())
    if not 0 <= index < len(parts):
        raise Http404
    part = parts[index]
    content = part.get_payload(decode=True)
    name = Path(part.get_filename() or "attachment").name.replace('"', "")
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(content, content_type=part.get_content_type(), headers=headers)
