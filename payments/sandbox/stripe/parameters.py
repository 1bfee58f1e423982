"""Requests held against the parameter types the SDK publishes, and against what is built here."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import UnionType
from typing import Any, Literal, NotRequired, Required, Union, get_args, get_origin

from stripe._stripe_context import StripeContext
from stripe._stripe_object import UntypedStripeObject
from typing_extensions import get_type_hints, is_typeddict

from payments.sandbox.json_types import Json
from payments.sandbox.stripe import errors, method_choice

# The SDK names these in annotations without importing them into every module.
NAMES = {"StripeContext": StripeContext, "Mapping": Mapping}
# The SDK's own options travel in the same dictionaries in its older calling style.
SDK_OPTIONS = frozenset(
    {"api_key", "stripe_version", "stripe_account", "stripe_context", "max_network_retries", "idempotency_key",
     "content_type", "headers"}
)  # fmt: skip
BOOLEANS = {"true": True, "false": False}


@dataclass(frozen=True)
class Shape:
    """What one endpoint takes: Stripe's own type of it, and the parts of it that are built."""

    type: Any  # Any: a TypedDict class of the SDK
    built: frozenset[str]
    # Parameters that only Stripe.js sends, which the server's types do not name.
    private: frozenset[str] = frozenset()


@lru_cache(maxsize=256)
def fields_of(shape: Any) -> dict[str, tuple[Any, bool]]:  # Any: a TypedDict class of the SDK
    """Return each parameter's type and whether it is required."""
    found = {}
    for name, hint in get_type_hints(shape, localns=NAMES, include_extras=True).items():
        if name in SDK_OPTIONS:
            continue
        marker: Any = get_origin(hint)  # Any: NotRequired and Required are special forms, not types
        found[name] = (get_args(hint)[0] if marker in (NotRequired, Required) else hint, marker is not NotRequired)
    return found


def read(raw: Json, shape: Shape) -> Json:
    """Read a request's parameters with their types; raise what Stripe would."""
    private = {name: raw[name] for name in shape.private & raw.keys()}
    public = {name: value for name, value in raw.items() if name not in shape.private}
    if "payment_method_types" not in fields_of(shape.type):
        method_choice.refuse_removed(public)
    values = read_fields(public, shape.type, "")
    for path in leaves(values, ""):
        if not any(path == name or path.startswith(f"{name}.") for name in shape.built):
            raise errors.not_built(f"parameter {path}", param=path)
    return values | private


def read_fields(raw: Json, shape: Any, path: str) -> Json:  # Any: a TypedDict class of the SDK
    """Read one level of parameters."""
    known = fields_of(shape)
    for name in raw:
        if name not in known:
            raise errors.unknown_parameter(joined(path, name))
    for name, (_, is_required) in known.items():
        if is_required and name not in raw:
            raise errors.missing_parameter(joined(path, name))
    return {name: read_value(value, known[name][0], joined(path, name)) for name, value in raw.items()}


def read_value(value: Any, hint: Any, path: str) -> Any:  # Any: JSON in, a type of the SDK, JSON out
    """Read one value as its type says; of a union the first type that takes it."""
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return read_union(value, args, path)
    if origin is Literal:
        return read_choice(value, args, path)
    if origin is list:
        if not isinstance(value, list):
            raise errors.invalid("Invalid array", path)
        return [read_value(item, args[0], f"{path}[{place}]") for place, item in enumerate(value)]
    if origin in (dict, UntypedStripeObject) or hint is UntypedStripeObject:
        if not isinstance(value, dict):
            raise errors.invalid("Invalid object", path)
        return value
    if is_typeddict(hint):
        if not isinstance(value, dict):
            raise errors.invalid("Invalid object", path)
        return read_fields(value, hint, path)
    return read_scalar(value, hint, path)


def read_union(value: Any, choices: tuple[Any, ...], path: str) -> Any:  # Any: as read_value
    """Read a value as the first type that takes it; closed choices count before plain text."""
    closed = [choice for choice in choices if get_origin(choice) is Literal and get_args(choice) != ("",)]
    rest = [choice for choice in choices if choice is not type(None)]
    if closed and str in rest:  # the SDK leaves every choice open to values that come later
        rest = [choice for choice in rest if choice is not str]
    refusal: errors.ApiError | None = None
    for choice in rest:
        try:
            return read_value(value, choice, path)
        except errors.ApiError as error:
            if refusal is None or get_origin(choice) is not Literal:
                refusal = error
    raise refusal or errors.invalid("Invalid value", path)


def read_choice(value: Any, choices: tuple[Any, ...], path: str) -> Any:  # Any: as read_value
    """Read one of several words."""
    if value in choices:
        return value
    words = [str(choice) for choice in choices]
    named = f"{', '.join(words[:-1])}, or {words[-1]}" if len(words) > 1 else words[0]
    raise errors.invalid(f"Invalid {path}: must be one of {named}", path)


def read_scalar(value: Any, hint: Any, path: str) -> Any:  # Any: as read_value
    """Read a number, a truth value or text."""
    if not isinstance(value, str):
        raise errors.invalid("Invalid string", path, "parameter_invalid_string_empty" if value is None else None)
    if hint is bool:
        if value not in BOOLEANS:
            raise errors.invalid(f"Invalid boolean: {value}", path)
        return BOOLEANS[value]
    if hint is int:
        if not value.lstrip("-").isascii() or not value.lstrip("-").isdigit():
            raise errors.invalid(f"Invalid integer: {value}", path, "parameter_invalid_integer")
        return int(value)
    return value


def leaves(value: Any, path: str) -> list[str]:  # Any: JSON
    """Return the dotted paths of all values, without list positions."""
    if isinstance(value, dict) and value:
        return [leaf for name, item in value.items() for leaf in leaves(item, f"{path}.{name}" if path else name)]
    if isinstance(value, list):
        return [leaf for item in value for leaf in leaves(item, path)]
    return [path] if path else []


def joined(path: str, name: str) -> str:
    """Return a parameter's name as Stripe writes it: `a[b][c]`."""
    return f"{path}[{name}]" if path else name
