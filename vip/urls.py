"""The guest's pages about tables."""

from django.urls import path

from vip import host_views, pass_views, views, waiting_views

app_name = "vip"

urlpatterns = [
    path("nights/<slug:slug>/tables/", views.floor_plan, name="floor"),
    path("nights/<slug:slug>/tables/state/", views.floor_state, name="floor_state"),
    path("nights/<slug:slug>/tables/wait/", waiting_views.wait, name="wait"),
    path("nights/<slug:slug>/tables/<str:code>/", views.book, name="book"),
    path("waiting/tables/<str:reference>/", waiting_views.waiting_party, name="waiting"),
    path("orders/<str:reference>/table/", views.order, name="order"),
    path("tables/<str:host_code>/", host_views.host, name="host"),
    path("tables/<str:host_code>/seats/<int:number>/", host_views.seat, name="seat"),
    path("tables/<str:host_code>/seats/<int:number>/reissue/", host_views.reissue, name="reissue"),
    path("tables/<str:host_code>/seats/<int:number>/revoke/", host_views.revoke, name="revoke"),
    path("tables/<str:host_code>/seats/<int:number>/code.svg", host_views.qr_svg, name="seat_qr"),
    path("tables/<str:host_code>/passes.pdf", host_views.pdf_file, name="pdf"),
    path("tables/<str:host_code>/night.ics", host_views.calendar_file, name="calendar"),
    path("tables/<str:host_code>/invite/", host_views.rotate_invite, name="rotate_invite"),
    path("tables/<str:host_code>/size/", host_views.resize, name="resize"),
    path("tables/<str:host_code>/address/", host_views.mend, name="mend"),
    path("tables/<str:host_code>/host/", host_views.offer_host, name="offer_host"),
    path("tables/<str:host_code>/cancel/", host_views.cancel, name="cancel"),
    path("passes/<str:link>/", pass_views.one_pass, name="pass"),
    path("passes/<str:link>/code.svg", pass_views.qr_svg, name="pass_qr"),
    path("invites/<str:invite_code>/", pass_views.invite, name="invite"),
    path("hosts/<str:transfer_code>/", pass_views.accept_host, name="accept_host"),
]
