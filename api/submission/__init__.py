"""Statements taken in: from bytes to an entry and its receipt."""
