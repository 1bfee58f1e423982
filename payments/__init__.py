"""The ground: orders, payments, refunds, webhooks. It names no ticket and no table."""
