"""The version of the engine, which every figure names."""

VERSION = "3"
"""Changes whenever the same prefix and question may give another figure."""
