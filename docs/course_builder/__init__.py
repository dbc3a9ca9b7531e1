"""Makes the course's pages and notebooks from one source: docs/course/NN-name.md. See `python docs/build.py --help`."""
