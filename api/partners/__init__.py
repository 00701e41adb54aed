"""Other PACT hosts: who they are, how they are called, and what is taken over from them."""
