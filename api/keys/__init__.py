"""Key files, tokens, secrets at rest, and signatures made here."""
