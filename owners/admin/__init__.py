"""The console: one module a subject."""

from django.contrib import admin

from owners.admin import (
    accounts,
    audits,
    errors,
    keys,
    letters,
    machine,
    money,
    nights,
    nights_off,
    orders,
    people,
    schedule,
    selling,
    tables,
    trouble,
)

__all__ = [
    "accounts",
    "audits",
    "errors",
    "keys",
    "letters",
    "machine",
    "money",
    "nights",
    "nights_off",
    "orders",
    "people",
    "schedule",
    "selling",
    "tables",
    "trouble",
]

admin.site.index_title = "Home"
