"""A year as meters tell it, while it runs."""
