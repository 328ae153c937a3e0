"""The whole grammar of the command line, and running one command of it.

Every command imports what it needs when it runs: training and simulating work where the app's packages are missing.
"""

import argparse
import sys
from collections.abc import Sequence

from fineparser.cli import analyse, bank, bench, evaluate, examples, import_checkpoint, recipe, simulate, train

COMMANDS = (analyse, bank, simulate, train, recipe, evaluate, import_checkpoint, examples, bench)
"""In the order of the help. Each has `add_to(commands)`, which adds its grammar and names what runs."""


def parser() -> argparse.ArgumentParser:
    """The whole grammar of the command line."""
    top = argparse.ArgumentParser(
        prog="fineparser", description="Watches competitive dives and tells how good they are."
    )
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add_to(commands)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; what can go wrong ends in a sentence, not in a traceback.

    Returns:
        0 when all went well, 1 where some of many clips could not be used, 2 for input that cannot be used at all,
        130 when interrupted.
    """
    options = parser().parse_args(arguments)
    try:
        return options.run(options)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
