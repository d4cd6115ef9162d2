"""A week becomes a page."""
