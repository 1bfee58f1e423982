"""The console: one module a subject."""

from owners.admin import audits, money, nights, nights_off, people, selling, tables, trouble

__all__ = ["audits", "money", "nights", "nights_off", "people", "selling", "tables", "trouble"]
