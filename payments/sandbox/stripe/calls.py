"""What an endpoint is, and what one call to it brings."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from payments.sandbox.books import Work
from payments.sandbox.json_types import Json
from payments.sandbox.store import Record
from payments.sandbox.stripe.errors import ApiError, missing_object
from payments.sandbox.stripe.parameters import Shape


@dataclass(frozen=True)
class Call:
    """One call: who makes it, to what, with which parameters."""

    params: Json
    path: dict[str, str] = field(default_factory=dict)
    url: str = ""
    # Made by a browser with the publishable key.
    is_public: bool = False
    # A decline that a fault rule forces.
    forced_decline: Json | None = None


Handler: TypeAlias = Callable[[Work, Call], Json]


@dataclass(frozen=True)
class Operation:
    """One endpoint of the API."""

    method: str
    path: str
    handler: Handler
    shape: Shape
    # Open to publishable keys.
    is_public: bool = False


METADATA_KEYS = 50
METADATA_KEY_LENGTH = 40
METADATA_VALUE_LENGTH = 500


def wanted(work: Work, call: Call, kind: str, noun: str | None = None, param: str = "id") -> Record:
    """Return the object named in the path."""
    found = work.store.find(call.path["id"], kind)
    if found is None:
        raise missing_object(noun or kind, call.path["id"], param)
    return found


def check_metadata(metadata: object, param: str = "metadata") -> None:
    """Hold metadata to Stripe's limits: 50 keys of 40 characters, values of 500 ("Metadata")."""
    if not isinstance(metadata, dict):
        return
    if len(metadata) > METADATA_KEYS:
        raise ApiError(400, f"Metadata can have at most {METADATA_KEYS} keys.", param=param)
    for key, value in metadata.items():
        if len(key) > METADATA_KEY_LENGTH:
            raise ApiError(
                400,
                f"Metadata keys must have up to {METADATA_KEY_LENGTH} characters. You passed in a key that is "
                f"{len(key)} characters. Invalid key: {key}",
                param=param,
            )
        if not isinstance(value, str) or len(value) > METADATA_VALUE_LENGTH:
            raise ApiError(
                400,
                f"Metadata values must have up to {METADATA_VALUE_LENGTH} characters. You passed in a value that is "
                f"{len(str(value))} characters. Invalid value: {str(value)[:40]}...",
                param=f"{param}[{key}]",
            )


def merged_metadata(current: Json, given: object) -> Json:
    """Return metadata with the given keys set, and those given empty removed."""
    if not isinstance(given, dict):
        return {} if given == "" else current
    return {key: value for key, value in {**current, **given}.items() if value != ""}
