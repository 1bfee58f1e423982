"""What a table costs: now, and on the night. Pure arithmetic in whole cents."""

from dataclasses import dataclass

WHOLE = 10_000  # a hundred per cent, in basis points


@dataclass(frozen=True, slots=True)
class Terms:
    """How one table is sold; kept with the reservation as it was shown.

    - `package`: a fixed price with its bottles, paid now.
    - `deposit`: a part now, at least the minimum spend on the night.
    - `full_prepay`: the whole minimum spend now.
    - `complimentary`: nothing now, and no minimum.
    """

    mode: str
    price_cents: int = 0
    minimum_spend_cents: int = 0
    deposit_cents: int = 0
    service_bps: int = 0
    tax_bps: int = 0
    gratuity_bps: int = 0
    # Where a deposit is more than the whole bill, the rest goes back to the guest or stays with the club.
    returns_surplus: bool = True


@dataclass(frozen=True, slots=True)
class Charges:
    """What is added to a sum; tax is owed on the service charge too, gratuity only on what was ordered."""

    service_cents: int
    tax_cents: int
    gratuity_cents: int

    @property
    def total_cents(self) -> int:
        """Return them all."""
        return self.service_cents + self.tax_cents + self.gratuity_cents


@dataclass(frozen=True, slots=True)
class Bill:
    """A party's whole account: `due_cents` is never negative, what is too much is said in so many words."""

    base_cents: int
    shortfall_cents: int
    charges: Charges
    total_cents: int
    prepaid_cents: int
    due_cents: int
    refund_cents: int
    forfeit_cents: int


def work_out(terms: Terms, *, consumption_cents: int = 0) -> Bill:
    """Return the account of a party that ordered so much on the night."""
    base = max(consumption_cents, floor_of(terms))
    charges = charges_on(base, terms)
    total = base + charges.total_cents
    prepaid = prepaid_of(terms).total_cents
    surplus = max(prepaid - total, 0)
    return Bill(
        base_cents=base,
        shortfall_cents=base - min(consumption_cents, base),
        charges=charges,
        total_cents=total,
        prepaid_cents=prepaid,
        due_cents=max(total - prepaid, 0),
        refund_cents=surplus if terms.returns_surplus else 0,
        forfeit_cents=0 if terms.returns_surplus else surplus,
    )


@dataclass(frozen=True, slots=True)
class Prepaid:
    """What is paid before the night: the price, and what is added to it."""

    price_cents: int
    charges: Charges

    @property
    def total_cents(self) -> int:
        """Return the all-in amount, the one a guest is shown first and then charged."""
        return self.price_cents + self.charges.total_cents


def prepaid_of(terms: Terms) -> Prepaid:
    """Return what is paid now; a deposit has nothing added to it, the night's bill has."""
    if terms.mode == "deposit":
        return Prepaid(terms.deposit_cents, Charges(0, 0, 0))
    return Prepaid(floor_of(terms), charges_on(floor_of(terms), terms))


def floor_of(terms: Terms) -> int:
    """Return the least a party pays for what it orders."""
    match terms.mode:
        case "package":
            return terms.price_cents
        case "full_prepay":
            return terms.minimum_spend_cents or terms.price_cents
        case "deposit":
            return terms.minimum_spend_cents
        case _:
            return 0


def charges_on(base_cents: int, terms: Terms) -> Charges:
    """Return what is added to a sum, each part rounded half up."""
    service = share(base_cents, terms.service_bps)
    return Charges(service, share(base_cents + service, terms.tax_bps), share(base_cents, terms.gratuity_bps))


def share(cents: int, bps: int) -> int:
    """Return so many hundredths of a per cent of a sum, rounded half up."""
    return (cents * bps + WHOLE // 2) // WHOLE


def apportion(cents: int, parts: int) -> list[int]:
    """Divide a sum among so many, to the cent, by largest remainder: the first shares are a cent larger."""
    each, left = divmod(cents, parts)
    return [each + (1 if place < left else 0) for place in range(parts)]
