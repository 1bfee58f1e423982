"""The console: one module a subject."""

from owners.admin import audits, keys, money, nights, nights_off, people, selling, tables, trouble

__all__ = ["audits", "keys", "money", "nights", "nights_off", "people", "selling", "tables", "trouble"]
