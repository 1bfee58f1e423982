"""The door's one page."""

from functools import partial

from django.contrib.auth.decorators import login_required, permission_required
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from tickets import admissions
from tickets import door as door_rules
from tickets.models import Event

STANDS = "tickets.add_scan"


@never_cache
@require_http_methods(["GET", "POST"])
@login_required
@permission_required(STANDS, raise_exception=True)
def door(request: HttpRequest) -> HttpResponse:
    """Take a code, typed or scanned by a reader that types, and say yes or no; for the nights one stands at."""
    now, stands_at = timezone.now(), partial(request.user.has_perm, STANDS)
    answer = None
    if request.method == "POST" and (code := request.POST.get("code", "").strip().replace("\x00", "")):
        answer = door_rules.admit_guest(
            code,
            user_id=request.user.pk,
            now=now,
            stands_at=stands_at,
            device_scan_id=request.POST.get("scan_id", ""),
        )
    nights = Event.objects.filter(doors_at__lte=now + door_rules.EARLY, ends_at__gte=now).order_by("doors_at")
    tonight = next(filter(stands_at, nights), None)
    inside, expected = admissions.admitted_of(tonight.pk) if tonight else (0, 0)
    context = {"answer": answer, "tonight": tonight, "inside": inside, "expected": expected}
    return render(request, "door/door.html", context)


@require_GET
def sign_in(request: HttpRequest) -> HttpResponse:
    """Lead to the one page where staff sign in, and from there back to the door."""
    return redirect_to_login(reverse("door:door"))
