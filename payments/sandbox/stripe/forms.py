"""Stripe's nested forms: `a[b][0][c]=x`, `types[]=x`."""

import re
from collections.abc import Iterable

from payments.sandbox.json_types import Json
from payments.sandbox.stripe.errors import ApiError

STEP = re.compile(r"\[([^\[\]]*)\]")
DEEPEST = 12


def decode(pairs: Iterable[tuple[str, str]]) -> Json:
    """Turn form pairs into nested objects and lists of strings."""
    tree: Json = {}
    for name, value in pairs:
        place(tree, path_of(name), value)
    return {key: settle(value) for key, value in tree.items()}


def path_of(name: str) -> list[str]:
    """Split `a[b][]` into its steps."""
    head, bracket, rest = name.partition("[")
    steps = STEP.findall(bracket + rest)
    if "".join(f"[{step}]" for step in steps) != bracket + rest or not head or len(steps) > DEEPEST:
        raise ApiError(400, f"Invalid parameter name: {name}", param=name)
    return [head, *steps]


def place(tree: Json, path: list[str], value: str) -> None:
    """Put a value at its path; an empty step appends."""
    here = tree
    for step in path[:-1]:
        key = step or str(len(here))
        here = here.setdefault(key, {})
        if not isinstance(here, dict):
            raise ApiError(400, f"Invalid parameter: {path[0]}", param=path[0])
    here[path[-1] or str(len(here))] = value


def settle(value: object) -> object:
    """Turn objects whose keys are 0, 1, 2… into lists."""
    if not isinstance(value, dict):
        return value
    if value and all(key.isdigit() for key in value):
        return [settle(value[key]) for key in sorted(value, key=int)]
    return {key: settle(item) for key, item in value.items()}
