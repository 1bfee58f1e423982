"""The guest's pages about tables."""

from django.urls import path

from vip import views

app_name = "vip"

urlpatterns = [
    path("orders/<str:reference>/table/", views.order, name="order"),
    path("tables/<str:host_code>/", views.host, name="host"),
]
