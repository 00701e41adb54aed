"""What was said: signed statements, the log they stand in, and the proofs of both."""
