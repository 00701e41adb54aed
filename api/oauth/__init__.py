"""OAuth 2.0 for programs: clients, and the access tokens they are granted (RFC 6749, 4.4)."""
