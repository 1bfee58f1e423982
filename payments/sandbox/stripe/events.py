"""Events: what happened, with the object frozen as it was ("The Event object")."""

from payments.sandbox.books import Work
from payments.sandbox.json_types import Json
from payments.sandbox.stripe import API_VERSION

READABLE_FOR_SECONDS = 30 * 24 * 3600


def emit(work: Work, type_: str, body: Json, previous: Json | None = None) -> None:
    """Announce a change of an object; `previous` holds what its changed fields were."""
    data: Json = {"object": body}
    if previous is not None:
        data["previous_attributes"] = previous
    work.announce(
        {
            "id": work.ids.make("evt"),
            "object": "event",
            "api_version": API_VERSION,
            "created": work.now,
            "data": data,
            "livemode": False,
            "pending_webhooks": len(work.books.deliveries.endpoints_of("stripe")),
            "request": {"id": work.origin.request_id, "idempotency_key": work.origin.idempotency_key},
            "type": type_,
        },
        provider="stripe",
    )


def changes(before: Json, after: Json) -> Json:
    """Return the earlier values of the fields that changed."""
    return {name: before.get(name) for name in after if before.get(name) != after[name]}
