"""Catchment as a PACT v3 host: footprints handed out and taken in, and events about them."""
