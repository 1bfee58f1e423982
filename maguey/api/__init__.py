"""The API for programs: the same rules as the pages, over JSON."""
