"""The guest's pages about tables: read the request, make one call, choose the response."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from payments import orders
from payments.models import Order
from vip.models import VipReservation


@never_cache
@require_GET
def host(request: HttpRequest, host_code: str) -> HttpResponse:
    """Show the host their table."""
    reservation = get_object_or_404(
        VipReservation.objects.select_related("order", "event", "table"), host_code=host_code
    )
    context = {"order": reservation.order, "event": reservation.event, "reservation": reservation}
    return render(request, "vip/order.html", context)


@never_cache
@require_GET
def order(request: HttpRequest, reference: str) -> HttpResponse:
    """Show an order of a table: the party's passes, or the truth about its money."""
    found = get_object_or_404(
        Order.objects.select_related("event", "vip_reservation__table"),
        reference=reference,
        kind=Order.Kind.VIP_RESERVATION,
    )
    if found.is_payable and not found.is_overdue(timezone.now()) and orders.truth(found) is orders.Truth.NOT_CHARGED:
        return redirect("payments:pay", reference)
    context = {"order": found, "event": found.event, "truth": orders.truth(found), "reservation": found.vip_reservation}
    return render(request, "vip/order.html", context)
