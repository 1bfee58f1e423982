"""Which nights a person may see, run and stand at the door of: the one place for the rule."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from uuid import UUID

from django.contrib.auth.models import AnonymousUser, User
from django.db.models import Q

from owners.models import OwnerAssignment

Person = User | AnonymousUser
Role = OwnerAssignment.Role

OWNS = frozenset({Role.OWNER})
RUNS = frozenset({Role.OWNER, Role.ADMIN})
STANDS = frozenset({Role.OWNER, Role.ADMIN, Role.DOOR})
# Where it is kept on the person of a request, beside Django's own permissions.
KEPT = "_maguey_scope"


@dataclass(frozen=True, slots=True)
class Nights:
    """Some nights; or every one, those to come included."""

    keys: frozenset[UUID] = frozenset()
    every: bool = False

    def __bool__(self) -> bool:
        """Say whether there is any."""
        return self.every or bool(self.keys)

    def __contains__(self, key: object) -> bool:
        """Say whether a night is among them."""
        return self.every or key in self.keys

    def ask(self, path: str) -> Q:
        """Return the condition that `path`, a night's key, is one of them."""
        return Q() if self.every else Q(**{f"{path}__in": self.keys})


@dataclass(frozen=True, slots=True)
class Scope:
    """What one person is for which nights."""

    owns: Nights = Nights()
    runs: Nights = Nights()
    doors: Nights = Nights()


EVERY = Nights(every=True)


def of(user: Person) -> Scope:
    """Return what a person is for which nights, looked up once for the person a request holds."""
    known: Scope | None = getattr(user, KEPT, None)
    if known is None:
        known = look_up(user)
        setattr(user, KEPT, known)
    return known


def look_up(user: Person) -> Scope:
    """Read what a person is for which nights."""
    if isinstance(user, AnonymousUser) or not user.is_active:
        return Scope()
    if user.is_superuser:
        return Scope(EVERY, EVERY, EVERY)
    held = list(OwnerAssignment.objects.filter(user_id=user.pk).values_list("role", "event_id"))
    return Scope(*(nights_held(held, as_one_of) for as_one_of in (OWNS, RUNS, STANDS)))


def nights_held(held: Iterable[tuple[str, UUID | None]], as_one_of: frozenset[Role]) -> Nights:
    """Return the nights somebody is one of these for."""
    keys = {key for role, key in held if role in as_one_of}
    return Nights(frozenset(key for key in keys if key), every=None in keys)


def runs_nights(user: Person) -> bool:
    """Say whether this person runs any night at all."""
    return bool(of(user).runs)


def runs_every_night(user: Person) -> bool:
    """Say whether this person runs all nights, those to come included."""
    return of(user).runs.every


def nights(user: Person, path: str) -> Q:
    """Return the condition that `path`, a night's key, is one this person runs."""
    return of(user).runs.ask(path)


def conditions(user: Person) -> Callable[[str], Q]:
    """Return how to ask for the nights this person runs by any path to a night's key."""
    return of(user).runs.ask
