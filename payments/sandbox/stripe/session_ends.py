"""How a Checkout Session ends: complete, paid later, or expired."""

from payments.sandbox.books import Work
from payments.sandbox.store import Record
from payments.sandbox.stripe import events


def of_intent(work: Work, intent: Record) -> Record | None:
    """Return the session an intent belongs to."""
    id_ = intent.hidden.get("session")
    return work.store.find(id_, "checkout.session") if id_ else None


def complete(work: Work, intent: Record) -> None:
    """Complete the intent's session; one whose method is slow is complete and unpaid until the money comes."""
    session = of_intent(work, intent)
    if session is None:
        return
    is_paid = intent.body["status"] == "succeeded"
    was_complete = session.body["status"] == "complete"
    method = work.store.find(intent.body["payment_method"], "payment_method")
    billing = method.body["billing_details"] if method else {}
    if not was_complete:
        session.body["customer_details"] = {
            "address": billing.get("address"),
            "business_name": None,
            "email": billing.get("email") or session.body["customer_email"],
            "individual_name": None,
            "name": billing.get("name"),
            "phone": billing.get("phone"),
            "tax_exempt": "none",
            "tax_ids": [],
        }
    session.body |= {"status": "complete", "payment_status": "paid" if is_paid else "unpaid", "url": None}
    work.save(session)
    events.emit(
        work,
        "checkout.session.async_payment_succeeded" if was_complete else "checkout.session.completed",
        session.body,
    )


def fail_later(work: Work, intent: Record) -> None:
    """Say that a slow method's money never came."""
    if session := of_intent(work, intent):
        events.emit(work, "checkout.session.async_payment_failed", session.body)


def expire(work: Work, session: Record) -> None:
    """Expire an open session and close its intent, so that it can never be paid."""
    session.body |= {"status": "expired", "url": None}
    work.save(session)
    events.emit(work, "checkout.session.expired", session.body)
    intent = work.store.find(session.body["payment_intent"] or "", "payment_intent")
    if intent and intent.body["status"] not in ("succeeded", "canceled", "processing"):
        intent.body |= {
            "status": "canceled",
            "canceled_at": work.now,
            "cancellation_reason": "expired",
            "next_action": None,
        }
        work.save(intent)
        events.emit(work, "payment_intent.canceled", intent.body)
