"""Figures under suppositions, asked for once or saved as scenarios."""
