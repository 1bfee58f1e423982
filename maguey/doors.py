"""The short way to the doors at which payment providers knock.

What knocks there is a program with a signature: it has no session, no language and no page to be kept safe, and it may
come fifty times at once. So it passes by all that is there for people; what the log says of it, its event says.
"""

from collections.abc import Callable
from uuid import uuid4

from django.http import HttpRequest, HttpResponse
from django.urls import resolve
from structlog.contextvars import bind_contextvars, clear_contextvars

Respond = Callable[[HttpRequest], HttpResponse]

DOORS = "/webhooks/"


def middleware(respond: Respond) -> Respond:
    """Lead requests at a provider's door straight to it."""

    def answer(request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith(DOORS):
            return respond(request)
        bind_contextvars(request_id=str(uuid4()))
        try:
            return let_in(request)
        finally:
            clear_contextvars()

    return answer


def let_in(request: HttpRequest) -> HttpResponse:
    """Answer a request with the view at its address. Raises Resolver404."""
    request.resolver_match = match = resolve(request.path_info)
    response: HttpResponse = match.func(request, *match.args, **match.kwargs)
    response.headers["Content-Length"] = str(len(response.content))  # so that the connection may stay open
    return response
