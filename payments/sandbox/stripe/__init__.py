"""Stripe, as API version 2026-10-28.endive shows it."""

API_VERSION = "2026-10-28.endive"
