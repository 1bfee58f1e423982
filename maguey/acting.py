"""Who is at it, said where it is known: each request, each task, each command."""

from collections.abc import Callable
from contextvars import Token
from functools import partial
from typing import Any

from celery.signals import task_postrun, task_prerun
from django.http import HttpRequest, HttpResponse

from payments import actors
from payments.actors import Actor
from payments.wake import RUN_TASK

Respond = Callable[[HttpRequest], HttpResponse]
# Where staff are at work, by the first name of the address; on every other page a guest is.
STAFF_ROOMS = ("admin", "door")
API = "api"


def middleware(respond: Respond) -> Respond:
    """Have all that a request changes carry who made it; to find that out asks the database nothing."""

    def answer(request: HttpRequest) -> HttpResponse:
        token = actors.begin(partial(of_request, request))
        try:
            return respond(request)
        finally:
            actors.end(token)

    return answer


def of_request(request: HttpRequest) -> Actor:
    """Say who makes a request; called at its first change, when whoever may make it has been let in."""
    match = request.resolver_match
    room = match.namespaces[0] if match and match.namespaces else ""
    if room in STAFF_ROOMS:
        return Actor(actors.STAFF, did=button_of(request), user=request.user.pk)
    if room == API and (person := request.user):  # whom the API's own authentication has put there, or nobody
        return Actor(actors.KEY, did=button_of(request), user=person.pk)
    return Actor(actors.GUEST)


def button_of(request: HttpRequest) -> str:
    """Name what was pressed: the page, and which of a list's actions."""
    match = request.resolver_match
    page = (match.url_name if match else None) or ""
    action = request.POST.get("action", "") if page.endswith("_changelist") else ""
    return f"{page}:{action}"[:120] if action else page


_tokens: dict[str, Token[Any]] = {}  # Any: the actors' own


def task_begins(task_id: str, task: Any, args: Any, **_: Any) -> None:  # Any: Celery's own
    """Have what a task changes carry its name, and the kind of work where it does one piece."""
    name = str(task.name)
    did = f"{name}:{args[0]}" if name == RUN_TASK and args else name
    _tokens[task_id] = actors.begin(lambda: Actor(actors.TASK, did=did))


def task_ends(task_id: str, **_: Any) -> None:  # Any: Celery's own
    """Have what follows carry nobody."""
    if token := _tokens.pop(task_id, None):
        actors.end(token)


def watch_tasks() -> None:
    """Name tasks in whichever process runs them."""
    task_prerun.connect(task_begins, dispatch_uid="actors")
    task_postrun.connect(task_ends, dispatch_uid="actors")
