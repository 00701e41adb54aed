"""Figures as they are published, and computed again by anybody."""
