"""python -m fineparser: the command line."""

import sys

from fineparser.cli.command_line import main

sys.exit(main())
