"""The pages of signing in that are not allauth's as they are."""

from typing import Any

from allauth.mfa.base.views import IndexView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from owners import enrolment


class Factors(IndexView):  # type: ignore[misc]  # allauth ships no types
    """The second steps a person has, and where they are sent while they have none and need one."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:  # Any: Django's own signature
        """Say also whether one must be set up first."""
        return {**super().get_context_data(**kwargs), "must_enrol": enrolment.must_enrol(self.request.user)}


def too_many(request: HttpRequest) -> HttpResponse:
    """Ask somebody who knocks too fast to wait."""
    return render(request, "account/too_many.html", status=429)
