"""The console: one module a subject."""

from owners.admin import accounts, audits, keys, money, nights, nights_off, people, selling, tables, trouble

__all__ = ["accounts", "audits", "keys", "money", "nights", "nights_off", "people", "selling", "tables", "trouble"]
