"""`python -m pellucid` is the command line."""

from pellucid.faces.cli import main

main()
