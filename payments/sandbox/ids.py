"""Identifiers that look like a provider's."""

import random
import string

ALPHABET = string.ascii_letters + string.digits


class Ids:
    """Make identifiers and secrets with a provider's prefixes, repeatable where a seed is given."""

    def __init__(self, seed: int | None = None) -> None:
        self._random = random.Random(seed) if seed is not None else random.SystemRandom()  # noqa: S311 - a seed is for tests

    def word(self, length: int) -> str:
        """Return random letters and digits."""
        return "".join(self._random.choices(ALPHABET, k=length))

    def make(self, prefix: str, length: int = 24) -> str:
        """Return an identifier such as `pi_3Kx...`."""
        return f"{prefix}_{self.word(length)}"
