"""Systems of indicators, notice 910 among them, applied to the books of a park."""
