"""The console: one module a subject."""

from owners.admin import money, nights, people, trouble

__all__ = ["money", "nights", "people", "trouble"]
