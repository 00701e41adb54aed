"""Every product footprint of a network, and what of it lies outside a boundary. Pure numerics."""
