"""The control room, `/_sandbox/*`: faults, clock, log and actors; only where started with faults."""

import json
from collections.abc import Callable

from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Request, Response

from payments.sandbox.books import Books
from payments.sandbox.json_types import Json
from payments.sandbox.stripe import actors
from payments.sandbox.stripe.errors import ApiError


class Control:
    """Take orders from tests and drills."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._orders: dict[tuple[str, str], Callable[[Json], Json]] = {
            ("POST", "faults"): self._add_fault,
            ("DELETE", "faults"): self._clear_faults,
            ("POST", "random"): self._randomise,
            ("GET", "clock"): lambda _: {"now": books.clock.now()},
            ("POST", "clock"): self._move_clock,
            ("POST", "drain"): lambda _: {"tried": books.deliver_due()},
            ("POST", "reset"): self._reset,
            ("GET", "log"): lambda _: {"data": books.journal.read()},
            ("GET", "deliveries"): lambda _: {"data": books.deliveries.list()},
            ("POST", "resend"): self._resend,
            ("POST", "pay"): lambda words: actors.pay(books, **words),
            ("POST", "approve"): lambda words: actors.authenticate(books, **{"passed": True, **words}),
            ("POST", "dispute"): lambda words: actors.dispute(books, **words),
            ("POST", "close_dispute"): lambda words: actors.close_dispute(books, **words),
            ("POST", "fail_refund"): lambda words: actors.fail_refund(books, **words),
        }

    def answer(self, request: Request) -> Response:
        """Carry out one order; its words come as a JSON object."""
        order = self._orders.get((request.method, request.path.removeprefix("/_sandbox/")))
        if order is None:
            return reply(404, {"error": {"message": f"SANDBOX: no order {request.method} {request.path}"}})
        try:
            words = request.get_json() if request.get_data() else {}
            return reply(200, order({"id_" if name == "id" else name: value for name, value in words.items()}))
        except ApiError as error:
            return reply(error.status, error.body)
        except (TypeError, ValueError, KeyError, BadRequest) as error:
            return reply(400, {"error": {"message": f"SANDBOX: {error}"}})

    def _add_fault(self, words: Json) -> Json:
        rule = self._books.faults.add(words)
        return {"added": rule.action}

    def _clear_faults(self, _: Json) -> Json:
        self._books.faults.clear()
        return {}

    def _randomise(self, words: Json) -> Json:
        self._books.faults.randomise(
            seed=int(words["seed"]), rate=float(words["rate"]), actions=[str(word) for word in words["actions"]]
        )
        return {}

    def _move_clock(self, words: Json) -> Json:
        self._books.clock.advance(float(words["advance"]))
        self._books.catch_up()
        return {"now": self._books.clock.now()}

    def _reset(self, _: Json) -> Json:
        self._books.reset()
        return {}

    def _resend(self, words: Json) -> Json:
        self._books.deliveries.resend(str(words["event"]))
        return {}


def reply(status: int, body: Json) -> Response:
    """Return JSON."""
    return Response(json.dumps(body, indent=2, default=str), status=status, mimetype="application/json")
