"""Statements as they stand in the log, for those who may read them."""
