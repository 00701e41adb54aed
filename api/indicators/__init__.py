"""Systems of indicators, item by item."""
