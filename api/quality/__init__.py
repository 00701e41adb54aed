"""How good the data behind a figure are."""
