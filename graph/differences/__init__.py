"""What figures would be, or were: between prefixes, suppositions and degrees of trust."""
