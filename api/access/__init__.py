"""Who may read what, and which sums would tell what one enterprise keeps to itself."""
