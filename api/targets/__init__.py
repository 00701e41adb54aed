"""How far a boundary has come on the path it has set itself."""
