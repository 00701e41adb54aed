"""What changed between two positions of the log, and what one entry moved."""
