"""What is asked of a year: the footprint of a product, Scope 1 to 3 and T0 to T2 of a boundary."""
