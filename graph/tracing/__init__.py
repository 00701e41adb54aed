"""Taking a figure apart: where it arose, over which paths, how well it is known."""
