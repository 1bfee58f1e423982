"""What a page may load: the guests' policy, and stricter or wider ones for whole parts of the site."""

from csp.middleware import CSPMiddleware, PolicyParts
from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase


class PolicyMiddleware(CSPMiddleware):
    """Send each part of the site its own policy."""

    def get_policy_parts(
        self, request: HttpRequest, response: HttpResponseBase, report_only: bool = False
    ) -> PolicyParts:  # django-csp's own signature
        """Take the policy of the part an address is in, unless the view brought one."""
        parts = super().get_policy_parts(request, response, report_only)
        if not report_only and parts.config is None:
            parts.config = policy_of(request.path_info)
        return parts


def policy_of(path: str) -> dict[str, list[str]] | None:
    """Return the policy of the part an address is in; None: the guests'."""
    return next((policy for part, policy in settings.POLICIES.items() if path.startswith(part)), None)
