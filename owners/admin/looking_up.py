"""Searches that stay quick in old books: by how a guest begins, or by what an id is, never by the middle of a word."""

from operator import attrgetter
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from unfold.decorators import display

from owners import scope
from owners.takings import Mine
from payments.models import Order, Payment

MOST = 500


class FoundByOrder:
    """Rows of orders, found by the guest, the order's reference or the payment's id, or by a word of their own."""

    order_path: ClassVar[str] = "order"  # the way from a row to its order's key
    own_lookups: ClassVar[tuple[str, ...]] = ()  # each answered by an index
    search_fields: ClassVar[tuple[str, ...]]
    search_help_text: ClassVar[str] = "How an email or a name begins, an order or a payment"

    def __init_subclass__(cls, **kwargs: Any) -> None:  # Any: Python's own signature
        """Name what is searched, as Django would have it."""
        super().__init_subclass__(**kwargs)
        way = "" if cls.order_path == "pk" else f"{cls.order_path}__"
        own = (lookup.partition("__")[0] for lookup in cls.own_lookups)
        cls.search_fields = (f"{way}reference", f"{way}email", f"{way}name", *own)

    @display(description="Guest and order", header=True)  # type: ignore[untyped-decorator]  # unfold ships no types
    def whose(self, row: Any) -> tuple[str, str]:  # Any: a row of any model
        """Name the guest, and below the order."""
        order: Order = attrgetter(self.order_path.replace("__", "."))(row)
        return order.name, order.reference

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:  # Any: rows of any model
        """Return the rows that belong to what was typed, and that none of them may be there twice."""
        term = search_term.strip()
        if not term:
            return queryset, False
        found = Q(**{f"{self.order_path}__in": orders_named(term, scope.conditions(request.user))})
        for lookup in self.own_lookups:
            found |= Q(**{lookup: term})
        return queryset.filter(found), False


def orders_named(term: str, mine: Mine) -> list[UUID]:
    """Return the orders a word may mean, the newest first and no more than a person would read."""
    guest = Q(email__istartswith=term) | Q(name__istartswith=term) | Q(reference=term)
    orders = Order.objects.filter(mine("event_id"), guest).order_by("-created_at")
    named = Q(external_payment_id=term) | Q(external_session_id=term)
    paid = Payment.objects.filter(mine("order__event_id"), named, provider__in=Payment.Provider.values)
    return [*orders.values_list("pk", flat=True)[:MOST], *paid.values_list("order_id", flat=True)[:MOST]]
