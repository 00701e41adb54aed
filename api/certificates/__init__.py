"""Certificates that count for a boundary, and those that are claimed twice."""
