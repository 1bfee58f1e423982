"""Our own ids, as providers hand them back to us."""

from uuid import UUID


def parse(text: str) -> list[UUID]:
    """Return the id a provider kept for us, or none where it is not one of ours."""
    try:
        return [UUID(text)]
    except ValueError:
        return []
