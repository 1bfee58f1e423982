"""Pages kept as they were rendered, by everything they show.

What a page shows is read anew for every guest; only the writing of it is saved. So nobody is shown what is over, and
there is nothing to be thrown away when something changes: it is another page then, and the oldest is forgotten.
"""

from collections.abc import Callable, Hashable
from secrets import token_hex
from threading import Lock
from typing import Any

from django.conf import settings
from django.contrib.messages import get_messages
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.html import escape
from django.utils.translation import get_language

MOST = 128
# Stands in a kept page for what is each guest's own; nobody can have typed it.
MARK = token_hex(16)

_pages: dict[Hashable, str] = {}
_writing = Lock()

Context = Callable[[], dict[str, Any]]  # Any: whatever a template shows


def render_kept(request: HttpRequest, template: str, context: Context, *, shown: Hashable, **own: str) -> HttpResponse:
    """Render a page, or take it as it was rendered for another guest who was shown the same.

    `shown` is all that the context is made of, but for language, address and settings; `own` are the words of the
    context that are each guest's own.
    """
    if not is_plain(request):
        return render(request, template, {**context(), **own})
    key = (template, get_language(), request.build_absolute_uri(request.path), shown)
    page = _pages.get(key)
    if page is None:
        marks = {name: MARK + name for name in (*own, "csrf_token")}
        page = render_to_string(template, {**context(), **marks}, request)
        keep(key, page)
    for name, word in {**own, "csrf_token": get_token(request)}.items():
        page = page.replace(MARK + name, escape(word))
    return HttpResponse(page)


def is_plain(request: HttpRequest) -> bool:
    """Say whether a page is the same for whoever asks: nothing was sent, and nothing is to be said beside it."""
    return request.method == "GET" and not request.GET and not get_messages(request) and not settings.DEBUG


def keep(key: Hashable, page: str) -> None:
    """Keep a page, and forget the oldest where there are too many."""
    with _writing:
        while len(_pages) >= MOST:
            del _pages[next(iter(_pages))]
        _pages[key] = page
