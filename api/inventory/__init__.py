"""The whole inventory of a boundary, down to the net figure and its status."""
