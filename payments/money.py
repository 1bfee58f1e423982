"""Cents as people write them."""

from babel.numbers import format_currency

# Currencies whose smallest unit is the whole ("Supported currencies": zero-decimal).
WHOLE = frozenset({"jpy", "krw", "clp", "vnd", "pyg"})


def format_cents(cents: int, currency: str, language: str = "en") -> str:
    """Write an amount as its readers do: 2850 cents of usd are $28.50."""
    amount = cents if currency.lower() in WHOLE else cents / 100
    return str(format_currency(amount, currency.upper(), locale="es_US" if language.startswith("es") else "en_US"))
