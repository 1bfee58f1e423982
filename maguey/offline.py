"""What a guest without a signal sees: one page in the house's style, kept by their browser beforehand.

The worker keeps that page and what it is drawn with, and nothing else: an order's page is a key and changes by the
minute. It looks at what is opened by address only, so no form and no payment ever passes through it.
"""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import reverse
from django.utils import translation
from django.views.decorators.http import require_GET

DRAWN_WITH = (
    "css/maguey.css",
    "fonts/anton.woff2",
    "fonts/figtree.woff2",
    "fonts/yesteryear.woff2",
    "img/agave.svg",
    "img/agave-front.svg",
    "img/leaves.svg",
    "js/offline.js",
)


@require_GET
def page(request: HttpRequest, language: str) -> HttpResponse:
    """Show that there is no signal."""
    with translation.override(spoken(language)):
        return render(request, "offline.html")


@require_GET
def worker(request: HttpRequest, language: str) -> HttpResponse:
    """Serve one language's worker; it calls each file by its newest name, so that a new file makes a new worker."""
    context = {
        "page": reverse("offline", args=[spoken(language)]),
        "files": [static(name) for name in DRAWN_WITH],
    }
    response = render(request, "offline.js", context, content_type="text/javascript; charset=utf-8")
    response["Cache-Control"] = "no-cache"
    return response


def spoken(language: str) -> str:
    """Return a language we speak. Raises Http404."""
    if language not in dict(settings.LANGUAGES):
        raise Http404
    return language
