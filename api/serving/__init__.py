"""A deployment from its start to its end: servers, errands, publishing, witnessing."""
