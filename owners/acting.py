"""A request of the console acts as whoever is signed in; every other one begins as nobody."""

from collections.abc import Callable, Iterator
from contextvars import Context, copy_context

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from payments import identity

CONSOLE = "admin"


class ActAsWhoIsSignedIn:
    """Let no request inherit another's identity, nor leave its own behind."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        """Stand in front of the views."""
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer as nobody, unless the console's view or a key says who asks."""
        with identity.acting(identity.NOBODY):
            answer = self.get_response(request)
            if isinstance(answer, StreamingHttpResponse) and not answer.is_async:
                answer.streaming_content = still_acting(copy_context(), iter(answer))
            return answer

    def process_view(self, request: HttpRequest, view: object, args: object, kwargs: object) -> HttpResponse | None:
        """Act as the person who is signed in, in the console only."""
        asked = request.resolver_match
        if asked and asked.namespaces[:1] == [CONSOLE] and request.user.is_authenticated:
            identity.become(identity.person(request.user.pk))
        return None


def still_acting(context: Context, chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Write each part of an answer as whoever asked for it, though the request is over by then."""
    while (chunk := context.run(next, chunks, None)) is not None:
        yield chunk
