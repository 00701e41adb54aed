"""What is the same for every operation: queries, bodies, problems, and their documentation."""
