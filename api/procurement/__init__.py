"""Procurement: from an identifier to a figure, offers side by side, awards and their drift."""
