"""The log itself: entries, proofs, checkpoints, and what suspicion does to it."""
