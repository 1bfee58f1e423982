"""Every no is a problem document (RFC 9457) with a stable code."""

import logging
from http import HTTPStatus
from typing import Any

from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response

from payments.exceptions import PaymentsError
from payments.idempotency import KeyInUse
from payments.rate_limits import RateLimited

logger = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"
INVALID = "Some of what was sent is not right."


def answer(error: Exception, context: dict[str, Any]) -> Response:  # Any: DRF's own signature
    """Turn an exception into a problem document; what nobody foresaw is a 500 without a traceback."""
    match error:
        case KeyInUse():
            found = problem(error.status, error.code, error.sentence, headers={"Retry-After": "1"})
        case PaymentsError():
            found = problem(error.status, error.code, error.sentence)
        case RateLimited():
            wait = {"Retry-After": str(error.wait_seconds)}
            found = problem(429, "too_many_requests", error.sentence, headers=wait)
        case Http404():
            found = problem(404, "not_found", "There is nothing here.")
        case exceptions.ValidationError():
            found = problem(422, "invalid", INVALID, errors=error.detail)
        case exceptions.APIException():
            code = error.get_codes()
            headers = {"WWW-Authenticate": str(word)} if (word := getattr(error, "auth_header", None)) else None
            code = code if isinstance(code, str) else "error"
            found = problem(error.status_code, code, str(error.detail), headers=headers)
        case _:
            logger.exception("The API failed")
            found = problem(500, "error", "Something went wrong on our side. Please try again.")
    return found


def problem(
    status_code: int, code: str, detail: str, *, errors: Any = None, headers: dict[str, str] | None = None
) -> Response:  # Any: DRF's own error details
    """Write a problem document."""
    body: dict[str, Any] = {
        "type": f"urn:maguey:problem:{code}",
        "title": HTTPStatus(status_code).phrase,
        "status": status_code,
        "code": code,
        "detail": detail,
    }
    if errors is not None:
        body["errors"] = errors
    return Response(body, status=status_code, content_type=CONTENT_TYPE, headers=headers)
