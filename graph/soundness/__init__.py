"""What cannot be true, what cannot be used, and what cannot be compared."""
