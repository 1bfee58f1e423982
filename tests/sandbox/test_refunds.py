import pytest
import stripe

from payments.sandbox.testing import Sandbox
from tests.sandbox.making import intent, paid, types


def test_partial_refunds_add_up_to_the_charge_and_no_further(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    id_ = paid(sandbox)

    first = client.v1.refunds.create({"payment_intent": id_, "amount": 1500, "metadata": {"refund_id": "r1"}})
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.refunds.create({"payment_intent": id_, "amount": 3001})
    rest = client.v1.refunds.create({"payment_intent": id_})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.refunds.create({"payment_intent": id_})

    assert (first.status, first.amount, rest.amount) == ("succeeded", 1500, 3000)
    assert refused.value.code == "charge_already_refunded"
    charge = client.v1.charges.list(
        {"payment_intent": id_},
    ).data[0]
    assert (charge.amount_refunded, charge.refunded) == (4500, True)
    assert [item.id for item in client.v1.refunds.list({"payment_intent": id_}).data] == [rest.id, first.id]
    assert types(sandbox).count("charge.refunded") == 2


def test_an_unpaid_intent_has_nothing_to_refund(client: stripe.StripeClient) -> None:
    made = intent(client)

    with pytest.raises(stripe.InvalidRequestError):
        client.v1.refunds.create({"payment_intent": made.id})


def test_a_slow_refund_is_pending_first(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    id_ = paid(sandbox, "pm_card_pendingRefund")

    made = client.v1.refunds.create({"payment_intent": id_})
    sandbox.advance(11)

    assert (made.status, client.v1.refunds.retrieve(made.id).status) == ("pending", "succeeded")
    assert "refund.updated" in types(sandbox)


def test_a_refund_may_fail_after_it_succeeded(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    id_ = paid(sandbox, "pm_card_refundFail")

    made = client.v1.refunds.create({"payment_intent": id_})
    sandbox.advance(11)

    after = client.v1.refunds.retrieve(made.id)
    assert (made.status, after.status, after.failure_reason) == ("succeeded", "failed", "expired_or_canceled_card")
    assert client.v1.charges.list({"payment_intent": id_}).data[0].amount_refunded == 0
    assert "refund.failed" in types(sandbox)


def test_any_refund_may_be_made_to_fail(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    made = client.v1.refunds.create({"payment_intent": paid(sandbox)})

    assert sandbox.fail_refund(made.id)["status"] == "failed"


def test_charges_expand_their_refunds(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    id_ = paid(sandbox)
    made = client.v1.refunds.create({"payment_intent": id_, "expand": ["charge.refunds", "balance_transaction"]})

    assert made.charge.refunds.data[0].id == made.id  # type: ignore[union-attr] # expanded above
    assert made.balance_transaction.net == -4500  # type: ignore[union-attr] # expanded above
