"""What is the same for every operation: who asks, bodies, caching, problems, documents."""
