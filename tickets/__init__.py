"""The night, what is sold for it, and the door."""
