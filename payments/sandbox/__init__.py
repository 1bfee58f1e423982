"""A faithful stand-in for the payment providers: a process of its own that knows nothing of the product."""
