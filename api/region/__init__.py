"""Unions of parks, enterprises and divisions as one boundary."""
