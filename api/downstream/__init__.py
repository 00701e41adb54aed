"""What becomes of what a boundary sells."""
