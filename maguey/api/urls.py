"""The API, version 1."""

from django.urls import path, re_path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from maguey.api import views

app_name = "api"

urlpatterns = [
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("docs/", SpectacularSwaggerView.as_view(url_name="api:schema"), name="docs"),
    path("events/", views.Events.as_view(), name="events"),
    path("events/<str:slug>/", views.Night.as_view(), name="event"),
    path("orders/", views.Orders.as_view(), name="orders"),
    path("orders/<str:reference>/", views.OneOrder.as_view(), name="order"),
    path("orders/<str:reference>/extend/", views.Extension.as_view(), name="extend"),
    path("orders/<str:reference>/cancel/", views.Cancellation.as_view(), name="cancel"),
    path("orders/<str:reference>/payments/", views.Payments.as_view(), name="payments"),
    re_path("", views.Nothing.as_view()),
]
