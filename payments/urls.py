"""The pages of paying, the same for tickets and tables."""

from django.urls import path

from payments import views

app_name = "payments"

urlpatterns = [
    path("orders/<str:reference>/pay/", views.pay, name="pay"),
    path("orders/<str:reference>/payments/", views.start, name="start"),
    path("orders/<str:reference>/hosted/", views.start_hosted, name="start_hosted"),
    path("orders/<str:reference>/extend/", views.extend, name="extend"),
    path("orders/<str:reference>/cancel/", views.cancel, name="cancel"),
    path("orders/<str:reference>/return/", views.come_back, name="return"),
    path("orders/<str:reference>/state/", views.state, name="state"),
]
