"""Indexes for what people type into a search."""

from django.contrib.postgres.indexes import OpClass
from django.db.models import Index
from django.db.models.expressions import OrderBy
from django.db.models.functions import Collate, Upper
from django.db.models.indexes import IndexExpression

# Django's PostgreSQL app does this, and beside it asks every new connection for types that we do not use.
IndexExpression.register_wrappers(OrderBy, OpClass, Collate)


def begins_with(field: str, *, name: str) -> Index:
    """Return the index for how a field begins, or what it is, in capitals or not."""
    return Index(OpClass(Upper(field), name="text_pattern_ops"), name=name)
