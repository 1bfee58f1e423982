"""The guest's pages."""

from django.urls import path

from tickets import document_views, order_views, views, waiting_views

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
    path("orders/<str:reference>/tickets/<int:position>/give/", order_views.give, name="give"),
    path("orders/<str:reference>/cancel-tickets/", order_views.cancel, name="cancel"),
    path("orders/<str:reference>/address/", order_views.mend, name="mend"),
    path("tickets/<str:reference>/", order_views.ticket, name="ticket"),
    path("tickets/<str:reference>/give/", order_views.give_on, name="give_on"),
    path("tickets/<str:reference>/code.svg", document_views.given_svg, name="given_svg"),
    path("nights/<slug:slug>/wait/", waiting_views.wait, name="wait"),
    path("waiting/<str:reference>/", waiting_views.waiting_guest, name="waiting"),
    path("find/", views.find, name="find"),
]
