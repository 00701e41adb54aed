"""What the engine noticed, told to whom it concerns."""
