"""`expand[]`: ids replaced by the objects they name ("Expanding responses")."""

import json
from collections.abc import Iterable

from payments.sandbox.books import Work
from payments.sandbox.json_types import Json
from payments.sandbox.stripe import listing
from payments.sandbox.stripe.errors import ApiError

DEEPEST = 4
EXPANDABLE: dict[str, frozenset[str]] = {
    "payment_intent": frozenset({"latest_charge", "payment_method", "customer", "review"}),
    "charge": frozenset(
        {"balance_transaction", "payment_intent", "failure_balance_transaction", "customer", "refunds", "review"}
    ),
    "refund": frozenset(
        {"charge", "payment_intent", "balance_transaction", "failure_balance_transaction", "payment_method"}
    ),
    "dispute": frozenset({"charge", "payment_intent"}),
    "checkout.session": frozenset({"payment_intent", "line_items", "customer", "setup_intent"}),
    "balance_transaction": frozenset({"source"}),
    "payment_method": frozenset({"customer"}),
    "radar.early_fraud_warning": frozenset({"charge", "payment_intent"}),
}


def expand(work: Work, body: Json, paths: Iterable[str]) -> Json:
    """Return a copy of an answer in which the named ids are replaced by their objects."""
    answer: Json = json.loads(json.dumps(body))
    for path in paths:
        steps = path.split(".")
        if len(steps) > DEEPEST:
            raise ApiError(400, f"You cannot expand more than {DEEPEST} levels of a property: {path}", param="expand")
        follow(work, answer, steps, path)
    return answer


def follow(work: Work, holder: Json, steps: list[str], path: str) -> None:
    """Expand one path from here on."""
    if holder.get("object") in ("list", "search_result"):
        if steps[0] != "data":
            raise refusal(path)
        for item in holder["data"]:
            if steps[1:]:
                follow(work, item, steps[1:], path)
        return
    step, rest = steps[0], steps[1:]
    if step not in EXPANDABLE.get(str(holder.get("object")), frozenset()):
        raise refusal(path)
    if isinstance(holder.get(step), dict):
        found: Json | None = holder[step]
    else:
        found = included(work, holder, step)
    if found is None:
        return
    holder[step] = found
    if rest:
        follow(work, found, rest, path)


def included(work: Work, holder: Json, step: str) -> Json | None:
    """Return the object or the list that a field stands for."""
    if step == "line_items":
        session = work.store.find(holder["id"], "checkout.session")
        items = session.hidden["items"] if session else []
        return listing.plain_list(items, f"/v1/checkout/sessions/{holder['id']}/line_items", limit=10)
    if step == "refunds":
        refunds = [record.body for record in reversed(work.store.where("refund", "charge", holder["id"]))]
        return listing.plain_list(refunds, f"/v1/charges/{holder['id']}/refunds", limit=10)
    id_ = holder.get(step)
    record = work.store.find(id_) if id_ else None
    return record.body if record else None


def refusal(path: str) -> ApiError:
    """Refuse to expand what is no reference."""
    return ApiError(400, f"This property cannot be expanded ({path}).", param="expand")
