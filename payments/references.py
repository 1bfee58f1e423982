"""Our own ids, as providers hand them back to us."""

from uuid import UUID


def parse(text: str) -> UUID | None:
    """Return the id a provider kept for us, or None where it is not one of ours."""
    try:
        return UUID(text)
    except ValueError:
        return None
