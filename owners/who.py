"""Who was at it, in plain words: from what a record carries of its actor."""

from typing import Any

from django.contrib import admin

from payments import actors
from payments.wake import RUN_TASK

TASKS = {
    "payments.tasks.expire_holds": "clearing ended holds",
    "payments.tasks.reconcile_stripe": "comparing Stripe’s books",
    f"{RUN_TASK}:fulfilment": "delivering",
    f"{RUN_TASK}:refund": "sending refunds",
    f"{RUN_TASK}:email": "sending emails",
    f"{RUN_TASK}:webhook_event": "applying events",
    f"{RUN_TASK}:alert": "sending alerts",
    f"{RUN_TASK}:night_refund": "giving a night’s money back",
}
PROVIDERS = {"stripe": "Stripe", "paypal": "PayPal"}
DOOR = "door"


def in_words(by: dict[str, Any], person: str) -> str:  # Any: JSON
    """Say who did something; empty where nothing says it."""
    did = str(by.get("did", ""))
    words = {
        actors.GUEST: "The guest",
        actors.STAFF: f"{person or 'Somebody of the staff'}{button_of(did)}",
        actors.KEY: f"A program of {person or 'somebody who left'}",
        actors.PROVIDER: provider(did),
        actors.TASK: f"By itself, {TASKS[did]}" if did in TASKS else "By itself",
        actors.COMMAND: f"The command {did}",
    }
    return words.get(str(by.get("by", "")), person)


def provider(name: str) -> str:
    """Call a provider as it calls itself."""
    return PROVIDERS.get(name, name.capitalize())


def button_of(did: str) -> str:
    """Say which button of the console was pressed, in the button's own words; or that it was at the door."""
    if did == DOOR:
        return ", at the door"
    page, _, action = did.partition(":")
    for model, model_admin in admin.site._registry.items():
        start = f"{model._meta.app_label}_{model._meta.model_name}_"
        if page.startswith(start):
            act = getattr(model_admin, action or page.removeprefix(start), None)
            words = str(getattr(act, "short_description", "") or "")
            return f", by “{words.partition(' (')[0].rstrip('…')}”" if words else ""
    return ""
