"""Tables for the night."""
