"""The door's pages."""

from django.contrib.auth.views import LogoutView
from django.urls import path

from tickets import door_views

app_name = "door"

urlpatterns = [
    path("", door_views.door, name="door"),
    path("login/", door_views.sign_in, name="login"),
    path("logout/", LogoutView.as_view(next_page="door:login"), name="logout"),
]
