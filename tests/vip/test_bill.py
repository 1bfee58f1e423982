from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vip import bill
from vip.bill import Terms

DEPOSIT = Terms(mode="deposit", price_cents=100_000, minimum_spend_cents=100_000, deposit_cents=30_000)
PACKAGE = Terms(mode="package", price_cents=120_000, service_bps=500, tax_bps=800, gratuity_bps=1800)
FULL = Terms(mode="full_prepay", price_cents=40_000, minimum_spend_cents=45_000)
SMALL = Terms(mode="deposit", price_cents=30_000, minimum_spend_cents=0, deposit_cents=30_000)

# terms, consumed: base, shortfall, charges, total, prepaid, due, refund, forfeit
WORKED = [
    (DEPOSIT, 65_000, (100_000, 35_000, 0, 100_000, 30_000, 70_000, 0, 0)),
    (DEPOSIT, 120_000, (120_000, 0, 0, 120_000, 30_000, 90_000, 0, 0)),
    (DEPOSIT, 100_000, (100_000, 0, 0, 100_000, 30_000, 70_000, 0, 0)),
    (DEPOSIT, 0, (100_000, 100_000, 0, 100_000, 30_000, 70_000, 0, 0)),
    (replace(DEPOSIT, gratuity_bps=1800), 120_000, (120_000, 0, 21_600, 141_600, 30_000, 111_600, 0, 0)),
    (SMALL, 20_000, (20_000, 0, 0, 20_000, 30_000, 0, 10_000, 0)),
    (replace(SMALL, returns_surplus=False), 20_000, (20_000, 0, 0, 20_000, 30_000, 0, 0, 10_000)),
    (SMALL, 30_000, (30_000, 0, 0, 30_000, 30_000, 0, 0, 0)),
    (PACKAGE, 0, (120_000, 120_000, 37_680, 157_680, 157_680, 0, 0, 0)),
    (PACKAGE, 120_000, (120_000, 0, 37_680, 157_680, 157_680, 0, 0, 0)),
    (PACKAGE, 150_000, (150_000, 0, 47_100, 197_100, 157_680, 39_420, 0, 0)),
    (FULL, 10_000, (45_000, 35_000, 0, 45_000, 45_000, 0, 0, 0)),
    (FULL, 60_000, (60_000, 0, 0, 60_000, 45_000, 15_000, 0, 0)),
    (replace(FULL, minimum_spend_cents=0), 0, (40_000, 40_000, 0, 40_000, 40_000, 0, 0, 0)),
    (Terms(mode="complimentary", price_cents=80_000), 0, (0, 0, 0, 0, 0, 0, 0, 0)),
    (Terms(mode="complimentary", price_cents=80_000), 5_000, (5_000, 0, 0, 5_000, 0, 5_000, 0, 0)),
]


@pytest.mark.parametrize(("terms", "consumed", "worked"), WORKED)
def test_a_bill_is_as_worked_by_hand(terms: Terms, consumed: int, worked: tuple[int, ...]) -> None:
    account = bill.work_out(terms, consumption_cents=consumed)

    assert (
        account.base_cents,
        account.shortfall_cents,
        account.charges.total_cents,
        account.total_cents,
        account.prepaid_cents,
        account.due_cents,
        account.refund_cents,
        account.forfeit_cents,
    ) == worked


def test_charges_are_rounded_half_up_and_tax_is_owed_on_service() -> None:
    charges = bill.charges_on(1_050, replace(PACKAGE, service_bps=1_000, tax_bps=1_000, gratuity_bps=1))

    assert (charges.service_cents, charges.tax_cents, charges.gratuity_cents) == (105, 116, 0)


@given(
    st.sampled_from([DEPOSIT, PACKAGE, FULL, SMALL, replace(SMALL, returns_surplus=False)]), st.integers(0, 10_000_000)
)
def test_no_bill_is_ever_negative_and_every_cent_is_somewhere(terms: Terms, consumed: int) -> None:
    account = bill.work_out(terms, consumption_cents=consumed)

    assert min(account.due_cents, account.refund_cents, account.forfeit_cents) >= 0
    assert account.prepaid_cents + account.due_cents == (
        account.total_cents + account.refund_cents + account.forfeit_cents
    )


@given(st.integers(0, 10_000_000), st.integers(1, 30))
def test_shares_add_up_and_differ_by_a_cent_at_most(cents: int, parts: int) -> None:
    shares = bill.apportion(cents, parts)

    assert sum(shares) == cents
    assert max(shares) - min(shares) <= 1
