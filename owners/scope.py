"""Which nights a person of the console may see: the one place for the rule."""

from collections.abc import Callable

from django.contrib.auth.models import AnonymousUser, User
from django.db.models import Q

from owners.models import OwnerAssignment

RUNS = (OwnerAssignment.Role.OWNER, OwnerAssignment.Role.ADMIN)


def runs_nights(user: User | AnonymousUser) -> bool:
    """Say whether this person runs any night at all."""
    if isinstance(user, AnonymousUser) or not user.is_active:
        return False
    return user.is_superuser or OwnerAssignment.objects.filter(user_id=user.pk, role__in=RUNS).exists()


def runs_every_night(user: User | AnonymousUser) -> bool:
    """Say whether this person runs all nights, those to come included."""
    return runs_nights(user) and nights(user, "pk") == Q()


def nights(user: User | AnonymousUser, path: str) -> Q:
    """Return the condition that `path`, a night's key, is one this person runs."""
    return conditions(user)(path)


def conditions(user: User | AnonymousUser) -> Callable[[str], Q]:
    """Look once which nights this person runs; return how to ask for them by any path to a night's key."""
    if isinstance(user, AnonymousUser):
        return lambda path: Q(pk__in=())
    if user.is_superuser:
        return lambda path: Q()
    runs = OwnerAssignment.objects.filter(user_id=user.pk, role__in=RUNS).values_list("event_id", flat=True)
    mine = set(runs)
    return lambda path: Q() if None in mine else Q(**{f"{path}__in": mine})
