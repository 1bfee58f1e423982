"""The guest's pages."""

from django.urls import path

from tickets import document_views, views, waiting_views

app_name = "tickets"

urlpatterns = [
    path("", views.home, name="home"),
    path("nights/<slug:slug>/", views.event, name="event"),
    path("nights/<slug:slug>/buy/", views.buy, name="buy"),
    path("orders/<str:reference>/", views.order, name="order"),
    path("orders/<str:reference>/tickets.pdf", document_views.pdf_file, name="pdf"),
    path("orders/<str:reference>/calendar.ics", document_views.calendar_file, name="calendar"),
    path("orders/<str:reference>/tickets/<int:position>.svg", document_views.qr_svg, name="qr_svg"),
    path("orders/<str:reference>/tickets/<int:position>.png", document_views.qr_png, name="qr_png"),
    path("nights/<slug:slug>/wait/", waiting_views.wait, name="wait"),
    path("waiting/<str:reference>/", waiting_views.waiting_guest, name="waiting"),
    path("find/", views.find, name="find"),
]
