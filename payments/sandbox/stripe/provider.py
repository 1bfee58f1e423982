"""Stripe within the sandbox: its API, its pages, and what time does to its objects."""

from werkzeug.wrappers import Request, Response

from payments.sandbox.books import Books
from payments.sandbox.stripe import charges, confirming, disputes, refunds, sessions, signing
from payments.sandbox.stripe.api import Api
from payments.sandbox.stripe.pages import Pages


class Provider:
    """Answer for api.stripe.com, js.stripe.com and checkout.stripe.com at once."""

    def __init__(self, books: Books) -> None:
        books.jobs |= {
            "settle_charge": charges.settle,
            "open_dispute": disputes.open_by_card,
            "finish_refund": refunds.finish,
            "fail_refund": refunds.fail_slowly,
            "finish_processing": confirming.finish_processing,
        }
        books.deliveries.seals["stripe"] = signing.seal
        books.sweeps.append(sessions.expire_overdue)
        self._api = Api(books)
        self._pages = Pages(books)

    def answer(self, request: Request) -> Response:
        """Answer one request: the pages where one is named, the API for all else."""
        return self._pages.answer(request) or self._api.answer(request)
