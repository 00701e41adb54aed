"""Servers from start to end: errands, whose turn it is, deliveries, publishing, witnessing."""
