"""`python -m tracer script.py args…` is `tracer run script.py args…`; a command's name before that is the command."""

import sys

from tracer.cli import COMMANDS, main

arguments = sys.argv[1:]
if arguments and arguments[0] not in COMMANDS and not arguments[0].startswith("-"):
    arguments = ["run", *arguments]
sys.exit(main(arguments))
