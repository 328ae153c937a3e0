"""python -m fineparser: the command line."""

import sys

from fineparser.cli.command_line import main

if __name__ == "__main__":  # a process that analyses one of many clips imports this file, too
    sys.exit(main())
