"""A club that looks alive: made by driving the product and the sandbox, never by inserting money."""
