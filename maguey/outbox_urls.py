"""The demo's mail."""

from django.urls import path

from maguey import outbox

app_name = "outbox"

urlpatterns = [
    path("", outbox.messages, name="messages"),
    path("<int:number>/", outbox.message, name="message"),
    path("<int:number>/body.html", outbox.body, name="body"),
    path("<int:number>/attachments/<int:index>/", outbox.attachment, name="attachment"),
]
