import pytest
import stripe

from payments.sandbox.testing import Sandbox
from tests.sandbox.making import paid, types


@pytest.mark.parametrize(
    ("card", "status", "reason"),
    [
        ("pm_card_createDispute", "needs_response", "fraudulent"),
        ("pm_card_createDisputeProductNotReceived", "needs_response", "product_not_received"),
        ("pm_card_createDisputeInquiry", "warning_needs_response", "general"),
    ],
)
def test_a_card_opens_its_dispute(
    sandbox: Sandbox, client: stripe.StripeClient, card: str, status: str, reason: str
) -> None:
    id_ = paid(sandbox, card)

    sandbox.advance(5)

    found = client.v1.disputes.list({"payment_intent": id_}).data
    assert [(item.status, item.reason) for item in found] == [(status, reason)]
    assert client.v1.charges.list({"payment_intent": id_}).data[0].disputed is True
    assert ("charge.dispute.funds_withdrawn" in types(sandbox)) is (status == "needs_response")


def test_a_disputed_charge_is_not_refunded(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    id_ = paid(sandbox)
    sandbox.dispute(id_)

    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.refunds.create({"payment_intent": id_})

    assert refused.value.code == "charge_disputed"


@pytest.mark.parametrize(("text", "status"), [("winning_evidence", "won"), ("losing_evidence", "lost")])
def test_evidence_decides(sandbox: Sandbox, client: stripe.StripeClient, text: str, status: str) -> None:
    dispute = sandbox.dispute(paid(sandbox))

    after = client.v1.disputes.update(dispute["id"], {"evidence": {"uncategorized_text": text}, "submit": True})

    assert after.status == status
    assert ("charge.dispute.funds_reinstated" in types(sandbox)) is (status == "won")
    assert types(sandbox)[-1] == "charge.dispute.closed"


def test_a_dispute_can_be_accepted(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    dispute = sandbox.dispute(paid(sandbox))

    assert client.v1.disputes.close(dispute["id"]).status == "lost"
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.disputes.close(dispute["id"])


def test_an_early_warning_comes_before_any_dispute(sandbox: Sandbox) -> None:
    paid(sandbox, "pm_card_createIssuerFraudRecord")

    sandbox.advance(5)

    assert "radar.early_fraud_warning.created" in types(sandbox)
