"""Pages for people, and the pictures on them."""
