"""Figures taken apart for those who ask: origins, paths, loops, levers."""
