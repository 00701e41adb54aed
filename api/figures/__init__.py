"""Figures of products and boundaries, and what every answer about one shares."""
