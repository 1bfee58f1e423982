"""Which room answers which address."""

from allauth.account.decorators import secure_admin_login
from django.conf import settings
from django.contrib import admin
from django.http import Http404
from django.urls import include, path, re_path
from django.views.defaults import page_not_found
from django.views.generic import RedirectView
from django.views.i18n import set_language

from maguey import health, metrics, offline
from payments import webhook_views

# One way in: the console's own login page takes no password, and its page for passwords leads to the one that counts.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]  # as allauth says
handler429 = "owners.views.too_many"

urlpatterns = [
    # Nothing is called by a NUL, which PostgreSQL would refuse to look for.
    re_path(r"^(?!api/).*\0", page_not_found, {"exception": Http404()}),
    path("webhooks/stripe/", webhook_views.stripe, name="stripe-webhook"),
    path("health/live/", health.live, name="live"),
    path("health/ready/", health.ready, name="ready"),
    path("health/webhooks/", health.webhooks, name="webhooks-health"),
    path("metrics", metrics.metrics, name="metrics"),
    path("favicon.ico", RedirectView.as_view(url="/static/img/favicon.svg", permanent=True)),
    path("offline/<str:language>/", offline.page, name="offline"),
    path("offline-<str:language>.js", offline.worker, name="offline-worker"),  # at the root: it answers for every page
    path("accounts/", include("owners.urls")),
    path("admin/password_change/", RedirectView.as_view(pattern_name="account_change_password")),
    path("admin/", admin.site.urls),
    path("api/v1/", include("maguey.api.urls")),
    path("door/", include("tickets.door_urls")),
    path("language/", set_language, name="set_language"),
    path("outbox/", include("maguey.outbox_urls")),
    *([path("anymail/", include("anymail.urls"))] if settings.ANYMAIL["WEBHOOK_SECRET"] else []),
    path("", include("payments.urls")),
    path("", include("vip.urls")),
    path("", include("tickets.urls")),
]
