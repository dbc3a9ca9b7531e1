"""A model brought to others: as a page that needs nothing but a browser."""
