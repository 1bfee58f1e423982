"""Whose rows a page of the console shows: every page says so, or the console does not start.

A page is one of three. `NightsOnly` names the way from its rows to a night and shows those of nights a person runs;
`EveryNightOnly` holds rows of no night, for those who run them all; `ChiefsOnly` is for superusers. From that follow
its list, search, pages, actions and files, and what other pages offer of its rows: in forms, filters and look-ups.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.sites import AdminSite
from django.contrib.admin.utils import get_model_from_relation
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.db.models import Model, Q, QuerySet
from django.forms import ModelChoiceField
from django.http import Http404, HttpRequest
from unfold.dataclasses import UnfoldAction

from owners import scope
from owners.scope import Nights
from tickets.models import TicketType

# A night's own key; and the way to it from rows that have no page of their own, beside other rows' pages.
ITSELF = "pk"
BESIDE: dict[type[Model], str] = {TicketType: "event_id"}
NONE = Q(pk__in=())


def shown_of(site: AdminSite, request: HttpRequest, model: type[Model]) -> Q:
    """Return the condition of what a person may be shown of a model's rows, wherever they are offered."""
    if model in BESIDE:
        return scope.nights(request.user, BESIDE[model])
    page = site._registry.get(model)
    if isinstance(page, Scoped):
        return page.theirs(request)
    return Q() if is_chief(request) else NONE


def demand_scopes(site: AdminSite) -> None:
    """Refuse to start where a page does not say whose rows it shows. Raises ImproperlyConfigured."""
    for page in site._registry.values():
        for shown in (page, *(inline(page.model, site) for inline in page.inlines)):
            if not isinstance(shown, Scoped):
                raise ImproperlyConfigured(f"{type(shown).__name__} must be NightsOnly, EveryNightOnly or ChiefsOnly.")


class TheirRelatedFilter(admin.RelatedFieldListFilter):
    """A filter by nights, tables and the like that offers a person's own."""

    def field_choices(
        self, field: Any, request: HttpRequest, model_admin: Any
    ) -> list[Any]:  # Any: Django's own signature
        """Return the choices that are theirs."""
        theirs = shown_of(model_admin.admin_site, request, get_model_from_relation(field))
        ordering = self.field_admin_ordering(field, request, model_admin)
        return list(field.get_choices(include_blank=False, ordering=ordering, limit_choices_to=theirs))


admin.FieldListFilter.register(lambda field: bool(field.remote_field), TheirRelatedFilter, take_priority=True)


class Scoped:
    """What says whose rows it shows, and offers in its forms only what a person may be shown."""

    admin_site: AdminSite

    def theirs(self, request: HttpRequest) -> Q:
        """Return the condition of the rows this person may be shown: none, until a page says which."""
        return NONE

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:  # Any: rows of any model
        """Return a person's own rows."""
        found: QuerySet[Any] = super().get_queryset(request)  # type: ignore[misc]  # beside a page of Django's
        return found.filter(self.theirs(request))

    def get_field_queryset(
        self, db: str | None, db_field: Any, request: HttpRequest
    ) -> QuerySet[Any]:  # Any: Django's own signature
        """Return the rows a form offers for a relation, and takes: a person's own."""
        model = db_field.remote_field.model
        ordered = super().get_field_queryset(db, db_field, request)  # type: ignore[misc]  # beside a page of Django's
        found: QuerySet[Any] = model._default_manager.all() if ordered is None else ordered
        return found.filter(shown_of(self.admin_site, request, model))


class ChiefsOnly(Scoped):
    """Rows that would let whoever may write them become somebody else: for superusers alone."""

    def theirs(self, request: HttpRequest) -> Q:
        """Return all to superusers."""
        return Q() if is_chief(request) else NONE

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # Any: Django's own signature
        """Allow superusers."""
        return is_chief(request)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # Any: Django's own signature
        """Allow superusers."""
        return is_chief(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # Any: Django's own signature
        """Allow superusers."""
        return is_chief(request)


def is_chief(request: HttpRequest) -> bool:
    """Say whether a superuser asks."""
    return bool(request.user.is_active and request.user.is_superuser)


class NeverDeleted(Scoped):
    """Rows of the club's business: nothing financial is deleted, and nothing that money hangs on."""

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # Any: Django's own signature
        """Refuse, whoever asks."""
        return False


class EveryNightOnly(NeverDeleted):
    """Rows of no night, for those who run every one."""

    def theirs(self, request: HttpRequest) -> Q:
        """Return all to those who run every night."""
        return Q() if scope.runs_every_night(request.user) else NONE

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Allow who runs every night."""
        return scope.runs_every_night(request.user)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # Any: Django's own signature
        """Allow who runs every night."""
        return scope.runs_every_night(request.user)

    def has_run_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Allow actions to who runs every night."""
        return scope.runs_every_night(request.user)


class NightsOnly(NeverDeleted):
    """Rows of nights: a person is shown those they run, and can neither move one elsewhere nor add one there."""

    night_path: ClassVar[str]  # the way from a row to its night's key

    def nights_of(self, request: HttpRequest) -> Nights:
        """Return the nights whose rows are this person's here: those they run."""
        return scope.of(request.user).runs

    def theirs(self, request: HttpRequest) -> Q:
        """Return the rows of this person's nights."""
        return self.nights_of(request).ask(self.night_path)

    def get_field_queryset(
        self, db: str | None, db_field: Any, request: HttpRequest
    ) -> QuerySet[Any]:  # Any: Django's own signature
        """Offer as a row's own night only one whose rows are this person's here."""
        found = super().get_field_queryset(db, db_field, request)
        own_night = db_field.get_attname() == self.night_path
        return found.filter(self.nights_of(request).ask(ITSELF)) if own_night else found

    def has_add_permission(self, request: HttpRequest, *parent: Any) -> bool:  # Any: Django's own, beside a page
        """Leave new nights to those who run every one, as they are nobody's yet."""
        if self.night_path == ITSELF and not self.nights_of(request).every:
            return False
        return bool(super().has_add_permission(request, *parent))  # type: ignore[misc]  # beside a page of Django's

    def formfield_for_foreignkey(
        self, db_field: Any, request: HttpRequest, **kwargs: Any
    ) -> "ModelChoiceField[Any] | None":  # Any: Django's own signature
        """Ask for the night where “every night” is not this person's to say."""
        if db_field.attname == self.night_path and db_field.null and not self.nights_of(request).every:
            kwargs = {**kwargs, "required": True, "help_text": ""}
        return super().formfield_for_foreignkey(db_field, request, **kwargs)  # type: ignore[misc, no-any-return]  # as above

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:  # Any: Django's own
        """Undo what would leave a row where this person may not be, by whatever way it came there."""
        super().save_related(request, form, formsets, change)  # type: ignore[misc]  # beside a page of Django's
        if not self.get_queryset(request).filter(pk=form.instance.pk).exists():
            raise PermissionDenied

    def get_unfold_action(self, action: str) -> UnfoldAction:
        """Let an action with a page of its own act on this person's rows only."""
        found = super().get_unfold_action(action)  # type: ignore[misc]  # beside a page of unfold's
        return replace(found, method=self.on_theirs(found.method))

    def on_theirs(self, act: Callable[..., Any]) -> Callable[..., Any]:  # Any: an action's own
        """Answer for a row that is not theirs as for one that is not there."""

        @wraps(act)
        def act_on_theirs(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:  # Any: an action's own
            key = kwargs.get("object_id")
            if key is not None and self.get_object(request, key) is None:  # type: ignore[attr-defined]  # Django's
                raise Http404
            return act(request, *args, **kwargs)

        return act_on_theirs
