"""Key files, secrets at rest, and signatures made here."""
