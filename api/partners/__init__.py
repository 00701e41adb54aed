"""Other PACT hosts: who they are, how they are called, the events between them and this server,
and what is taken over from them."""
