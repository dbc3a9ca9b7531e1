"""The explorer's local server: one model, one person, 127.0.0.1."""
