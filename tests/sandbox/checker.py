"""The SDK's own annotations as the contract: objects against its resource classes, nothing unknown let through."""

import ast
import importlib
import inspect
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from types import UnionType
from typing import Any, ForwardRef, Literal, TypeVar, Union, get_args, get_origin

from stripe import ListObject, StripeObject
from stripe._object_classes import get_object_class
from stripe._stripe_object import UntypedStripeObject

# What a body that is no resource is held to.
PLAIN: dict[Any, Any] = {str: str, int: int, bool: bool, float: (int, float), Decimal: str}


@cache
def hidden_imports(module: str) -> dict[str, tuple[str, str]]:
    """Return what a module of the SDK imports for type checkers only."""
    tree = ast.parse(inspect.getsource(importlib.import_module(module)))
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            for name in node.names:
                found[name.asname or name.name] = (node.module, name.name)
    return found


def resolve(hint: Any, module: str) -> Any:
    """Return the type a forward reference names."""
    name = hint.__forward_arg__ if isinstance(hint, ForwardRef) else hint
    if not isinstance(name, str):
        return hint
    own = vars(importlib.import_module(module))
    if name in own:
        return own[name]
    if name in hidden_imports(module):
        source, original = hidden_imports(module)[name]
        return getattr(importlib.import_module(source), original)
    return eval(name, {**vars(importlib.import_module("typing")), **own})  # noqa: S307 - the SDK's own annotations


def fields(cls: type) -> dict[str, tuple[Any, str]]:
    """Return a resource's declared fields with the module each is declared in."""
    found: dict[str, tuple[Any, str]] = {}
    for base in reversed(cls.__mro__):
        if issubclass(base, StripeObject) and base is not StripeObject:
            found |= {
                name: (hint, base.__module__)
                for name, hint in vars(base).get("__annotations__", {}).items()
                if not name.startswith("_") and "ClassVar" not in str(hint)
            }
    return found


def problems(body: Any, hint: Any, module: str = "stripe", path: str = "") -> Iterator[str]:
    """Yield everything about a JSON value that its annotation does not allow."""
    hint = resolve(hint, module)
    origin, args = get_origin(hint), get_args(hint)
    if hint is Any or isinstance(hint, TypeVar):
        return
    if origin in (Union, UnionType):
        yield from union_problems(body, args, module, path)
    elif origin is Literal:
        if body not in args:
            yield f"{path}: {body!r} is none of {args[:8]}"
    elif hint is type(None):
        if body is not None:
            yield f"{path}: {body!r} is not null"
    elif origin in (list, dict) or origin is UntypedStripeObject or hint is UntypedStripeObject:
        yield from container_problems(body, origin or hint, args, module, path)
    elif origin is ListObject or hint is ListObject:
        yield from list_problems(body, args, module, path)
    else:
        yield from class_problems(body, hint, path)


def class_problems(body: Any, hint: Any, path: str) -> Iterator[str]:
    """Yield what is wrong with a value whose annotation is a class."""
    if inspect.isclass(hint) and issubclass(hint, StripeObject):
        yield from object_problems(body, hint, path)
    elif not is_plain(body, hint):
        yield f"{path}: {body!r} is not {hint}"


def is_plain(body: Any, hint: Any) -> bool:
    """Say whether a plain value is of its type."""
    return isinstance(body, PLAIN.get(hint, hint)) and not (isinstance(body, bool) and hint is not bool)


def union_problems(body: Any, args: tuple[Any, ...], module: str, path: str) -> Iterator[str]:
    """Yield nothing where one branch fits; closed words count, the `str` beside them does not."""
    closed = any(get_origin(arg) is Literal for arg in args)
    found = []
    for arg in args:
        if closed and arg is str:
            continue
        wrong = list(problems(body, arg, module, path))
        if not wrong:
            return
        found.append(wrong)
    yield from min(found, key=len) if body is not None else [f"{path}: must not be null"]


def container_problems(body: Any, kind: Any, args: tuple[Any, ...], module: str, path: str) -> Iterator[str]:
    """Yield what is wrong within a plain list or dictionary."""
    if not isinstance(body, list if kind is list else dict):
        yield f"{path}: {body!r} is not a {kind}"
        return
    inner = args[-1] if args else Any
    pairs = enumerate(body) if isinstance(body, list) else body.items()
    for key, item in pairs:
        yield from problems(item, inner, module, f"{path}[{key}]")


def list_problems(body: Any, args: tuple[Any, ...], module: str, path: str) -> Iterator[str]:
    """Yield what is wrong with a page of a list."""
    if not isinstance(body, dict) or set(body) != {"object", "data", "has_more", "url"}:
        yield f"{path}: not a list: {body!r:.200}"
        return
    for place, item in enumerate(body["data"]):
        yield from problems(item, args[0] if args else Any, module, f"{path}.data[{place}]")


def object_problems(body: Any, cls: type, path: str) -> Iterator[str]:
    """Yield unknown, missing and wrongly typed fields."""
    if not isinstance(body, dict):
        yield f"{path}: {body!r:.80} is not a {cls.__name__}"
        return
    known = fields(cls)
    for name in body.keys() - known.keys():
        yield f"{path}.{name}: unknown to {cls.__qualname__}"
    for name, (hint, module) in known.items():
        if name in body:
            yield from problems(body[name], hint, module, f"{path}.{name}")
        elif not is_optional(resolve(hint, module)):
            yield f"{path}.{name}: missing from {cls.__qualname__}"


def is_optional(hint: Any) -> bool:
    """Say whether a field may be absent."""
    return hint is Any or type(None) in get_args(hint)


def check(body: dict[str, Any]) -> list[str]:
    """Return everything wrong with an answer: an object, a page of objects or an event."""
    if body.get("object") in ("list", "search_result"):
        return [wrong for item in body["data"] for wrong in check(item)]
    if body.get("object") == "event":
        envelope = {**body, "data": {**body["data"], "object": {}}}
        return [*problems(envelope, get_object_class("V1", "event")), *check(body["data"]["object"])]
    return list(problems(body, get_object_class("V1", body["object"]), path=body["object"]))
