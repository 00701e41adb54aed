"""Standings, years and their answers, kept while the log grows, in memory and in files."""
