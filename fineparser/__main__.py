"""python -m fineparser: the command line."""

import sys

from fineparser.cli import main

sys.exit(main())
