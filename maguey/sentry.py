"""Errors on their way to Sentry, where an address of one is set: what they are about, and nobody's secrets.

What is not collected cannot leak: no local variables, no form, no header, no query, no statement's parameters. The
rest is scrubbed as the log is, at the very end, when nothing is added any more.
"""

from typing import Any

import sentry_sdk
import structlog
from sentry_sdk.integrations.celery import CeleryIntegration
from sentry_sdk.integrations.django import DjangoIntegration
from sentry_sdk.integrations.logging import ignore_logger
from sentry_sdk.types import Breadcrumb, BreadcrumbHint, Event, Hint

from maguey import logs
from payments import steps

TAGS = (*steps.IDS, "request_id", "task_id")
# These say once more what Django and Celery have said of the same error.
ECHO = "django_structlog*"
# A statement says what the code says already, and there are so many that no payment's step would be left.
TOO_MANY = ("query", "redis")
PAYMENT = "payment"
# Nothing of anybody's is in these, and some of it looks as if.
OURS = ("event_id", "timestamp", "release", "environment", "platform", "sdk", "level", "modules", "server_name")


def start(*, dsn: str, release: str, environment: str, role: str) -> None:
    """Send errors to Sentry from now on, in the background."""
    sentry_sdk.init(
        dsn=dsn,
        release=release or None,
        environment=environment,
        integrations=[DjangoIntegration(), CeleryIntegration()],
        auto_enabling_integrations=False,
        send_default_pii=False,
        include_local_variables=False,
        max_request_body_size="never",
        max_breadcrumbs=50,
        auto_session_tracking=False,
        trace_propagation_targets=[],  # a provider need not know
        spotlight=False,
        before_send=cleaned,
        before_breadcrumb=followed,
    )
    sentry_sdk.set_tag("role", role)
    ignore_logger(ECHO)


def cleaned(event: Event, hint: Hint) -> Event:
    """Tag an event with the ids of what it is about, and hide everything in it that is somebody's."""
    bound = structlog.contextvars.get_contextvars()
    tags = {name: bound[name] for name in TAGS if bound.get(name)}
    event.pop("user", None)
    event["request"] = asked(event.get("request") or {})
    event["extra"] = {name: held for name, held in event.get("extra", {}).items() if name != "sys.argv"}
    event["tags"] = {**event.get("tags", {}), **tags}
    ours = {name: held for name, held in event.items() if name in OURS}
    written: Event = {**logs.scrubbed(event), **ours}  # type: ignore[typeddict-item]  # the same names
    return written


def asked(request: dict[str, Any]) -> dict[str, object]:  # Any: Sentry's own
    """Leave of a request only how it was made and where to."""
    return {name: request[name] for name in ("method", "url") if name in request}


def followed(crumb: Breadcrumb, hint: BreadcrumbHint) -> Breadcrumb | None:
    """Keep what leads to an error, a payment's steps under a name of their own."""
    if crumb.get("category") in TOO_MANY:
        return None
    at = {"timestamp": crumb["timestamp"]}
    if crumb.get("category") == steps.logger.name:
        return {"type": "default", "category": PAYMENT, "message": crumb["message"], "data": ids(), **at}
    return {**logs.scrubbed(crumb), **at}


def ids() -> dict[str, object]:
    """Return what the step at hand is about."""
    bound = structlog.contextvars.get_contextvars()
    return {name: bound[name] for name in steps.IDS if name in bound}
