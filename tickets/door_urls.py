"""The door's pages."""

from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

from tickets import door_views

app_name = "door"

urlpatterns = [
    path("", door_views.door, name="door"),
    path("login/", LoginView.as_view(template_name="door/login.html", next_page="door:door"), name="login"),
    path("logout/", LogoutView.as_view(next_page="door:login"), name="logout"),
]
