"""What is asked before something is done from the console, and where one is led after it."""

from typing import Any, TypeVar
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from django import forms
from django.contrib import messages
from django.core.exceptions import ObjectDoesNotExist
from django.db.models import F, Model, QuerySet, Sum
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminTextareaWidget

from owners import reasons, scope
from owners.admin.base import lead_to
from payments import refunds
from payments.models import Order, Payment, PaymentFailure, Refund
from payments.money import format_cents

M = TypeVar("M", bound=Model)
HOME = "home"


def find(rows: QuerySet[M], key: str | None) -> M:
    """Return the row of a key that came in an address, or 404."""
    try:
        return rows.get(pk=UUID(str(key)))
    except (ValueError, ObjectDoesNotExist) as error:
        raise Http404 from error


def lead_back(request: HttpRequest, page: str, *args: object) -> HttpResponse:
    """Leave a dialog for the page it was opened on; where that is not known, for a page of the console."""
    came_from = request.headers.get("HX-Current-URL", "")
    if request.headers.get("HX-Request") and url_has_allowed_host_and_scheme(came_from, {request.get_host()}):
        parts = urlsplit(came_from)
        return HttpResponse(headers={"HX-Redirect": f"{parts.path}?{parts.query}" if parts.query else parts.path})
    return lead_to(request, page, *args)


def home_if_asked(request: HttpRequest) -> HttpResponse | None:
    """Lead back to the home where a button on it was pressed; else leave it to Django's list."""
    return redirect(reverse("admin:index")) if request.POST.get("came_from") == HOME else None


class ConfirmForm(BaseDialogForm):  # type: ignore[misc]  # unfold ships no types
    """A question with no more to it than yes."""

    form_before_template = "admin/_asked.html"

    def sentences(self) -> list[str]:
        """Say what will be done, to whom."""
        return []

    def get_before_template_context(
        self, request: HttpRequest, object_id: str | None = None
    ) -> dict[str, Any]:  # Any: a template's context
        """Hand the sentences to the template."""
        return {"sentences": self.sentences()}


def failure_of(request: HttpRequest, key: str | None) -> PaymentFailure:
    """Return a failure of a night this person runs, or 404."""
    mine = PaymentFailure.objects.filter(scope.nights(request.user, "event_id"))
    return find(mine.select_related("order"), key)


class ResolveForm(ConfirmForm):
    """How a failure was put right."""

    note = forms.CharField(
        max_length=500,
        label="What was done about it",
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="Kept with your name and the time.",
    )

    def __init__(self, request: HttpRequest, object_id: str | None = None, **kwargs: Any) -> None:  # Any: a form's own
        """Read the failure, if it is of a night this person runs."""
        super().__init__(request, object_id, **kwargs)
        self.failure = failure_of(request, object_id)

    def sentences(self) -> list[str]:
        """Say which failure it is."""
        return [f"{reasons.of_failure(self.failure)} · {self.failure.customer_email or 'no guest'}"]


class OrderForm(ConfirmForm):
    """Something about one order."""

    def __init__(self, request: HttpRequest, object_id: str | None = None, **kwargs: Any) -> None:  # Any: a form's own
        """Read the order, if it is of a night this person runs."""
        super().__init__(request, object_id, **kwargs)
        self.order = self.find_order()

    def find_order(self) -> Order | None:
        """Return the order whose key came in the address."""
        return find(Order.objects.filter(scope.nights(self.request.user, "event_id")), self.object_id)


class OfFailure:
    """The order of a dialog is the one behind a failure, if there is one."""

    request: HttpRequest
    object_id: str | None

    def find_order(self) -> Order | None:
        """Return the order behind the failure whose key came in the address."""
        return failure_of(self.request, self.object_id).order


class RetryForm(OrderForm):
    """Whether an order is to be tried again."""

    def sentences(self) -> list[str]:
        """Say what is tried again."""
        if self.order is None:
            return ["No order is behind this: there is nothing to deliver."]
        return [f"{self.order.name} · {self.order.email} gets six fresh tries, the first at once."]


class RefundForm(OrderForm):
    """Whether an order's money is to go back; where another amount is left by then, it is asked again."""

    shown_cents = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, request: HttpRequest, object_id: str | None = None, **kwargs: Any) -> None:  # Any: a form's own
        """Read what is left of the order's money."""
        super().__init__(request, object_id, **kwargs)
        self.left_cents = refundable(self.order) if self.order else 0
        self.fields["shown_cents"].initial = self.left_cents

    def sentences(self) -> list[str]:
        """Say the exact amount, and to whom it goes."""
        if self.order is None or not self.left_cents:
            return ["Nothing of this order's money is here any more: there is nothing to send back."]
        amount = format_cents(self.left_cents, self.order.currency)
        return [
            f"{amount} goes back to {self.order.name} · {self.order.email}, by the way it came.",
            "Their tickets or their table are taken back. This cannot be undone.",
        ]

    def clean(self) -> dict[str, Any]:  # Any: a form's own
        """Refuse where the amount is another than the one that was shown."""
        data = dict(super().clean() or {})
        if data.get("shown_cents") != self.left_cents or not self.left_cents:
            self.data = {**self.request.POST.dict(), "shown_cents": self.left_cents}
            self.add_error(None, "Look at the amount once more: it has changed, or there is nothing left.")
        return data


def refundable(order: Order) -> int:
    """Return how much of an order's money is here and not on its way back."""
    paid = Payment.objects.filter(order=order, status=Payment.Status.SUCCEEDED)
    return int(paid.aggregate(left=Sum(F("received_cents") - F("refunded_cents")))["left"] or 0)


class RetryFailureForm(OfFailure, RetryForm):
    """Whether the order behind a failure is to be tried again."""


class RefundFailureForm(OfFailure, RefundForm):
    """Whether the money of the order behind a failure is to go back."""


def send_back(request: HttpRequest, order_id: UUID) -> None:
    """Promise back all an order's money that is still here, and say how much."""
    owed = refunds.refund_order(
        order_id, reason=Refund.Reason.OWNER, cause=f"console:{request.user.pk}:{uuid4()}", now=timezone.now()
    )
    if not owed:
        messages.warning(request, "Nothing of this order's money is here any more.")
        return
    amount = format_cents(sum(refund.amount_cents for refund in owed), owed[0].payment.currency)
    messages.success(request, f"{amount} is on its way back.")
