"""The endpoints of payment intents."""

import re

import stripe

from payments.sandbox.books import Work
from payments.sandbox.json_types import Json
from payments.sandbox.store import Record
from payments.sandbox.stripe import confirming, intents, listing, method_choice, payment_methods
from payments.sandbox.stripe.calls import Call, Operation, check_metadata, merged_metadata, wanted
from payments.sandbox.stripe.confirming import Attempt
from payments.sandbox.stripe.errors import ApiError, invalid, missing_parameter
from payments.sandbox.stripe.parameters import Shape

PAGING = frozenset({"limit", "starting_after", "ending_before", "created", "expand"})
CLAUSE = re.compile(r"""(?:(metadata)\[['"](.+?)['"]\]|(\w+))\s*([:<>]=?)\s*(?:'([^']*)'|"([^"]*)"|(\d+))\s*""")
# What only Stripe.js sends along.
FROM_BROWSER = frozenset({"key", "referrer", "_stripe_version"})


def create(work: Work, call: Call) -> Json:
    """Create a payment intent, and confirm it where asked."""
    params = call.params
    currency = params["currency"].lower()
    intents.check_amount(params["amount"], currency)
    check_metadata(params.get("metadata"))
    check_texts(params)
    values = params | {"currency": currency} | methods_of(work, params)
    if params.get("payment_method") and not params.get("confirm"):
        raise ApiError(404, "SANDBOX: not built: payment_method without confirm", code="sandbox_not_built")
    intent = intents.make(work, values)
    if params.get("confirm"):
        confirm_with(work, intent, call)
    return intent.body


def check_texts(params: Json) -> None:
    """Refuse texts that are too long for a bank statement or a description."""
    for name, longest in (("description", 1000), ("statement_descriptor_suffix", 22)):
        text = params.get(name) or ""
        if len(text) > longest:
            raise invalid(f"Invalid string: {text[:20]}...; must be at most {longest} characters", name)


def methods_of(work: Work, params: Json) -> Json:
    """Return the intent's payment methods, as the request narrows them."""
    automatic = params.get("automatic_payment_methods")
    is_dynamic = "allowed_payment_method_types" not in params
    return {
        "payment_method_types": method_choice.offered(work, params),
        "automatic_payment_methods": {"allow_redirects": "always", **(automatic or {"enabled": True})}
        if is_dynamic
        else None,
    }


def retrieve(work: Work, call: Call) -> Json:
    """Return a payment intent; a browser must know its client secret."""
    intent = of_caller(work, call)
    return intents.shown(intent, is_public=call.is_public)


def of_caller(work: Work, call: Call) -> Record:
    """Return the intent of the path, if the caller may touch it."""
    intent = wanted(work, call, "payment_intent", "payment_intent", "intent")
    secret = call.params.get("client_secret")
    if (call.is_public or secret) and secret != intent.body["client_secret"]:
        if call.is_public and not secret:
            raise missing_parameter("client_secret")
        raise ApiError(
            400,
            "The client_secret provided does not match the client_secret associated with the PaymentIntent.",
            code="payment_intent_invalid_parameter" if call.is_public else None,
            param="client_secret",
        )
    return intent


def list_(work: Work, call: Call) -> Json:
    """Return a page of payment intents."""
    return listing.page(work, listing.Question("payment_intent"), call.params, call.url)


def search(work: Work, call: Call) -> Json:
    """Find payment intents by a query such as `metadata['order']:'x' AND status:'succeeded'` ("Search")."""
    question = listing.Question("payment_intent")
    for clause in re.split(r"\s+AND\s+", call.params["query"]):
        narrow(question, clause)
    page = listing.page(work, question, call.params, call.url)
    return page | {"object": "search_result", "next_page": None}


def narrow(question: listing.Question, clause: str) -> None:
    """Add one clause of a search to the question."""
    found = CLAUSE.fullmatch(clause.strip())
    if not found:
        raise invalid(f"We were unable to parse your search query near: {clause}", "query")
    _, key, name, sign, single, double, number = found.groups()
    value = single if single is not None else double if double is not None else number
    if key is not None:
        question.where("json_extract(body, '$.metadata.' || json_quote(?)) = ?", key, value)
    elif name in ("status", "currency") and sign == ":":
        question.equals(name, value)
    elif name in ("amount", "created"):
        question.where(f"json_extract(body, '$.{name}') {'=' if sign == ':' else sign} ?", int(value))
    else:
        raise invalid(f"Field `{name}` is an unsupported search field for resource `payment_intents`.", "query")


def update(work: Work, call: Call) -> Json:
    """Change an intent that is not paid yet; its metadata may change at any time."""
    intent, params = of_caller(work, call), call.params
    check_metadata(params.get("metadata"))
    check_texts(params)
    given: Json = {name: params[name] or None for name in ("description", "receipt_email") if name in params}
    if "amount" in params or "allowed_payment_method_types" in params:
        if intent.body["status"] not in confirming.CONFIRMABLE or intent.hidden.get("session"):
            raise intents.wrong_state(
                intent,
                "This PaymentIntent's amount could not be updated because it has a status of "
                f"{intent.body['status']}. You may only update the amount of a PaymentIntent with one of the following "
                "statuses: requires_payment_method, requires_confirmation, requires_action.",
            )
        amount = int(params.get("amount") or intent.body["amount"])
        intents.check_amount(amount, intent.body["currency"])
        given["amount"] = amount
        if "allowed_payment_method_types" in params:
            given["allowed_payment_method_types"] = params["allowed_payment_method_types"]
            given["payment_method_types"] = method_choice.offered(work, params)
    intent.body |= given
    if "metadata" in params:
        intent.body["metadata"] = merged_metadata(intent.body["metadata"], params["metadata"])
    work.save(intent)
    return intent.body


def confirm(work: Work, call: Call) -> Json:
    """Confirm an intent, from our server or from the browser."""
    intent = of_caller(work, call)
    confirm_with(work, intent, call)
    return intents.shown(intent, is_public=call.is_public)


def confirm_with(work: Work, intent: Record, call: Call) -> None:
    """Confirm with the payment method the call brings."""
    params = call.params
    refuse_session_intent(intent, "confirm")
    confirming.check_status(intent, is_public=call.is_public)
    if data := params.get("payment_method_data"):
        method = payment_methods.from_data(work, data, is_public=call.is_public)
    elif id_ := params.get("payment_method"):
        method = payment_methods.resolve(work, id_)
    else:
        raise ApiError(
            400,
            "You cannot confirm this PaymentIntent because it's missing a payment method. You can either update the "
            "PaymentIntent with a payment method and then confirm it again, or confirm it again directly with a "
            "payment method or ConfirmationToken.",
            code="payment_intent_unexpected_state",
            extra={"payment_intent": intents.shown(intent, is_public=call.is_public)},
        )
    return_url = params.get("return_url") or ""
    automatic = intent.body["automatic_payment_methods"]
    if automatic and automatic["allow_redirects"] == "always" and not return_url and not params.get("use_stripe_sdk"):
        raise invalid(
            "This PaymentIntent is configured to accept payment methods enabled in your Dashboard. Because some of "
            "these payment methods might redirect your customer off of your page, you must provide a `return_url`.",
            "return_url",
        )
    attempt = Attempt(
        method=method,
        return_url=return_url,
        uses_sdk=params.get("use_stripe_sdk") in (True, "true"),
        is_public=call.is_public,
        forced=call.forced_decline,
    )
    confirming.confirm(work, intent, attempt)


def refuse_session_intent(intent: Record, verb: str) -> None:
    """Leave the intent of a Checkout Session to its session: only expiring the session closes it."""
    if intent.hidden.get("session"):
        raise intents.wrong_state(
            intent,
            f"You cannot {verb} this PaymentIntent because it was created by Checkout. Expire the Checkout Session "
            "instead.",
        )


def cancel(work: Work, call: Call) -> Json:
    """Cancel an intent that is neither paid nor a session's."""
    intent = of_caller(work, call)
    refuse_session_intent(intent, "cancel")
    intents.cancel(work, intent, call.params.get("cancellation_reason"))
    return intent.body


def source_cancel(work: Work, call: Call) -> Json:
    """Take note that the guest closed the 3-D Secure dialog: authentication failed."""
    intent = of_caller(work, call)
    if intent.body["status"] == "requires_action":
        confirming.answer_challenge(work, intent, passed=False)
    return intents.shown(intent, is_public=True)


CREATE = frozenset(
    {
        "amount", "currency", "automatic_payment_methods", "allowed_payment_method_types",
        "excluded_payment_method_types", "description", "metadata", "receipt_email", "statement_descriptor_suffix",
        "confirm", "payment_method",
        "return_url", "use_stripe_sdk", "capture_method", "payment_method_options.card.request_three_d_secure",
        "expand",
    }
)  # fmt: skip
UPDATE = frozenset({"amount", "description", "metadata", "receipt_email", "allowed_payment_method_types", "expand"})
CONFIRM = frozenset(
    {"payment_method", "payment_method_data.type", "payment_method_data.billing_details", "return_url",
     "use_stripe_sdk", "receipt_email", "expand"}
)  # fmt: skip
PRIVATE_CONFIRM = FROM_BROWSER | {"client_secret", "payment_method_data", "expected_payment_method_type"}

OPERATIONS = (
    Operation("POST", "/v1/payment_intents", create, Shape(stripe.params.PaymentIntentCreateParams, CREATE)),
    Operation("GET", "/v1/payment_intents", list_, Shape(stripe.params.PaymentIntentListParams, PAGING)),
    Operation(
        "GET",
        "/v1/payment_intents/search",
        search,
        Shape(stripe.params.PaymentIntentSearchParams, frozenset({"query", "limit", "expand"})),
    ),
    Operation(
        "GET",
        "/v1/payment_intents/<id>",
        retrieve,
        Shape(stripe.params.PaymentIntentRetrieveParams, frozenset({"client_secret", "expand"}), FROM_BROWSER),
        is_public=True,
    ),
    Operation("POST", "/v1/payment_intents/<id>", update, Shape(stripe.params.PaymentIntentUpdateParams, UPDATE)),
    Operation(
        "POST",
        "/v1/payment_intents/<id>/confirm",
        confirm,
        Shape(stripe.params.PaymentIntentConfirmParams, CONFIRM, PRIVATE_CONFIRM),
        is_public=True,
    ),
    Operation(
        "POST",
        "/v1/payment_intents/<id>/cancel",
        cancel,
        Shape(stripe.params.PaymentIntentCancelParams, frozenset({"cancellation_reason", "expand"})),
    ),
    Operation(
        "POST",
        "/v1/payment_intents/<id>/source_cancel",
        source_cancel,
        Shape(
            stripe.params.PaymentIntentRetrieveParams, frozenset({"client_secret", "expand"}), FROM_BROWSER | {"source"}
        ),
        is_public=True,
    ),
)
