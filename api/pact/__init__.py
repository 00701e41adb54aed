"""Catchment as a PACT v3 host: the footprints it hands out, and what PACT's events look like."""
