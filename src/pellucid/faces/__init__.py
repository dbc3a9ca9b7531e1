"""What people touch: the command line and the Python interface. Thin: they ask the rooms below and show the answer."""
