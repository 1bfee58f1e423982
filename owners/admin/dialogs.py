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
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from owners import reasons, scope, writing
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


class WriteForm(OrderForm):
    """A letter to an order's guest."""

    letter = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)
    subject = forms.CharField(max_length=writing.SUBJECT_LENGTH, widget=UnfoldAdminTextInputWidget)
    text = forms.CharField(
        max_length=writing.TEXT_LENGTH,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 8}),
        help_text="Sent as you type it, as plain text, in the club's frame; kept in the order's story with your name.",
    )

    def address(self) -> str:
        """Return where the letter goes; empty where nobody can be written to."""
        return self.order.email if self.order else ""

    def sentences(self) -> list[str]:
        """Say who gets the letter."""
        if not self.address():
            return ["No order and no address is behind this: there is nobody to write to."]
        return [f"To {self.order.name} · {self.address()}" if self.order else f"To {self.address()}"]

    def clean(self) -> dict[str, Any]:  # Any: a form's own
        """Refuse where there is nobody to write to."""
        data = dict(super().clean() or {})
        if not self.address():
            self.add_error(None, "There is nobody to write to.")
        return data


def refundable(order: Order) -> int:
    """Return how much of an order's money is here and not on its way back."""
    paid = Payment.objects.filter(order=order, status=Payment.Status.SUCCEEDED)
    return int(paid.aggregate(left=Sum(F("received_cents") - F("refunded_cents")))["left"] or 0)


class ReplayForm(ConfirmForm):
    """Whether an event is to be applied once more."""

    def sentences(self) -> list[str]:
        """Say what that does, and what it does not."""
        return ["What it says is read and applied once more.", "What it did before is not done again."]


class AcknowledgeForm(ConfirmForm):
    """Whether somebody has seen an alert."""

    def sentences(self) -> list[str]:
        """Say what that does."""
        return ["Everybody sees that you have seen it, and when; it is not sent again."]


class RetryFailureForm(OfFailure, RetryForm):
    """Whether the order behind a failure is to be tried again."""


class WriteFailureForm(OfFailure, WriteForm):
    """A letter to the guest behind a failure, with an order or without."""

    def address(self) -> str:
        """Return the address of the order, or of the failure itself."""
        return super().address() or failure_of(self.request, self.object_id).customer_email


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


def send_letter(request: HttpRequest, form: WriteForm) -> None:
    """Promise the letter that was typed, and say so."""
    typed = form.cleaned_data
    is_new = writing.write_to_guest(
        order=form.order,
        recipient=form.address(),
        subject=typed["subject"],
        text=typed["text"],
        by_id=request.user.pk,
        letter_id=typed["letter"],
        now=timezone.now(),
    )
    if is_new:
        messages.success(request, f"Your letter to {form.address()} is on its way.")
    else:
        messages.warning(request, "This letter was sent off already, and goes once.")
