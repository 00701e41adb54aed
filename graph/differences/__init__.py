"""How figures differ: from prefix to prefix, under suppositions, without what is distrusted."""
