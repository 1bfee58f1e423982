"""The console: one module a subject."""

from owners.admin import money, nights, people, tables, trouble

__all__ = ["money", "nights", "people", "tables", "trouble"]
