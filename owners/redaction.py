"""What is shown of what programs said to one another: everything but what opens doors."""

import re
from typing import Any

HIDDEN = "(hidden)"
SECRET_NAME = re.compile(r"secret|token|password|passphrase|authorization|signature|api_?key|cvc|cvv", re.IGNORECASE)
SECRET_VALUE = re.compile(r"\b(?:\w+_secret_\w+|(?:sk|rk|whsec)_\w+)\b")


def without_secrets(value: Any) -> Any:  # Any: JSON
    """Return JSON with every secret in it hidden, by its name or by its looks."""
    if isinstance(value, dict):
        return {name: hidden(inner) if is_secret(name) else without_secrets(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [without_secrets(inner) for inner in value]
    return SECRET_VALUE.sub(HIDDEN, value) if isinstance(value, str) else value


def is_secret(name: str) -> bool:
    """Say whether what has this name opens a door."""
    return SECRET_NAME.search(name) is not None


def hidden(value: Any) -> Any:  # Any: JSON
    """Hide a value, but not that there is none."""
    return HIDDEN if value else value
