"""The short ways in, for programs: payment providers at their doors, and whoever uses the API.

They have no session and no page to be kept safe, and may come fifty at once. So they pass by all that is there for
people. What the log says of a delivery, its event says; a request of the API is logged like a page's.
"""

from collections.abc import Callable
from functools import partial
from uuid import uuid4

from django.http import HttpRequest, HttpResponse
from django.template.response import SimpleTemplateResponse
from django.urls import resolve
from django.utils import translation
from django.utils.cache import patch_vary_headers
from structlog.contextvars import bind_contextvars, clear_contextvars

from maguey import acting
from payments import actors, identity

Respond = Callable[[HttpRequest], HttpResponse]

DOORS = "/webhooks/"
API = "/api/v1/"
PAGES_OF_THE_API = ("/api/v1/docs/", "/api/v1/schema/")


def providers(respond: Respond) -> Respond:
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


def programs(respond: Respond) -> Respond:
    """Lead requests of the API to it, as nobody until a key says whose they are, and in the language they ask for."""

    def answer(request: HttpRequest) -> HttpResponse:
        path = request.path_info
        if not path.startswith(API) or path.startswith(PAGES_OF_THE_API):
            return respond(request)
        language = translation.get_language_from_request(request)
        with identity.acting(identity.NOBODY), translation.override(language):
            token = actors.begin(partial(acting.of_request, request))
            try:
                response = let_in(request)
            finally:
                actors.end(token)
        response.headers["Content-Language"] = language
        patch_vary_headers(response, ["Accept-Language"])
        return response

    return answer


def let_in(request: HttpRequest) -> HttpResponse:
    """Answer a request with the view at its address. Raises Resolver404."""
    request.resolver_match = match = resolve(request.path_info)
    response: HttpResponse = match.func(request, *match.args, **match.kwargs)
    if isinstance(response, SimpleTemplateResponse):
        response.render()
    response.headers["Content-Length"] = str(len(response.content))  # so that the connection may stay open
    return response
