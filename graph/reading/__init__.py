"""From statements to the arrays of a year: who makes what, from what, emitting what."""
