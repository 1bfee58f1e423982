"""The API, version 1."""

from django.urls import path, re_path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from maguey.api import staff, views

app_name = "api"

urlpatterns = [
    re_path("\0", views.Nothing.as_view()),  # which PostgreSQL would refuse to look for
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("docs/", SpectacularSwaggerSplitView.as_view(url_name="api:schema"), name="docs"),
    path("events/", staff.Events.as_view(), name="events"),
    path("events/<str:slug>/", views.Night.as_view(), name="event"),
    path("orders/", staff.Orders.as_view(), name="orders"),
    path("orders/<str:reference>/", views.OneOrder.as_view(), name="order"),
    path("orders/<str:reference>/extend/", views.Extension.as_view(), name="extend"),
    path("orders/<str:reference>/cancel/", views.Cancellation.as_view(), name="cancel"),
    path("orders/<str:reference>/payments/", views.Payments.as_view(), name="payments"),
    path("orders/<str:reference>/refunds/", staff.OrderRefunds.as_view(), name="order_refunds"),
    path("events/<str:slug>/reservations/", staff.Reservations.as_view(), name="reservations"),
    path("refunds/", staff.Refunds.as_view(), name="refunds"),
    path("failures/", staff.Failures.as_view(), name="failures"),
    path("failures/<uuid:failure_id>/resolve/", staff.Resolution.as_view(), name="resolve"),
    path("failures/<uuid:failure_id>/retry/", staff.Retry.as_view(), name="retry"),
    re_path("", views.Nothing.as_view()),
]
