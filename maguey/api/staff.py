"""What staff's programs may do, each within the nights of whoever its key speaks for."""

import hashlib
from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.exceptions import NotFound
from rest_framework.generics import ListAPIView
from rest_framework.pagination import CursorPagination
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from maguey.api import views
from maguey.api.keys import RunsEveryNightToWrite, RunsNights, RunsNightsToRead, StaffKeys
from maguey.api.shapes import NightShape
from maguey.api.staff_shapes import (
    FailureFilters,
    FailureShape,
    NewNightShape,
    NewRefundShape,
    OrderFilters,
    RefundFilters,
    RefundShape,
    RefundsShape,
    ResolveShape,
    StaffOrderShape,
    StartedShape,
    TablesShape,
)
from maguey.api.views import KEY_PARAMETER, as_night, bound, caller_of, respond
from owners import resolving, scope
from payments import fulfilment, idempotency, orders, refunds
from payments.exceptions import NothingToRefund, PaymentsError
from payments.idempotency import Answer, Keep
from payments.models import Order, PaymentFailure, Refund
from tickets import programme
from tickets.models import Event, Ticket
from tickets.programme import NightPlan, TypePlan
from vip import summary, tables

M = TypeVar("M", bound=Model)


class BadFilter(PaymentsError):
    """What is asked for cannot be looked for."""

    code = "bad_filter"
    status = 400


class Pages(CursorPagination):
    """Fifty at a time, or as many as are asked for, up to two hundred; what is added meanwhile moves nothing."""

    ordering: tuple[str, ...] = ("-created_at", "-pk")
    page_size = 50
    page_size_query_param = "limit"
    max_page_size = 200

    def paginate_queryset(
        self, queryset: Any, request: Request, view: APIView | None = None
    ) -> list[Any] | None:  # Any: DRF's own signature
        """Return one page. Raises BadFilter where the cursor is none of ours."""
        try:
            return super().paginate_queryset(queryset, request, view)
        except (NotFound, ValidationError, ValueError) as error:
            raise BadFilter from error


class StaffView(views.Counted):
    """Something only those who run nights may do."""

    authentication_classes = (StaffKeys,)
    permission_classes: ClassVar[tuple[type[BasePermission], ...]] = (RunsNights,)  # type: ignore[misc]  # DRF's stub


def mine(request: Request, rows: QuerySet[M], path: str) -> QuerySet[M]:
    """Return those rows whose night this person runs."""
    return rows.filter(scope.nights(request.user, path))


def filters_of(request: Request, shape: type[Serializer[Any]]) -> dict[str, Any]:  # Any: what was asked for
    """Return what is looked for. Raises BadFilter where it is unknown or not right."""
    asked = shape(data=request.query_params)
    unknown = set(request.query_params) - set(asked.fields) - {"cursor", "limit"}
    if unknown or not asked.is_valid():
        raise BadFilter
    return {name: value for name, value in asked.validated_data.items() if value not in (None, "")}


def answer_once(request: Request, act: Callable[[Keep], Answer]) -> Response:
    """Answer a staff program's request once per key of its own."""
    key = idempotency.check(request.headers.get("Idempotency-Key", ""))
    return respond(idempotency.answer_once(bound(request, key), act, now=timezone.now()))


class Events(views.Events):
    """Nights: everybody reads, who runs every night adds."""

    authentication_classes = (StaffKeys,)
    permission_classes = (RunsEveryNightToWrite,)

    @extend_schema(request=NewNightShape, responses={201: NightShape}, parameters=[KEY_PARAMETER])
    def post(self, request: Request) -> Response:
        """Put a night on, with its types and tables, once per key for good."""
        return put_on(request)


def put_on(request: Request) -> Response:
    """Read a night that is to be, and put it on."""
    shape = NewNightShape(data=request.data)
    shape.is_valid(raise_exception=True)
    wanted = dict(shape.validated_data)
    types = [TypePlan(**type_) for type_ in wanted.pop("ticket_types")]
    with_tables = wanted.pop("with_tables")
    plan = NightPlan(**wanted)

    def make(keep: Keep) -> Answer:
        night, _ = programme.put_on(plan, types, key=lasting_key(request))

        def remember() -> None:
            keep(made(night))

        if with_tables:
            tables.lay_out(night, remember=remember)
        else:
            remember()
        return made(night)

    return answer_once(request, make)


def made(night: Event) -> Answer:
    """Answer with a night that is new, and where it is."""
    where = reverse("api:event", args=[night.slug])
    return Answer(201, dict(NightShape(as_night(night)).data), headers={"Location": where})


def lasting_key(request: Request) -> str:
    """Return the caller's key as it stays with the night, in a length that always fits."""
    return hashlib.sha256(f"{caller_of(request)}:{request.headers['Idempotency-Key']}".encode()).hexdigest()


@extend_schema_view(get=extend_schema(parameters=[OrderFilters]))
class Orders(views.Orders, ListAPIView[Order]):
    """Orders: a guest's program places them, who runs the night reads them, the latest first."""

    authentication_classes = (StaffKeys,)
    permission_classes = (RunsNightsToRead,)
    serializer_class = StaffOrderShape
    pagination_class = Pages

    def get_queryset(self) -> QuerySet[Order]:
        """Return the orders that are asked for."""
        found = mine(self.request, Order.objects.select_related("event", "vip_reservation__table"), "event")
        asked = filters_of(self.request, OrderFilters)
        names = {
            "event": "event__slug",
            "email": "email__iexact",
            "created_from": "created_at__gte",
            "created_to": "created_at__lt",
        }
        wanted = {names.get(name, name): value for name, value in asked.items()}
        return found.filter(**wanted).prefetch_related("tickets__ticket_type", "vip_reservation__passes")


class OrderRefunds(StaffView):
    """What of an order goes back."""

    @extend_schema(request=NewRefundShape, responses={201: RefundsShape}, parameters=[KEY_PARAMETER])
    def post(self, request: Request, reference: str) -> Response:
        """Send back single tickets' money, or all that is left of an order's."""
        shape = NewRefundShape(data=request.data)
        shape.is_valid(raise_exception=True)
        order = get_object_or_404(mine(request, Order.objects.all(), "event"), reference=reference)
        positions = shape.validated_data.get("tickets")

        def send(keep: Keep) -> Answer:
            answers: list[Answer] = []

            def remember(promised: list[Refund]) -> None:
                answers.append(Answer(201, shown_refunds(promised)))
                keep(answers[0])

            give_back(request, order, positions, remember)
            return answers[0]

        return answer_once(request, send)


def give_back(
    request: Request, order: Order, positions: list[int] | None, remember: Callable[[list[Refund]], None]
) -> None:
    """Promise an order's money back. Raises NothingToRefund, RefundTooLarge."""
    now, reason = timezone.now(), Refund.Reason.OWNER
    if positions:
        goods = Ticket.objects.filter(order=order, position__in=positions).values_list("pk", flat=True)
        refunds.refund_goods(order.pk, list(goods), reason=reason, now=now, remember=remember)
        return
    if not order.payments.filter(status="succeeded").exists() or orders.is_going_back(order):
        raise NothingToRefund
    refunds.refund_order(order.pk, reason=reason, cause=lasting_key(request), now=now, remember=remember)


def shown_refunds(promised: list[Refund]) -> dict[str, Any]:  # Any: JSON
    """Write refunds and their sum."""
    total = sum(refund.amount_cents for refund in promised)
    return dict(RefundsShape({"refunds": promised, "amount_cents": total}).data)


@extend_schema_view(get=extend_schema(parameters=[RefundFilters]))
class Refunds(StaffView, ListAPIView[Refund]):
    """Money on its way back, the latest first."""

    serializer_class = RefundShape
    pagination_class = Pages

    def get_queryset(self) -> QuerySet[Refund]:
        """Return the refunds that are asked for."""
        found = mine(self.request, Refund.objects.select_related("payment__order"), "payment__order__event")
        asked = filters_of(self.request, RefundFilters)
        names = {"event": "payment__order__event__slug"}
        return found.filter(**{names.get(name, name): value for name, value in asked.items()})


class FailurePages(Pages):
    """The unresolved first."""

    ordering = ("resolved", "-created_at", "-pk")


@extend_schema_view(get=extend_schema(parameters=[FailureFilters]))
class Failures(StaffView, ListAPIView[PaymentFailure]):
    """What went wrong with money, the unresolved first."""

    serializer_class = FailureShape
    pagination_class = FailurePages

    def get_queryset(self) -> QuerySet[PaymentFailure]:
        """Return the failures that are asked for."""
        found = mine(self.request, PaymentFailure.objects.select_related("order", "event"), "event")
        asked = filters_of(self.request, FailureFilters)
        if "event" in asked:
            found = found.filter(event__slug=asked.pop("event"))
        if "resolved" in asked:
            found = found.filter(resolved=asked.pop("resolved") == "true")
        return found.filter(**asked)


class Resolution(StaffView):
    """Saying that a failure is put right."""

    @extend_schema(request=ResolveShape, responses=FailureShape, parameters=[KEY_PARAMETER])
    def post(self, request: Request, failure_id: str) -> Response:
        """Say that a failure is put right, and how; who and when are kept."""
        shape = ResolveShape(data=request.data)
        shape.is_valid(raise_exception=True)
        failure = failure_of(request, failure_id)

        def resolve(keep: Keep) -> Answer:
            note = shape.validated_data["note"]
            resolving.resolve(failure.pk, user=request.user, note=note, now=timezone.now())
            answer = Answer(200, dict(FailureShape(failure_of(request, failure_id)).data))
            keep(answer)
            return answer

        return answer_once(request, resolve)


class Retry(StaffView):
    """Trying again to deliver."""

    @extend_schema(request=None, responses=StartedShape, parameters=[KEY_PARAMETER])
    def post(self, request: Request, failure_id: str) -> Response:
        """Give the order behind a failure a fresh set of tries."""
        failure = failure_of(request, failure_id)

        def start(keep: Keep) -> Answer:
            started = failure.order is not None and fulfilment.retry(failure.order, now=timezone.now())
            answer = Answer(200, {"started": started})
            keep(answer)
            return answer

        return answer_once(request, start)


def failure_of(request: Request, failure_id: str) -> PaymentFailure:
    """Return a failure of a night this person runs, or 404."""
    found = PaymentFailure.objects.select_related("order", "event")
    return get_object_or_404(mine(request, found, "event"), pk=failure_id)


class Reservations(StaffView):
    """A night's tables in figures."""

    @extend_schema(responses=TablesShape)
    def get(self, request: Request, slug: str) -> Response:
        """Show each table of a night: what came, what is due, who is in."""
        night = get_object_or_404(mine(request, Event.objects.all(), "pk"), slug=slug)
        return Response(TablesShape(summary.of_night(night)).data)
