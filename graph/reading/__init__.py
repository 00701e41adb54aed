"""From statements to the arrays of a year: who makes what, from what, emitting what; beside them
what meters counted, what becomes of goods after the gate, and what verifiers stand behind."""
