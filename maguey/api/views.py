"""The guest's flow for programs: read the request, make one call, answer."""

from collections.abc import Callable, Iterable
from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import salted_hmac
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.pagination import LimitOffsetPagination
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from maguey.api import shapes
from maguey.api.shapes import (
    EventShape,
    NewOrderShape,
    NewPaymentShape,
    NightShape,
    OrderShape,
    PaymentShape,
)
from payments import checkout, expiry, idempotency, orders, rate_limits
from payments.idempotency import Answer, Keep, Keeping
from payments.models import Order
from payments.models.rows import Write
from payments.orders import Beside, Buyer, Truth
from tickets import checkout as ticket_checkout
from tickets import holds, promos
from tickets.models import Event, TicketType
from vip import booking, floor
from vip.booking import Party

READS_PER_ADDRESS = "600/minute"
WRITES_PER_ADDRESS = "120/minute"
PER_KEY = "600/minute"
KEY_PARAMETER = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "pattern": "^[!-~]{1,255}$"},
    OpenApiParameter.HEADER,
    required=True,
    description="1 to 255 printable characters.",
)


OPTIONAL_KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "pattern": "^[!-~]{1,255}$"},
    OpenApiParameter.HEADER,
    required=False,
    description="With one, a repeat gets the first answer; without, it is told what has become of the order.",
)


class Pages(LimitOffsetPagination):
    """Fifty at a time, or as many as are asked for, up to two hundred."""

    default_limit = 50
    max_limit = 200


class Counted(APIView):
    """Something that is not asked without end: so often by one person's keys, or from one address."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:  # Any: DRF's own signature
        """Count the request, once it is known whose it is. Raises RateLimited."""
        super().initial(request, *args, **kwargs)
        kind = "read" if request.method in SAFE_METHODS else "write"
        rate_limits.check(rate_for(request), f"api-{kind}", caller_of(request))


def rate_for(request: Request) -> str:
    """Return how often a caller may ask."""
    if request.user:
        return PER_KEY
    return READS_PER_ADDRESS if request.method in SAFE_METHODS else WRITES_PER_ADDRESS


def caller_of(request: Request) -> str:
    """Name who asks: a key's person, or a guest by a digest of their address.

    Whose keys are whose follows from it: nobody reads what another's key was answered.
    """
    if request.user:
        return f"staff:{request.user.pk}"
    return f"guest:{salted_hmac('api.caller', rate_limits.address_of(request)).hexdigest()}"


class Events(Counted, ListAPIView[Event]):
    """List the nights to come, soonest first."""

    serializer_class = EventShape
    pagination_class = Pages

    def get_queryset(self) -> QuerySet[Event]:
        """Return the nights to come."""
        return Event.objects.upcoming(timezone.now()).order_by("starts_at")


class Night(Counted):
    """One night."""

    @extend_schema(responses=NightShape)
    def get(self, request: Request, slug: str) -> Response:
        """Show a night, what is sold for it and how much is left."""
        return Response(NightShape(as_night(get_object_or_404(Event.objects.visible(), slug=slug))).data)


def as_night(event: Event) -> Any:  # Any: two lists are put on it
    """Return a night with what is sold for it and how much is left."""
    night: Any = event  # Any: as above
    now = timezone.now()
    night.types_with_available = holds.of_nights([event], now=now)[event.pk]
    night.tables_in_order = floor.with_state(night.tables.all(), now=now).order_by("code")
    return night


class Orders(Counted):
    """Orders."""

    @extend_schema(request=NewOrderShape, responses={201: OrderShape}, parameters=[KEY_PARAMETER])
    def post(self, request: Request) -> Response:
        """Hold places for a guest."""
        key = idempotency.check(request.headers.get("Idempotency-Key", ""))
        wanted = shapes.checked(shapes.NEW_ORDER, request.data)

        def place(keeping: Keeping) -> Answer:
            answers: list[Answer] = []

            def answer(order: Order) -> list[Write]:
                answers.append(made(order))
                return [keeping(answers[-1])]

            hold = hold_table if "table" in wanted else hold_tickets
            hold(wanted, beside=answer)
            return answers[-1]

        return respond(idempotency.answer_with_effect(bound(request, key), place, now=timezone.now()))


def hold_tickets(wanted: dict[str, Any], *, beside: Beside) -> Order:  # Any: JSON
    """Hold tickets; a type named twice is wanted as often as both say."""
    quantities: dict[str, int] = {}
    for item in wanted["items"]:
        slug = item["ticket_type"]
        quantities[slug] = quantities.get(slug, 0) + item["quantity"]
    event, types = night_of(wanted, types=quantities)
    return ticket_checkout.buy_tickets(
        event,
        quantities=quantities,
        buyer=Buyer(wanted["name"], wanted["email"]),
        code=promos.tidy(wanted.get("code", "")),
        now=timezone.now(),
        types=types,
        beside=with_night(event, beside),
    )


def hold_table(wanted: dict[str, Any], *, beside: Beside) -> Order:  # Any: JSON
    """Hold a table for a party."""
    event, _ = night_of(wanted, types=())
    return booking.book_table(
        event,
        code=wanted["table"],
        party=Party(wanted["party_size"], guests=tuple(guest["name"] for guest in wanted.get("guests", ()))),
        buyer=Buyer(wanted["name"], wanted["email"]),
        now=timezone.now(),
        beside=with_night(event, beside),
    )


def night_of(wanted: dict[str, Any], *, types: Iterable[str]) -> tuple[Event, list[TicketType]]:  # Any: JSON
    """Return the night that something is wanted of, and its kinds of tickets of these slugs, or 404."""
    if found := Event.objects.visible_with_types(wanted["event"], types):
        return found
    raise Http404


def with_night(event: Event, beside: Beside) -> Beside:
    """Give an order the night that was read for it before asking what to write beside it."""

    def ask(order: Order) -> Iterable[Write]:
        order.event = event
        return beside(order)

    return ask


class OneOrder(Counted):
    """One order."""

    @extend_schema(responses=OrderShape)
    def get(self, request: Request, reference: str) -> Response:
        """Show an order and, once paid, its tickets or its table's passes."""
        return Response(shown(find(reference)))


class Extension(Counted):
    """Ten more minutes."""

    @extend_schema(request=None, responses=OrderShape, parameters=[OPTIONAL_KEY])
    def post(self, request: Request, reference: str) -> Response:
        """Hold an order's places ten minutes longer, once."""
        order = find(reference)

        def extend(keep: Keep) -> Answer:
            def remember(order: Order) -> None:
                keep(Answer(200, shown(order)))

            return Answer(200, shown(orders.extend_hold(order.pk, now=timezone.now(), remember=remember)))

        return respond(once_if_keyed(request, extend))


class Cancellation(Counted):
    """Letting go."""

    @extend_schema(request=None, responses=OrderShape, parameters=[OPTIONAL_KEY])
    def post(self, request: Request, reference: str) -> Response:
        """Give an unpaid order's places back."""
        order = find(reference)

        def let_go(keep: Keep) -> Answer:
            def remember(order: Order) -> None:
                keep(Answer(200, shown(order)))

            expiry.cancel_order(order.pk, now=timezone.now(), remember=remember)
            return Answer(200, shown(find(reference)))

        return respond(once_if_keyed(request, let_go))


class Payments(Counted):
    """Ways to pay."""

    @extend_schema(request=NewPaymentShape, responses={201: PaymentShape}, parameters=[KEY_PARAMETER])
    def post(self, request: Request, reference: str) -> Response:
        """Open the way to pay for an order, or find the one that is open.

        The answer holds a secret and is never stored: a repeat finds the same payment anew.
        """
        key = idempotency.check(request.headers.get("Idempotency-Key", ""))
        wanted = shapes.checked(shapes.NEW_PAYMENT, request.data)
        order = find(reference)

        def start(keep: Keep) -> Answer:
            begun = checkout.start_payment(order.pk, now=timezone.now(), **wanted)
            body = {"payment_id": str(begun.payment_id)}
            if begun.client_secret:
                body["client_secret"] = begun.client_secret
            if begun.redirect_url:
                body["redirect_url"] = begun.redirect_url
            return Answer(201, body)

        return respond(idempotency.answer_once(bound(request, key), start, now=timezone.now()))


class Nothing(APIView):
    """Whatever else is asked for."""

    @extend_schema(exclude=True)
    def get(self, request: Request) -> Response:
        """Say that there is nothing here, as every no is said."""
        raise Http404

    post = put = patch = delete = get


def find(reference: str) -> Order:
    """Return the order of a reference, or 404."""
    found = orders.find(reference)
    if found is None:
        raise Http404
    return found


def shown(order: Order, *, is_new: bool = False) -> dict[str, Any]:  # Any: JSON
    """Write an order as the API shows it; what cannot be there yet is not looked for."""
    seen: Any = order  # Any: what is shown beside it is put on it
    is_unpaid = order.status == Order.Status.PENDING
    seen.truth = (Truth.NOT_CHARGED if is_new and is_unpaid else orders.truth(order)).value
    seen.tickets_there = () if is_unpaid else order.tickets.all()
    seen.reservation_there = (
        getattr(order, "vip_reservation", None) if order.kind == Order.Kind.VIP_RESERVATION else None
    )
    return shapes.ORDER.to_representation(seen)


def made(order: Order) -> Answer:
    """Answer with an order that is new, and where it is."""
    return Answer(201, shown(order, is_new=True), headers={"Location": reverse("api:order", args=[order.reference])})


def bound(request: Request, key: str) -> idempotency.Request:
    """Bind a key to the request it came with."""
    return idempotency.Request(
        key=key, caller=caller_of(request), method=request.method or "", path=request.path, body=request.data
    )


def once_if_keyed(request: Request, act: Callable[[Keep], Answer]) -> Answer:
    """Answer once per key where one was sent; without one, the act itself is done once and says so."""
    key = request.headers.get("Idempotency-Key", "")
    if not key:
        return act(keep_nothing)
    asked = bound(request, idempotency.check(key))
    return idempotency.answer_once(asked, act, now=timezone.now())


def keep_nothing(answer: Answer) -> None:
    """Keep no answer: no key was sent to keep it under."""


def respond(answer: Answer) -> Response:
    """Answer, marked where it is a replay."""
    mark = {"Idempotent-Replayed": "true"} if answer.is_replay else {}
    return Response(answer.body, status=answer.status, headers={**answer.headers, **mark})
