"""What follows: the network of a year, product footprints and boundaries, from what was said."""
